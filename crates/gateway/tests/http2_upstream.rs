//! Upstreams that speak HTTP/2, and gRPC from end to end.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use exchange::decision::Disposition;
use gateway::tls::{Connector, UpstreamMaterial};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use crate::harness::{Fixture, Wire, arrangement};
use crate::http2::{PATIENCE, ask, h2c, request, with_client};
use crate::pki::{Authority, Leaf};

/// One call at a server.
struct Call {
    /// How many came before it.
    number: usize,
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    seen: Arc<Seen>,
}

/// What a server has seen.
#[derive(Debug, Default)]
struct Seen {
    calls: AtomicUsize,
    connections: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    given_up: AtomicUsize,
}

/// A server of HTTP/2 in the clear.
struct Server {
    address: SocketAddr,
    seen: Arc<Seen>,
}

impl Server {
    fn start<F: AsyncFn(Call) -> Result<(), h2::Error> + Send + 'static>(serve: F) -> Self {
        Self::with(100, usize::MAX, serve)
    }

    /// The same over TLS, with HTTP/2 by ALPN.
    fn secure<F>(leaf: &Leaf, serve: F) -> Self
    where
        F: AsyncFn(Call) -> Result<(), h2::Error> + Send + 'static,
    {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from_pem_slice(&leaf.pair().key.bytes).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(leaf.chain.clone(), key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self::listen(Some(TlsAcceptor::from(Arc::new(config))), (100, usize::MAX), serve)
    }

    /// Lets a client open so many streams at once, and leaves after so many on one connection.
    fn with<F>(streams: u32, each: usize, serve: F) -> Self
    where
        F: AsyncFn(Call) -> Result<(), h2::Error> + Send + 'static,
    {
        Self::listen(None, (streams, each), serve)
    }

    fn listen<F>(tls: Option<TlsAcceptor>, bounds: (u32, usize), serve: F) -> Self
    where
        F: AsyncFn(Call) -> Result<(), h2::Error> + Send + 'static,
    {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let seen = Arc::new(Seen::default());
        let kept = Arc::clone(&seen);
        thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let accepting = accept((listener, tls), bounds, Rc::new(serve), kept);
            tokio::task::LocalSet::new().block_on(&runtime, accepting);
        });
        Self { address, seen }
    }

    fn settings(&self, extra: &str) -> String {
        settings(self.address, extra)
    }

    fn count(&self, of: impl Fn(&Seen) -> &AtomicUsize) -> usize {
        of(&self.seen).load(Ordering::SeqCst)
    }

    fn calls(&self) -> usize {
        self.count(|seen| &seen.calls)
    }

    fn connections(&self) -> usize {
        self.count(|seen| &seen.connections)
    }
}

fn settings(upstream: SocketAddr, extra: &str) -> String {
    format!("mode = \"observe\"\n[services.shop]\nupstreams = [\"h2c://{upstream}\"]\n{extra}\n")
}

async fn accept<F>(
    (listener, tls): (std::net::TcpListener, Option<TlsAcceptor>),
    (streams, each): (u32, usize),
    serve: Rc<F>,
    seen: Arc<Seen>,
) where
    F: AsyncFn(Call) -> Result<(), h2::Error> + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let (serve, seen, tls) = (Rc::clone(&serve), Arc::clone(&seen), tls.clone());
        tokio::task::spawn_local(async move {
            match tls {
                None => carry(stream, (streams, each), serve, seen).await,
                Some(tls) => {
                    // who is not believed is gone
                    if let Ok(stream) = tls.accept(stream).await {
                        carry(stream, (streams, each), serve, seen).await;
                    }
                }
            }
        });
    }
}

/// Serves one connection.
async fn carry<T, F>(stream: T, (streams, each): (u32, usize), serve: Rc<F>, seen: Arc<Seen>)
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: AsyncFn(Call) -> Result<(), h2::Error> + 'static,
{
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(streams);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    let mut taken = 0;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let number = seen.calls.fetch_add(1, Ordering::SeqCst);
        let under_way = seen.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(under_way, Ordering::SeqCst);
        let (serve, seen) = (Rc::clone(&serve), Arc::clone(&seen));
        tokio::task::spawn_local(async move {
            let call = Call { number, request, respond, seen: Arc::clone(&seen) };
            // who is given up need not be answered
            let _ = serve(call).await;
            seen.under_way.fetch_sub(1, Ordering::SeqCst);
        });
        taken += 1;
        if taken == each {
            connection.graceful_shutdown();
        }
    }
}

/// The whole body of a request.
async fn body_of(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        let _ = body.flow_control().release_capacity(piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn trailers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    fields.iter().map(pair).collect()
}

fn grpc(status: u16) -> Response<()> {
    let head = Response::builder().status(status).header("content-type", "application/grpc");
    head.body(()).unwrap()
}

/// Answers every call with each piece of its body twice, and trailers.
async fn echo(mut call: Call) -> Result<(), h2::Error> {
    let mut body = call.request.into_body();
    let mut answer = call.respond.send_response(grpc(200), false)?;
    while let Some(piece) = body.data().await {
        let piece = piece?;
        let _ = body.flow_control().release_capacity(piece.len());
        answer.send_data(piece.clone(), false)?;
        answer.send_data(piece, false)?;
    }
    answer.send_trailers(trailers(&[("grpc-status", "0"), ("x-end", "yes")]))
}

/// Answers with 200 and two bytes.
async fn hello(mut call: Call) -> Result<(), h2::Error> {
    let mut answer = call.respond.send_response(Response::new(()), false)?;
    answer.send_data(Bytes::from_static(b"hi"), true)
}

fn call(path: &str) -> http::request::Builder {
    request("POST", path).header("content-type", "application/grpc").header("te", "trailers")
}

#[test]
fn grpc_passes_both_ways_at_once_with_its_trailers() {
    let server = Server::start(async |call: Call| {
        assert_eq!(call.request.headers()["te"], "trailers");
        assert_eq!(call.request.uri(), "http://shop.example/shop.Cart/Add");
        assert!(call.request.headers().get("transfer-encoding").is_none());
        echo(call).await
    });
    let mut gate = h2c(&server.settings(""));
    let calls = with_client(&gate, async |mut client| {
        let mut calls = 0;
        for _ in 0..3 {
            client.clone().ready().await.unwrap();
            let head = call("/shop.Cart/Add").body(()).unwrap();
            let (answer, mut body) = client.send_request(head, false).unwrap();
            body.send_data(Bytes::from_static(b"\0\0\0\0\x02ab"), false).unwrap();
            let mut answer = answer.await.unwrap().into_body();
            // the answer is on its way before the request has ended
            assert!(!answer.data().await.unwrap().unwrap().is_empty());
            body.send_data(Bytes::from_static(b"\0\0\0\0\x01c"), true).unwrap();
            while let Some(piece) = answer.data().await {
                assert!(!piece.unwrap().is_empty());
            }
            let end = answer.trailers().await.unwrap().unwrap();
            assert_eq!(
                (&end["grpc-status"], &end["x-end"]),
                (&"0".parse().unwrap(), &"yes".parse().unwrap())
            );
            calls += 1;
        }
        calls
    });
    assert_eq!((calls, server.calls(), server.connections()), (3, 3, 1));
    assert!(gate.observations(3).iter().all(|seen| seen.disposition == Disposition::Allowed));
}

#[test]
fn an_answer_that_is_only_trailers_stays_one() {
    let server = Server::start(async |mut call: Call| {
        let mut head = grpc(200);
        head.headers_mut().insert("grpc-status", HeaderValue::from_static("5"));
        call.respond.send_response(head, true).map(drop)
    });
    let gate = h2c(&server.settings(""));
    with_client(&gate, async |mut client| {
        let head = call("/shop.Cart/Get").body(()).unwrap();
        let (answer, _body) = client.send_request(head, true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "5");
        assert!(answer.body().is_end_stream());
    });
}

#[test]
fn messages_of_a_stream_come_one_by_one() {
    let server = Server::start(async |mut call: Call| {
        let mut answer = call.respond.send_response(grpc(200), false)?;
        // each waits for the client's word, so that none can be held back for the next
        let mut body = call.request.into_body();
        for _ in 0..50 {
            body.data().await.unwrap()?;
            answer.send_data(Bytes::from_static(b"\0\0\0\0\x01m"), false)?;
        }
        answer.send_trailers(trailers(&[("grpc-status", "0")]))
    });
    let gate = h2c(&server.settings(""));
    let messages = with_client(&gate, async |mut client| {
        let head = call("/shop.Cart/Watch").body(()).unwrap();
        let (answer, mut body) = client.send_request(head, false).unwrap();
        body.send_data(Bytes::from_static(b"next"), false).unwrap();
        let mut answer = answer.await.unwrap().into_body();
        let mut messages = 0;
        while let Some(message) = answer.data().await {
            assert_eq!(message.unwrap(), b"\0\0\0\0\x01m".as_slice());
            messages += 1;
            // the last word finds nobody who listens
            let _ = body.send_data(Bytes::from_static(b"next"), messages == 50);
        }
        assert_eq!(answer.trailers().await.unwrap().unwrap()["grpc-status"], "0");
        messages
    });
    assert_eq!(messages, 50);
}

#[test]
fn who_gives_up_a_call_ends_it_at_the_server() {
    let server = Server::start(async |mut call: Call| {
        let mut answer = call.respond.send_response(grpc(200), false)?;
        answer.send_data(Bytes::from_static(b"first"), false)?;
        let reason = std::future::poll_fn(|context| answer.poll_reset(context)).await?;
        assert_eq!(reason, Reason::CANCEL);
        call.seen.given_up.fetch_add(1, Ordering::SeqCst);
        Ok(())
    });
    let mut gate = h2c(&server.settings(""));
    with_client(&gate, async |mut client| {
        let head = call("/shop.Cart/Watch").body(()).unwrap();
        let (answer, mut body) = client.send_request(head, true).unwrap();
        let mut answer = answer.await.unwrap().into_body();
        assert_eq!(answer.data().await.unwrap().unwrap(), b"first".as_slice());
        body.send_reset(Reason::CANCEL);
        let begun = Instant::now();
        while server.count(|seen| &seen.given_up) == 0 {
            assert!(begun.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(gate.observations(1)[0].disposition, Disposition::Dropped);
}

#[test]
fn a_refusal_reaches_a_grpc_client_as_its_status() {
    let server = Server::start(echo);
    let mode = "mode = \"block\"\n[services.shop]\nspec = \"openapi.yaml\"\n";
    let gate = h2c(&format!("{mode}upstreams = [\"h2c://{}\"]\n", server.address));
    with_client(&gate, async |mut client| {
        let head = call("/shop.Cart/Add").body(()).unwrap();
        let (answer, _body) = client.send_request(head, true).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["grpc-status"]),
            (200, &"12".parse().unwrap())
        );
    });
    assert_eq!(server.calls(), 0);
    let down = h2c(&settings("127.0.0.1:1".parse().unwrap(), ""));
    with_client(&down, async |mut client| {
        let head = call("/shop.Cart/Add").body(()).unwrap();
        let (answer, _body) = client.send_request(head, true).unwrap();
        assert_eq!(answer.await.unwrap().headers()["grpc-status"], "14");
    });
}

#[test]
fn a_client_of_http_1_is_served_by_an_upstream_of_http_2() {
    let server = Server::start(async |mut call: Call| {
        let method = call.request.method().clone();
        assert!(call.request.headers().get("connection").is_none());
        match call.request.uri().path() {
            "/echo" => echo(call).await,
            "/interim" => {
                let mut interim = Response::new(());
                *interim.status_mut() = http::StatusCode::EARLY_HINTS;
                interim.headers_mut().insert("link", HeaderValue::from_static("</a>"));
                call.respond.send_informational(interim)?;
                hello(call).await
            }
            "/nothing" => {
                let head = Response::builder().status(204).body(()).unwrap();
                call.respond.send_response(head, true).map(drop)
            }
            _ => {
                let head = Response::builder().header("content-length", "2").body(()).unwrap();
                let mut answer = call.respond.send_response(head, method == "HEAD")?;
                if method == "HEAD" {
                    return Ok(());
                }
                answer.send_data(Bytes::from_static(b"hi"), false)?;
                answer.send_data(Bytes::new(), true)
            }
        }
    });
    let gate = Fixture::new(&server.settings(""));
    let mut client = gate.client();
    for _ in 0..2 {
        client.send(
            b"POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Type: application/grpc\r\n\
              Content-Length: 3\r\n\r\nabc",
        );
        let bytes = until(&mut client, b"x-end: yes\r\n\r\n");
        assert!(bytes.starts_with(b"HTTP/1.1 200"), "{}", bytes.escape_ascii());
        let end = b"0\r\ngrpc-status: 0\r\nx-end: yes\r\n\r\n";
        assert!(bytes.ends_with(end), "{}", bytes.escape_ascii());
    }
    let answer = client.ask(b"GET /items HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!((answer.status(), answer.body.as_slice()), (200, b"hi".as_slice()));
    assert_eq!(answer.field("content-length"), Some(b"2".as_slice()));
    client.send(b"HEAD /items HTTP/1.1\r\nHost: shop\r\n\r\n");
    let answer = client.response_to_head();
    assert_eq!((answer.status(), answer.field("content-length")), (200, Some(b"2".as_slice())));
    assert_eq!(client.ask(b"GET /nothing HTTP/1.1\r\nHost: shop\r\n\r\n").status(), 204);
    let early = client.ask(b"GET /interim HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!((early.status(), early.field("link")), (103, Some(b"</a>".as_slice())));
    assert_eq!(client.response().body, b"hi");
    // who wants to change the protocol is answered like anybody else
    let upgrade =
        b"GET /items HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert_eq!(client.ask(upgrade).status(), 200);
    assert_eq!((server.calls(), server.connections()), (7, 1));
}

/// Reads up to these bytes.
fn until(client: &mut Wire, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        bytes.extend(client.exactly(1));
    }
    bytes
}

#[test]
fn trailers_of_requests_pass_where_nothing_is_enforced() {
    let server = Server::start(async |mut call: Call| {
        let mut body = call.request.into_body();
        assert_eq!(body_of(&mut body).await?, b"abc");
        let follows = body.trailers().await?;
        let head = Response::builder().header("x-trailers", follows.map_or(0, |them| them.len()));
        call.respond.send_response(head.body(()).unwrap(), true).map(drop)
    });
    let mut told = 0;
    for (mode, expected) in [("observe", "1"), ("block", "0")] {
        let text = server.settings("spec = \"openapi.yaml\"\nundocumented = \"observe\"");
        let gate = h2c(&text.replace("observe\"\n[", &format!("{mode}\"\n[")));
        with_client(&gate, async |mut client| {
            let head = request("POST", "/upload").body(()).unwrap();
            let (answer, mut body) = client.send_request(head, false).unwrap();
            body.send_data(Bytes::from_static(b"abc"), false).unwrap();
            body.send_trailers(trailers(&[("x-checksum", "1")])).unwrap();
            assert_eq!(answer.await.unwrap().headers()["x-trailers"], expected, "{mode}");
        });
        told += 1;
    }
    assert_eq!((told, server.calls()), (2, 2));
}

#[test]
fn requests_at_once_share_a_connection_and_keep_to_its_limit() {
    let pause = async |call: Call| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        hello(call).await
    };
    let mut ran = 0;
    for (limit, requests, connections) in [(100, 40, 1), (2, 6, 3), (1, 3, 3)] {
        let server = Server::with(limit, usize::MAX, pause);
        let gate = h2c(&server.settings(""));
        with_client(&gate, async |client| {
            // the upstream's limit is known once it has answered
            ask(&mut client.clone(), request("GET", "/first"), &[]).await.unwrap();
            let all = (0..requests).map(|number| {
                let mut client = client.clone();
                async move {
                    let request = request("GET", &format!("/items/{number}"));
                    ask(&mut client, request, &[]).await.unwrap().0.status().as_u16()
                }
            });
            let statuses = futures_util::future::join_all(all).await;
            assert_eq!(statuses, vec![200; requests]);
        });
        assert_eq!((server.calls(), server.connections()), (requests + 1, connections), "{limit}");
        assert_eq!(server.count(|seen| &seen.most), requests, "{limit}");
        ran += 1;
    }
    assert_eq!(ran, 3);
}

#[test]
fn a_stream_that_was_refused_is_sent_again_whatever_its_method() {
    let server = Server::start(async |mut call: Call| {
        if call.number.is_multiple_of(2) {
            call.respond.send_reset(Reason::REFUSED_STREAM);
            return Ok(());
        }
        let mut body = call.request.into_body();
        assert_eq!(body_of(&mut body).await?, b"{\"name\":\"x\"}");
        let mut answer = call.respond.send_response(Response::new(()), false)?;
        answer.send_data(Bytes::from_static(b"hi"), true)
    });
    let gate = h2c(&server.settings("spec = \"openapi.yaml\"").replacen("observe", "block", 1));
    with_client(&gate, async |mut client| {
        let request = request("POST", "/items").header("content-type", "application/json");
        let answer = ask(&mut client, request, &[b"{\"name\":\"x\"}"]).await.unwrap();
        assert_eq!((answer.0.status().as_u16(), answer.1.as_slice()), (200, b"hi".as_slice()));
    });
    assert_eq!((server.calls(), server.connections()), (2, 1));
    assert_eq!(gate.metric("palisade_upstream_retries_total{"), 1);
}

#[test]
fn an_upstream_that_leaves_loses_no_request() {
    let server = Server::with(100, 3, hello);
    let gate = h2c(&server.settings(""));
    with_client(&gate, async |client| {
        let mut answered = 0;
        for _ in 0..20 {
            let three = (0..3).map(|_| {
                let mut client = client.clone();
                async move { ask(&mut client, request("GET", "/items"), &[]).await.unwrap() }
            });
            for (head, body) in futures_util::future::join_all(three).await {
                assert_eq!((head.status().as_u16(), body.as_slice()), (200, b"hi".as_slice()));
                answered += 1;
            }
        }
        assert_eq!(answered, 60);
    });
    assert!(server.connections() >= 20, "{}", server.connections());
}

#[test]
fn a_server_that_answers_late_is_left_alone() {
    let server = Server::start(async |call: Call| {
        if call.number == 0 {
            tokio::time::sleep(PATIENCE).await;
        }
        hello(call).await
    });
    let gate = h2c(&server.settings("timeouts = { response_head = \"300ms\" }"));
    with_client(&gate, async |mut client| {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let answer = ask(&mut client, request("GET", "/items"), &[]).await.unwrap();
            statuses.push(answer.0.status().as_u16());
        }
        assert_eq!(statuses, [504, 200, 200]);
    });
    assert_eq!(server.connections(), 2);
}

#[test]
fn who_reads_slowly_keeps_nobody_elses_answer_back() {
    let server = Server::start(async |mut call: Call| {
        if call.request.uri().path() == "/small" {
            return hello(call).await;
        }
        let mut answer = call.respond.send_response(Response::new(()), false)?;
        for _ in 0..40 {
            answer.reserve_capacity(64 << 10);
            let mut room = 0;
            while room == 0 {
                room = std::future::poll_fn(|context| answer.poll_capacity(context))
                    .await
                    .transpose()?
                    .unwrap_or(1);
            }
            answer.send_data(vec![b'x'; room].into(), false)?;
        }
        answer.send_data(Bytes::new(), true)
    });
    let gate = h2c(&server.settings(""));
    with_client(&gate, async |mut slow| {
        let mut held = Vec::new();
        for _ in 0..60 {
            let (answer, body) =
                slow.send_request(request("GET", "/large").body(()).unwrap(), true).unwrap();
            held.push((answer.await.unwrap(), body));
        }
        // all windows of the slow client are full, and so is what the gateway holds for it
        tokio::time::sleep(Duration::from_millis(300)).await;
        let stream = tokio::net::TcpStream::connect(gate.address()).await.unwrap();
        let (mut quick, connection) = h2::client::handshake(stream).await.unwrap();
        let driving = tokio::spawn(connection);
        for _ in 0..20 {
            let (head, body) = ask(&mut quick, request("GET", "/small"), &[]).await.unwrap();
            assert_eq!((head.status().as_u16(), body.as_slice()), (200, b"hi".as_slice()));
        }
        driving.abort();
        assert_eq!(held.len(), 60);
    });
    assert_eq!(server.connections(), 1);
}

#[test]
fn an_answer_over_http_2_keeps_the_rules_of_http_1() {
    let server = Server::start(async |mut call: Call| {
        let mut head = Response::new(());
        match call.request.uri().path() {
            "/fields" => {
                for number in 0..101 {
                    head.headers_mut().append("x-a", HeaderValue::from(number));
                }
            }
            "/lengths" => {
                for _ in 0..2 {
                    head.headers_mut().append("content-length", HeaderValue::from_static("2"));
                }
            }
            _ => {
                let mut answer = call.respond.send_response(head, false)?;
                answer.send_data(Bytes::from_static(b"hi"), false)?;
                return answer.send_trailers(trailers(&[("content-length", "1")]));
            }
        }
        let mut answer = call.respond.send_response(head, false)?;
        answer.send_data(Bytes::from_static(b"hi"), true)
    });
    let gate = Fixture::new(&server.settings(""));
    let table = [
        ("fields", "limit.fields"),
        ("lengths", "h1.cl_repeated"),
        ("end", "h1.trailer_forbidden"),
    ];
    let mut ran = 0;
    for (path, reason) in table {
        let mut client = gate.client();
        client.send(format!("GET /{path} HTTP/1.1\r\nHost: shop\r\n\r\n").as_bytes());
        let answer = client.response();
        if path == "end" {
            assert!(answer.truncated, "the client has seen the beginning");
        } else {
            assert_eq!(answer.status(), 502, "{path}");
            let counted = format!("palisade_wire_refusals_total{{reason=\"{reason}\"}}");
            assert_eq!(gate.metric(&counted), 1, "{path}");
        }
        ran += 1;
    }
    assert_eq!((ran, server.calls()), (3, 3));
}

#[test]
fn failures_count_as_they_do_over_http_1() {
    let server = Server::start(async |mut call: Call| {
        call.respond.send_reset(Reason::INTERNAL_ERROR);
        Ok(())
    });
    let circuit =
        "retries = 0\ncircuit = { requests_min = 4, error_percent = 50, open_for = \"1h\" }";
    let gate = Fixture::new(&server.settings(circuit));
    let mut client = gate.client();
    let get = b"GET /items HTTP/1.1\r\nHost: shop\r\n\r\n";
    let statuses: Vec<u16> = (0..10).map(|_| client.ask(get).status()).collect();
    // the first over a connection has nobody else to blame; a reset is an answer that failed
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), server.calls());
    assert_eq!(statuses.last(), Some(&503), "{statuses:?}");
    assert_eq!(gate.metric("palisade_upstream_circuit_openings_total{"), 1);
}

#[test]
fn health_is_asked_for_in_http_2() {
    let server = Server::start(async |mut call: Call| {
        let path = call.request.uri().path().to_owned();
        let status = if path == "/healthz" && call.number >= 10 { 200 } else { 500 };
        let head = Response::builder().status(status).body(()).unwrap();
        call.respond.send_response(head, true).map(drop)
    });
    let health = "health = { path = \"/healthz\", interval = \"100ms\", unhealthy_after = 1, healthy_after = 1 }";
    let gate = Fixture::new(&server.settings(health));
    let label = format!("service=\"shop\",upstream=\"{}\"", server.address);
    let begun = Instant::now();
    while server.calls() < 2 {
        assert!(begun.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(gate.metric(&format!("palisade_upstream_healthy{{{label}")), 0);
    gate.wait_for(&format!("palisade_upstream_healthy{{{label}"), 1);
    assert!(server.calls() > 10);
}

#[test]
fn over_tls_the_upstream_must_agree_to_http_2() {
    let root = Authority::new("upstream root");
    let leaf = root.issue(&["127.0.0.1"]);
    let agrees = Server::secure(&leaf, hello);
    let does_not = crate::tls::Upstream::start(&leaf);
    let mut told = 0;
    for (address, status) in [(agrees.address, 200), (does_not.address, 502)] {
        let text =
            format!("[services.a]\nprotocol = \"http2\"\nupstreams = [\"https://{address}\"]\n");
        let gate = Fixture::new(&text);
        let material = UpstreamMaterial { ca: Some(root.file()), ..UpstreamMaterial::default() };
        let connector = Some(Arc::new(Connector::new(material).unwrap()));
        let secured = arrangement(&text).with_connectors(vec![connector]);
        gate.running.as_ref().unwrap().reload(secured);
        let mut client = gate.client();
        for _ in 0..3 {
            let answer = client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(answer.status(), status);
            told += 1;
        }
    }
    assert_eq!((told, agrees.calls(), agrees.connections()), (6, 3, 1));
}
