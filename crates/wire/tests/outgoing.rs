//! What goes out: compared byte for byte.

use wire::body::{CHUNK_END, LAST_CHUNK, encode_chunk_head, encode_last_chunk};
use wire::field::OWNED;
use wire::serialize::{self, Connection, Form, Outgoing};
use wire::{Asked, Fields, Framing, HeadLimits, Profile, RequestHead, ResponseHead};
use wire::{request, response};

use crate::table::{bytes, rows};

fn parsed(bytes: &[u8], profile: Profile) -> RequestHead {
    let mut head = RequestHead::new();
    request::parse_head(bytes, &HeadLimits::request(), profile, &mut head).unwrap();
    head
}

fn answered(bytes: &[u8], asked: Asked, how: impl Fn(&ResponseHead) -> Framing) -> String {
    let mut head = ResponseHead::new();
    response::parse_head(bytes, &HeadLimits::response(), asked, &mut head).unwrap();
    let mut out = Vec::new();
    serialize::response(&head, &Outgoing::new(how(&head)), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_case_goes_out_in_one_form() {
    let mut cases = 0;
    for [id, input, expected] in rows(include_str!("cases/outgoing.txt")) {
        let head = parsed(&bytes(input), Profile::Strict);
        let mut out = Vec::new();
        let how = Outgoing { remove: &[&OWNED], ..Outgoing::new(head.framing()) };
        serialize::request(&head, &how, &mut out);
        assert_eq!(
            out.escape_ascii().to_string(),
            bytes(expected).escape_ascii().to_string(),
            "{id}"
        );
        let again = parsed(&out, Profile::Strict);
        assert_eq!(again.framing(), head.framing(), "{id}");
        cases += 1;
    }
    assert_eq!(cases, 23);
}

#[test]
fn fields_are_added_and_replaced_on_request() {
    let head = parsed(b"GET /a?b HTTP/1.1\r\nhOST: x\r\nA: b\r\n\r\n", Profile::Strict);
    let how = Outgoing {
        target: Some(b"/stripped"),
        host: Some(b"inner:8080"),
        connection: Connection::Close,
        append: &[
            ("X-Forwarded-For", b"1.2.3.4"),
            ("Bad\r\nName", b"x"),
            ("Bad-Value", b"x\r\nInjected: y"),
        ],
        ..Outgoing::new(Framing::Chunked)
    };
    let mut out = Vec::new();
    serialize::request(&head, &how, &mut out);
    let expected = "GET /stripped HTTP/1.1\r\nhOST: inner:8080\r\nA: b\r\n\
                    X-Forwarded-For: 1.2.3.4\r\nTransfer-Encoding: chunked\r\n\
                    Connection: close\r\n\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_request_without_host_gets_an_empty_one_or_the_given_one() {
    let head = parsed(b"GET / HTTP/1.0\r\nA: b\r\n\r\n", Profile::Strict);
    for (host, expected) in [(None, "Host: \r\n"), (Some(b"x".as_slice()), "Host: x\r\n")] {
        let mut out = Vec::new();
        serialize::request(&head, &Outgoing { host, ..Outgoing::new(Framing::None) }, &mut out);
        let expected = format!("GET / HTTP/1.1\r\nA: b\r\n{expected}\r\n");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn a_target_or_host_that_cannot_stand_is_not_used() {
    let head = parsed(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", Profile::Strict);
    for target in [b"/a b".as_slice(), b"/a\r\nX: y", b""] {
        let mut out = Vec::new();
        let how = Outgoing {
            target: Some(target),
            host: Some(b"x\r\nA: b"),
            ..Outgoing::new(Framing::None)
        };
        serialize::request(&head, &how, &mut out);
        assert_eq!(out, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    }
}

#[test]
fn observing_forwards_target_and_host_byte_for_byte() {
    let input = b"GET //a/../%7eb\\?c#d HTTP/1.1\r\nHost: A.:80\r\n\r\n";
    let head = parsed(input, Profile::Observe);
    let mut out = Vec::new();
    let how = Outgoing { form: Form::AsReceived, ..Outgoing::new(head.framing()) };
    serialize::request(&head, &how, &mut out);
    assert_eq!(out, input);
}

#[test]
fn fields_that_connection_names_stay_behind_outside_the_strict_profile() {
    let input = b"GET / HTTP/1.1\r\nHost: a\r\nX-Hop: b\r\nConnection: x-hop\r\nC: d\r\n\r\n";
    let mut out = Vec::new();
    let head = parsed(input, Profile::Compat);
    serialize::request(&head, &Outgoing::new(Framing::None), &mut out);
    assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\nC: d\r\n\r\n");
}

#[test]
fn responses_go_out_with_our_framing() {
    let input = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nKeep-Alive: 5\r\nA: b\r\n\r\n";
    let as_it_is = answered(input, Asked::Plain, |head| head.framing());
    assert_eq!(as_it_is, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n");
    let masked = answered(input, Asked::Plain, |_| Framing::Length(3));
    assert_eq!(masked, "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\n");
    let streamed = answered(input, Asked::Plain, |_| Framing::Chunked);
    assert_eq!(streamed, "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n");
    let dropped = answered(input, Asked::Plain, |_| Framing::None);
    assert_eq!(dropped, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n");
    let to_head = answered(input, Asked::Head, |head| head.framing());
    assert_eq!(to_head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\n");
    let none =
        answered(b"HTTP/1.1 204\r\nContent-Length: 0\r\n\r\n", Asked::Plain, |h| h.framing());
    assert_eq!(none, "HTTP/1.1 204 \r\n\r\n");
}

#[test]
fn an_upstream_cannot_have_critical_fields_stripped() {
    let input =
        b"HTTP/1.1 200 OK\r\nConnection: Set-Cookie, X-Hop\r\nSet-Cookie: a\r\nX-Hop: b\r\n\r\n";
    let out = answered(input, Asked::Plain, |head| head.framing());
    assert_eq!(out, "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\n\r\n");
}

#[test]
fn our_own_responses_are_whole() {
    let mut out = Vec::new();
    let fields: [(&str, &[u8]); 1] = [("Content-Type", b"text/plain")];
    let framing = Framing::Length(3);
    serialize::own_response(403, "Forbidden", &fields, framing, Connection::Close, &mut out);
    let expected = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\
                    Connection: close\r\n\r\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn chunks_go_out_as_they_are_read() {
    let mut out = Vec::new();
    for len in [1, 15, 16, 255, 4096] {
        encode_chunk_head(len, &mut out);
    }
    assert_eq!(out, b"1\r\nf\r\n10\r\nff\r\n1000\r\n");
    assert_eq!(CHUNK_END, b"\r\n");
    let mut trailers = Fields::new();
    for (name, value) in [("Digest", "x"), ("Host", "evil"), ("Bad Name", "x")] {
        trailers.push(name.as_bytes(), value.as_bytes());
    }
    let mut out = Vec::new();
    encode_last_chunk(Some(&trailers), &mut out);
    assert_eq!(out, b"0\r\nDigest: x\r\n\r\n");
    let mut out = Vec::new();
    encode_last_chunk(None, &mut out);
    assert_eq!(out, LAST_CHUNK);
}
