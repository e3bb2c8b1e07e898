//! Clients that speak HTTP/2, and connections that change their protocol.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use exchange::decision::Disposition;
use gateway::ListenerConfig;
use h2::client::SendRequest;
use http::{Request, Response};

use crate::harness::{Fixture, Upstream, settings};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn h2c(settings: &str) -> Fixture {
    Fixture::with(settings, |config| {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        config.listeners = vec![ListenerConfig { h2c: true, ..address.into() }];
    })
}

/// Runs `talk` with a client of the gateway.
pub(crate) fn with_client<T>(gate: &Fixture, talk: impl AsyncFnOnce(SendRequest<Bytes>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(gate.address()).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        let driving = tokio::spawn(connection);
        let talked = tokio::time::timeout(PATIENCE, talk(client)).await.unwrap();
        driving.abort();
        talked
    })
}

pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://shop.example{path}"))
}

/// Sends a request, its body in pieces, and reads the whole answer.
pub(crate) async fn ask(
    client: &mut SendRequest<Bytes>,
    request: http::request::Builder,
    pieces: &[&'static [u8]],
) -> Result<(Response<()>, Vec<u8>), h2::Error> {
    let request = request.body(()).unwrap();
    client.clone().ready().await?;
    let (response, mut body) = client.send_request(request, pieces.is_empty())?;
    for (index, piece) in pieces.iter().enumerate() {
        body.send_data(Bytes::from_static(piece), index + 1 == pieces.len())?;
    }
    let (head, mut stream) = response.await?.into_parts();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        let _ = stream.flow_control().release_capacity(piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok((Response::from_parts(head, ()), bytes))
}

#[test]
fn a_stream_is_an_exchange_of_http_1() {
    let upstream = Upstream::says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nhi");
    let mut gate = h2c(&settings("observe", upstream.address, ""));
    let (head, body) = with_client(&gate, async |mut client| {
        let request = request("POST", "/items").header("content-type", "application/json");
        let request = request.header("cookie", "a=1").header("cookie", "b=2");
        ask(&mut client, request, &[b"{\"name\":", b"\"x\"}"]).await.unwrap()
    });
    assert_eq!((head.status().as_u16(), body.as_slice()), (200, b"hi".as_slice()));
    assert_eq!(head.headers()["x-a"], "b");
    let seen = &upstream.requests()[0];
    assert_eq!(seen.target(), b"/items");
    assert_eq!(seen.field("host"), Some(b"shop.example".as_slice()));
    assert_eq!(seen.field("cookie"), Some(b"a=1; b=2".as_slice()));
    assert_eq!(seen.body, b"{\"name\":\"x\"}");
    assert_eq!(gate.observations(1)[0].disposition, Disposition::Allowed);
}

#[test]
fn streams_of_one_connection_share_the_upstream_connections() {
    let upstream = Upstream::says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let gate = h2c(&settings("observe", upstream.address, ""));
    with_client(&gate, async |client| {
        for _ in 0..5 {
            let eight = (0..8).map(|number| {
                let mut client = client.clone();
                async move {
                    let request = request("GET", &format!("/items/{number}"));
                    ask(&mut client, request, &[]).await.unwrap().0.status().as_u16()
                }
            });
            let statuses = futures_util::future::join_all(eight).await;
            assert_eq!(statuses, [200; 8]);
        }
    });
    assert_eq!(upstream.requests().len(), 40);
    assert!(upstream.connections() <= 8, "{}", upstream.connections());
}

#[test]
fn what_says_two_things_reaches_no_upstream() {
    let upstream = Upstream::says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let gate = h2c(&settings("block", upstream.address, ""));
    let table = [
        ("two hosts", request("GET", "/items/1").header("host", "other"), 400),
        ("an unknown path", request("GET", "/nothing"), 404),
        ("a traversal", request("GET", "/items/../admin"), 400),
        ("not in the contract", request("GET", "/items/x"), 400),
        (
            "too many crumbs",
            (0..=100).fold(request("GET", "/items/1"), |r, _| r.header("cookie", "a=1")),
            431,
        ),
    ];
    let ran = with_client(&gate, async |mut client| {
        let mut ran = 0;
        for (name, request, status) in table {
            let (head, body) = ask(&mut client, request, &[]).await.unwrap();
            assert_eq!(head.status().as_u16(), status, "{name}");
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], status, "{name}");
            ran += 1;
        }
        ran
    });
    assert_eq!((ran, upstream.requests().len()), (5, 0));
}

#[test]
fn a_grpc_client_gets_its_errors_in_its_own_words() {
    let upstream = Upstream::says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let gate = h2c(&settings("block", upstream.address, ""));
    let head = with_client(&gate, async |mut client| {
        let request = request("POST", "/shop.Cart/Add").header("content-type", "application/grpc");
        ask(&mut client, request, &[b"\0\0\0\0\0"]).await.unwrap().0
    });
    assert_eq!(head.status().as_u16(), 200);
    assert_eq!(head.headers()["grpc-status"], "12");
}

#[test]
fn a_client_that_keeps_giving_up_is_closed_and_leaves_nothing_behind() {
    // an upstream that never answers: every stream stays open until it is given up
    let upstream = Upstream::raw(|wire, _| drop(wire.rest()));
    let gate = h2c(&settings("observe", upstream.address, ""));
    let given_up = with_client(&gate, async |client| {
        for count in 0..10_000 {
            let Ok(mut ready) = client.clone().ready().await else { return count };
            let request = request("GET", "/items/1").body(()).unwrap();
            let Ok((response, mut stream)) = ready.send_request(request, true) else {
                return count;
            };
            tokio::task::yield_now().await;
            stream.send_reset(h2::Reason::CANCEL);
            drop(response);
        }
        10_000
    });
    assert!(given_up < 2_000, "{given_up} streams were given up on one connection");
}

#[test]
fn a_websocket_switches_after_101_and_carries_bytes_both_ways() {
    let upstream = Upstream::raw(|wire, requests| {
        requests.lock().unwrap().push(wire.request().unwrap());
        assert_eq!(wire.unused(), b"", "nothing behind the head before the switch");
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
            Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nfirst";
        wire.send(answer);
        let bytes = wire.exactly(10).to_ascii_uppercase();
        wire.send(&bytes);
        drop(wire.rest());
    });
    let gate = Fixture::observing(&upstream);
    let mut client = gate.client();
    client.send(
        b"GET /chat HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\n\
          Upgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\nearly",
    );
    let head = client.response_to_head();
    assert_eq!(head.status(), 101);
    assert_eq!(head.field("upgrade"), Some(b"websocket".as_slice()));
    client.send(b" late");
    assert_eq!(client.exactly(15), b"firstEARLY LATE");
}

#[test]
fn an_upstream_that_does_not_switch_gets_nothing_of_the_tunnel() {
    let upstream = Upstream::says(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n");
    let gate = Fixture::observing(&upstream);
    let mut client = gate.client();
    client.send(
        b"GET /chat HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\n\
          Upgrade: websocket\r\n\r\nGET /two HTTP/1.1\r\nHost: shop.example\r\n\r\n",
    );
    assert_eq!(client.response().status(), 426);
    assert_eq!(client.response().status(), 426);
    // what followed was a request of its own, and was judged as one
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(upstream.requests()[1].target(), b"/two");
}
