//! Who a client is, as its upstream learns it: from a PROXY header, or from fields that a trusted
//! proxy wrote.

use std::time::Duration;

use gateway::GatewayConfig;

use crate::harness::{Fixture, OK, Upstream};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x10\0\x01\xbb";
const V2_LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

fn settings(upstream: &Upstream, trusted: &str) -> String {
    format!(
        "mode = \"block\"\n[trust]\nproxies = [{trusted}]\n[services.shop]\n\
         upstreams = [\"http://{}\"]\nspec = \"openapi.yaml\"\n",
        upstream.address
    )
}

fn proxied(config: &mut GatewayConfig) {
    config.listeners[0].proxy_protocol = true;
}

#[test]
fn a_balancer_says_who_the_client_is() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::with(&settings(&upstream, "\"127.0.0.0/8\""), proxied);
    let v1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 4096 443\r\n".as_slice();
    let v6 = b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4096 443\r\n".as_slice();
    // (the header, what the upstream reads as the client's addresses)
    let cases = [(v1, "192.0.2.7"), (v6, "192.0.2.7"), (V2, "192.0.2.7"), (V2_LOCAL, "-")];
    let mut ran = 0;
    for (header, address) in cases {
        for together in [true, false] {
            let mut client = fixture.client();
            if together {
                client.send(&[header, GET].concat());
            } else {
                for byte in header.iter().chain(GET) {
                    client.send(&[*byte]);
                }
            }
            assert_eq!(client.response().status(), 200);
            assert_eq!(client.ask(GET).status(), 200, "there is one header for a connection");
            for request in &upstream.requests()[ran * 2..] {
                let lines: Vec<_> = request
                    .fields
                    .iter()
                    .filter(|(name, _)| name.eq_ignore_ascii_case(b"x-forwarded-for"))
                    .map(|(_, value)| value.as_slice())
                    .collect();
                // the balancer itself may speak for others
                let trusted = [b"198.51.100.1".as_slice(), b"127.0.0.1"];
                let expected = [address.as_bytes()];
                assert_eq!(lines, if address == "-" { &trusted[..] } else { &expected[..] });
            }
            ran += 1;
        }
    }
    assert_eq!(ran, 8);
}

#[test]
fn without_a_sound_header_from_a_trusted_peer_there_is_no_answer() {
    let upstream = Upstream::says(OK);
    let trusting = Fixture::with(&settings(&upstream, "\"127.0.0.0/8\""), proxied);
    let doubting = Fixture::with(&settings(&upstream, "\"10.0.0.0/8\""), proxied);
    let cut = &V2[..20];
    let malformed =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x07\x0a\0\0\x01\0\x01\0\x02\x04\0\x09";
    let cases: [(&Fixture, &[u8], &str, bool); 5] = [
        (&trusting, GET, "proxy.header", false),
        (&trusting, malformed, "proxy.header", false),
        (&trusting, b"PROXY TCP4 010.1.1.1 10.0.0.1 1 2\r\n", "proxy.header", false),
        (&trusting, cut, "", true),
        (&doubting, V2, "proxy.peer", false),
    ];
    let mut ran = 0;
    for (fixture, bytes, reason, finishes) in cases {
        let metric = format!("palisade_wire_refusals_total{{reason=\"{reason}\"}}");
        let before = fixture.metric(&metric);
        let mut client = fixture.client();
        client.send(bytes);
        if finishes {
            client.stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        assert!(client.ends(), "{bytes:?}");
        if !reason.is_empty() {
            assert_eq!(fixture.metric(&metric), before + 1, "{bytes:?}");
        }
        ran += 1;
    }
    assert_eq!(ran, 5);
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_header_where_none_is_expected_is_a_malformed_request() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::new(&settings(&upstream, "\"127.0.0.0/8\""));
    let v1 = b"PROXY TCP4 192.0.2.7 10.0.0.1 4096 443\r\n".as_slice();
    let mut ran = 0;
    for header in [v1, V2] {
        let mut client = fixture.client();
        client.send(&[header, GET].concat());
        assert_eq!(client.response().status(), 400);
        assert!(client.ends());
        ran += 1;
    }
    assert_eq!(ran, 2);
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_silent_client_is_closed_without_an_answer() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::with(&settings(&upstream, "\"127.0.0.0/8\""), |config| {
        config.timeouts.request_head = Duration::from_millis(300);
    });
    let begun = std::time::Instant::now();
    assert!(fixture.client().ends());
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(gateway::limits::REQUEST_HEAD, Duration::from_secs(10));
}

#[test]
fn what_a_trusted_proxy_said_grows_where_it_said_it() {
    // (the fields of a request, the fields that go on)
    let cases: [(&str, &[(&str, &str)]); 3] = [
        (
            "Forwarded: for=192.0.2.9",
            &[("Forwarded", "for=192.0.2.9"), ("Forwarded", "for=127.0.0.1;proto=http")],
        ),
        (
            "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https",
            &[
                ("X-Forwarded-For", "192.0.2.9"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-For", "127.0.0.1"),
            ],
        ),
        (
            "Forwarded: for=192.0.2.9\r\nX-Forwarded-For: 192.0.2.9",
            &[
                ("Forwarded", "for=192.0.2.9"),
                ("X-Forwarded-For", "192.0.2.9"),
                ("Forwarded", "for=127.0.0.1;proto=http"),
                ("X-Forwarded-For", "127.0.0.1"),
            ],
        ),
    ];
    let mut ran = 0;
    for (fields, expected) in cases {
        let upstream = Upstream::says(OK);
        let fixture = Fixture::new(&settings(&upstream, "\"127.0.0.0/8\""));
        let request = format!("GET /items/7 HTTP/1.1\r\nHost: shop\r\n{fields}\r\n\r\n");
        assert_eq!(fixture.client().ask(request.as_bytes()).status(), 200);
        let got: Vec<(String, String)> = upstream.requests()[0]
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .map(|(name, value)| {
                (String::from_utf8(name).unwrap(), String::from_utf8(value).unwrap())
            })
            .filter(|(name, _)| name.to_ascii_lowercase().contains("forwarded"))
            .collect();
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        assert_eq!(got, expected);
        ran += 1;
    }
    assert_eq!(ran, 3);
}
