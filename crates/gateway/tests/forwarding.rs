//! How messages pass: framing, connections, interim responses, fields of our own.

use std::time::Duration;

use exchange::decision::Disposition;

use crate::harness::{Fixture, OK, Upstream, settings};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

#[test]
fn connections_are_used_again_on_both_sides() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    for _ in 0..50 {
        let response = client.ask(GET);
        assert_eq!(
            (response.status(), response.body.as_slice()),
            (200, b"{\"ok\":true}".as_slice())
        );
        assert_eq!(response.field("connection"), None);
    }
    assert_eq!(upstream.requests().len(), 50);
    assert_eq!(upstream.connections(), 1);
    let seen = fixture.observations(50);
    assert!(seen.iter().all(|seen| seen.disposition == Disposition::Allowed));
    assert!(seen.iter().all(|seen| seen.status == Some(200) && &*seen.service == "shop"));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::start(|request, wire| {
        let target = request.target().to_vec();
        wire.send(
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", target.len()).as_bytes(),
        );
        wire.send(&target);
        true
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    let all: Vec<u8> = (0..100)
        .flat_map(|at| format!("GET /n/{at} HTTP/1.1\r\nHost: shop\r\n\r\n").into_bytes())
        .collect();
    client.send(&all);
    for at in 0..100 {
        assert_eq!(client.response().body, format!("/n/{at}").into_bytes());
    }
}

#[test]
fn responses_without_a_body_end_with_their_head() {
    let cases: [(&[u8], &[u8], u16); 5] = [
        (b"HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", 200),
        (b"HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200),
        (b"GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n", 304),
        (b"GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200),
    ];
    let mut ran = 0;
    for (method, answer, status) in cases {
        let upstream = Upstream::says(answer);
        let fixture = Fixture::observing(&upstream);
        let mut client = fixture.client();
        // twice: what was left over from the first would spoil the second
        for _ in 0..2 {
            client.send(&[method, b" / HTTP/1.1\r\nHost: shop\r\n\r\n".as_slice()].concat());
            let response = client.response_to_head();
            assert_eq!(response.status(), status);
            let length = answer.windows(2).any(|pair| pair == b"99").then_some(b"99".as_slice());
            assert_eq!(response.field("content-length").filter(|l| *l != b"0"), length);
        }
        assert_eq!(upstream.connections(), 1);
        ran += 1;
    }
    assert_eq!(ran, 5);
}

#[test]
fn a_body_that_ends_with_the_connection_gets_an_end() {
    let upstream = Upstream::start(|_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nall of it");
        false
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    for _ in 0..2 {
        let response = client.ask(GET);
        assert_eq!(response.field("transfer-encoding"), Some(b"chunked".as_slice()));
        assert_eq!(
            (response.body.as_slice(), response.truncated),
            (b"all of it".as_slice(), false)
        );
    }
}

#[test]
fn clients_of_http_1_0_get_what_they_understand() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let upstream = Upstream::says(chunked);
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    let response = client.ask(b"GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(response.field("transfer-encoding"), None);
    assert_eq!(response.field("connection"), Some(b"close".as_slice()));
    assert_eq!(response.body, b"abc");

    let upstream = Upstream::says(OK);
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    for _ in 0..2 {
        let response =
            client.ask(b"GET / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(response.field("connection"), Some(b"keep-alive".as_slice()));
    }
    let response = client.ask(b"GET / HTTP/1.0\r\nHost: shop\r\n\r\n");
    assert_eq!(response.field("connection"), Some(b"close".as_slice()));
    assert!(client.ends());
}

#[test]
fn a_client_that_waits_to_be_asked_is_asked() {
    let mut ran = 0;
    for mode in ["observe", "block"] {
        let upstream = Upstream::says(OK);
        let fixture = Fixture::new(&settings(mode, upstream.address, ""));
        let mut client = fixture.client();
        client.send(
            b"POST /items HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\n\
              Content-Type: application/json\r\nContent-Length: 14\r\n\r\n",
        );
        assert_eq!(client.response().status(), 100);
        assert_eq!(client.ask(b"{\"name\":\"pen\"}").status(), 200);
        assert_eq!(upstream.requests()[0].body, b"{\"name\":\"pen\"}");
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn early_hints_pass_and_continue_does_not() {
    let upstream = Upstream::start(|_, wire| {
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        wire.send(OK);
        true
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    let hints = client.ask(GET);
    assert_eq!((hints.status(), hints.field("link")), (103, Some(b"</a>".as_slice())));
    assert_eq!(client.response().status(), 200);
}

#[test]
fn pieces_pass_as_they_come() {
    let upstream = Upstream::start(|_, wire| {
        wire.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n6\r\nfirst\n\r\n",
        );
        // the second piece is sent when the first has been seen
        let _ = wire.request();
        wire.send(b"7\r\nsecond\n\r\n0\r\n\r\n");
        false
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(GET);
    let mut piece = [0; 4_096];
    let mut got = Vec::new();
    while !got.ends_with(b"first\n\r\n") {
        let count = std::io::Read::read(&mut client.stream, &mut piece).unwrap();
        assert!(count > 0);
        got.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn both_directions_stream_at_once() {
    // an upstream that sends back each piece before it reads the next
    let upstream = Upstream::raw(|wire, _| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            std::io::Read::read_exact(&mut wire.stream, &mut byte).unwrap();
            head.push(byte[0]);
        }
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
        let mut left = 300_000;
        let mut piece = [0; 10_000];
        while left > 0 {
            std::io::Read::read_exact(&mut wire.stream, &mut piece).unwrap();
            wire.send(&piece);
            left -= piece.len();
        }
    });
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(b"POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 300000\r\n\r\n");
    let body: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let mut sender = client.stream.try_clone().unwrap();
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        for piece in sent.chunks(10_000) {
            std::io::Write::write_all(&mut sender, piece).unwrap();
        }
    });
    let response = client.response();
    sending.join().unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.body == body, "{} bytes came back", response.body.len());
    assert_eq!(fixture.observations(1)[0].disposition, Disposition::Detected);
}

#[test]
fn in_block_mode_the_upstream_learns_who_the_client_is_from_us_alone() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::blocking(&upstream);
    let mut client = fixture.client();
    client.ask(
        b"GET /items/%37 HTTP/1.1\r\nHost: SHOP:80\r\nX-Forwarded-For: 1.2.3.4\r\n\
          x_real_ip: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\nAccept: */*\r\n\r\n",
    );
    let got = &upstream.requests()[0];
    assert_eq!(got.target(), b"/items/7");
    assert_eq!(got.field("x-forwarded-for"), Some(b"127.0.0.1".as_slice()));
    assert_eq!(got.field("x-forwarded-proto"), Some(b"http".as_slice()));
    assert_eq!(got.field("x-forwarded-host"), Some(b"shop:80".as_slice()));
    assert_eq!(got.field("forwarded"), None);
    assert_eq!(got.field("x_real_ip"), None);
    assert_eq!(got.field("accept"), Some(b"*/*".as_slice()));
}

#[test]
fn a_trusted_proxy_speaks_for_its_clients() {
    let upstream = Upstream::says(OK);
    let trust = "[trust]\nproxies = [\"127.0.0.0/8\"]";
    let fixture = Fixture::new(&settings("block", upstream.address, trust));
    let mut client = fixture.client();
    client.ask(
        b"GET /items/7 HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 1.2.3.4\r\n\
          X-Forwarded-Proto: https\r\n\r\n",
    );
    let got = &upstream.requests()[0];
    let hops: Vec<&[u8]> = got
        .fields
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"x-forwarded-for"))
        .map(|(_, value)| value.as_slice())
        .collect();
    assert_eq!(hops, [b"1.2.3.4".as_slice(), b"127.0.0.1"]);
    assert_eq!(got.field("x-forwarded-proto"), Some(b"https".as_slice()));
}

#[test]
fn no_upgrade_but_that_to_websocket_is_passed_on() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    let response = client.ask(
        b"GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade, HTTP2-Settings\r\n\
          Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    );
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.requests()[0].field("upgrade"), None);
    assert_eq!(upstream.requests()[0].field("connection"), None);
}

#[test]
fn large_bodies_pass_where_nothing_is_enforced() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    let size = 20 << 20;
    client.send(
        format!(
            "POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
             Content-Length: {size}\r\n\r\n"
        )
        .as_bytes(),
    );
    client.send(&vec![b' '; size]);
    assert_eq!(client.response().status(), 200);
    let got = &upstream.requests()[0];
    assert_eq!((got.body.len(), got.truncated), (size, false));
    let seen = &fixture.observations(1)[0];
    assert_eq!(seen.request.bytes, size as u64);
    assert_eq!(seen.request.missing, Some(exchange::body::Why::OverLimit));
    assert!(client.stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok());
}
