//! Answers on their way to clients that take codings, read by decoders that are not the coders.

use std::io::{Read, Write};
use std::time::Duration;

use crate::harness::{Fixture, Message, Upstream, Wire, settings};

/// Settings of a service that compresses, in `mode`.
fn compressing(mode: &str, upstream: &Upstream, value: &str) -> Fixture {
    Fixture::new(&settings(mode, upstream.address, &format!("compress = {value}")))
}

fn ask(client: &mut Wire, method: &str, accept: &str) -> Message {
    let accept =
        if accept.is_empty() { String::new() } else { format!("Accept-Encoding: {accept}\r\n") };
    client.send(format!("{method} /items/7 HTTP/1.1\r\nHost: shop\r\n{accept}\r\n").as_bytes());
    client.try_response(method == "HEAD").unwrap()
}

/// JSON of about that many bytes.
fn json(bytes: usize) -> Vec<u8> {
    let mut out = b"[".to_vec();
    let mut at: u64 = 1;
    while out.len() + 40 < bytes {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        out.extend(format!("{{\"id\":{},\"name\":\"item\"}},", at >> 40).bytes());
    }
    out.extend_from_slice(b"null]");
    out
}

/// Decodes with the command-line program where there is one, so that coder and decoder have no
/// code in common, and with the library's decoder.
fn decode(coding: &str, coded: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match coding {
        "br" => brotli::Decompressor::new(coded, 4_096).read_to_end(&mut out).unwrap(),
        "gzip" => flate2::read::MultiGzDecoder::new(coded).read_to_end(&mut out).unwrap(),
        "zstd" => zstd::Decoder::new(coded).unwrap().read_to_end(&mut out).unwrap(),
        other => panic!("{other} is no coding of ours"),
    };
    // Node.js brings Google's own decoder
    const NODE: &str =
        "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)";
    let (program, arguments) = match coding {
        "br" => ("node", ["-e", NODE]),
        other => (other, ["-d", "-c"]),
    };
    let started = std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    if let Ok(mut child) = started {
        let mut input = child.stdin.take().unwrap();
        let bytes = coded.to_vec();
        let writer = std::thread::spawn(move || input.write_all(&bytes));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.stdout == out, "{program} reads something else");
    }
    out
}

fn upstream(head: &'static str, chunked: bool, body: Vec<u8>) -> Upstream {
    Upstream::start(move |request, wire| {
        let mut out = format!("HTTP/1.1 200 OK\r\n{head}").into_bytes();
        if chunked {
            out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        } else {
            out.extend(format!("Content-Length: {}\r\n\r\n", body.len()).bytes());
        }
        if request.start.starts_with(b"HEAD") {
            return wire.stream.write_all(&out).is_ok();
        }
        for piece in body.chunks(if chunked { 7_000 } else { usize::MAX }) {
            if chunked {
                out.extend(format!("{:x}\r\n", piece.len()).bytes());
            }
            out.extend_from_slice(piece);
            if chunked {
                out.extend_from_slice(b"\r\n");
            }
        }
        if chunked {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        wire.stream.write_all(&out).is_ok()
    })
}

const JSON: &str = "Content-Type: application/json\r\nETag: \"v1\"\r\n";

#[test]
fn every_coding_comes_back_as_it_was() {
    let mut ran = 0;
    for chunked in [false, true] {
        for size in [1_100, 40_000, 3_000_000] {
            let body = json(size);
            let upstream = upstream(JSON, chunked, body.clone());
            let fixture = compressing("block", &upstream, "true");
            let mut client = fixture.client();
            for coding in ["gzip", "br", "zstd"] {
                let answer = ask(&mut client, "GET", coding);
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.field("content-encoding"), Some(coding.as_bytes()));
                assert_eq!(answer.field("vary"), Some(b"Accept-Encoding".as_slice()));
                assert_eq!(answer.field("etag"), Some(b"W/\"v1\"".as_slice()));
                assert_eq!(answer.field("content-length"), None);
                assert!(answer.body.len() < body.len() / 2, "{coding}: {}", answer.body.len());
                assert!(decode(coding, &answer.body) == body, "{coding}, {size} bytes");
                ran += 1;
            }
            let plain = ask(&mut client, "GET", "");
            assert_eq!(plain.field("content-encoding"), None);
            assert_eq!(plain.field("vary"), Some(b"Accept-Encoding".as_slice()));
            assert_eq!(plain.field("etag"), Some(b"\"v1\"".as_slice()));
            assert!(plain.body == body);
            assert_eq!(upstream.connections(), 1, "the upstream's connection is used again");
        }
    }
    assert_eq!(ran, 18);
}

#[test]
fn what_must_not_be_coded_is_not() {
    let cases: [(&str, &str, usize); 8] = [
        ("GET", "Content-Type: application/json\r\n", 1_000),
        ("GET", "Content-Type: image/png\r\n", 5_000),
        ("GET", "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 5_000),
        ("GET", "Content-Type: application/json\r\nCache-Control: no-transform\r\n", 5_000),
        ("GET", "Content-Type: application/json\r\nContent-Range: bytes 0-9/99\r\n", 5_000),
        ("GET", "Content-Type: text/event-stream\r\n", 5_000),
        ("GET", "Content-Type: application/json\r\nRepr-Digest: sha-256=:x:\r\n", 5_000),
        ("HEAD", "Content-Type: application/json\r\n", 5_000),
    ];
    let mut ran = 0;
    for (method, head, size) in cases {
        let body = json(size);
        let upstream = upstream(head, false, body.clone());
        let fixture = compressing("observe", &upstream, "true");
        let answer = ask(&mut fixture.client(), method, "gzip, br, zstd");
        let length = body.len().to_string().into_bytes();
        assert_eq!(answer.field("content-length"), Some(length.as_slice()), "{head}");
        assert!(answer.body == body || method == "HEAD", "{head}");
        ran += 1;
    }
    assert_eq!(ran, 8);
}

#[test]
fn it_is_off_unless_it_is_set_and_then_only_as_set() {
    let body = json(5_000);
    let upstream = upstream(JSON, false, body.clone());
    let mut ran = 0;
    for (mode, value, coding) in [
        ("observe", "false", None),
        ("block", "false", None),
        ("observe", "[\"gzip\"]", Some(b"gzip".as_slice())),
        ("block", "[\"br\", \"gzip\"]", Some(b"br".as_slice())),
    ] {
        let fixture = compressing(mode, &upstream, value);
        let answer = ask(&mut fixture.client(), "GET", "gzip, br, zstd");
        assert_eq!(answer.field("content-encoding"), coding, "{mode} {value}");
        ran += 1;
    }
    let unset = Fixture::observing(&upstream);
    let answer = ask(&mut unset.client(), "GET", "gzip, br, zstd");
    assert!(answer.body == body && answer.field("vary").is_none());
    assert_eq!(ran, 4);
}

/// A slow upstream's pieces reach the client one by one, each readable when it comes.
#[test]
fn pieces_of_a_slow_upstream_are_not_kept_back() {
    for coding in ["gzip", "br", "zstd"] {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let upstream = Upstream::start(move |_, wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n");
            wire.send(b"Transfer-Encoding: chunked\r\n\r\n");
            for _ in 0..5 {
                wire.send(b"10\r\nsixteen letters\n\r\n");
                if wait.lock().unwrap().recv_timeout(Duration::from_secs(10)).is_err() {
                    return false;
                }
            }
            wire.send(b"0\r\n\r\n");
            true
        });
        let fixture = compressing("observe", &upstream, "true");
        let mut client = fixture.client();
        client.send(
            format!("GET / HTTP/1.1\r\nHost: shop\r\nAccept-Encoding: {coding}\r\n\r\n").as_bytes(),
        );
        client.stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut got = Vec::new();
        for piece in 1..=5 {
            let mut text = Vec::new();
            while text != b"sixteen letters\n".repeat(piece) {
                let mut buffer = [0; 4_096];
                let count = client.stream.read(&mut buffer).unwrap();
                assert!(count > 0, "{coding}: the connection ended in piece {piece}");
                got.extend_from_slice(&buffer[..count]);
                text = readable(coding, &got);
            }
            go.send(()).unwrap();
        }
    }
}

/// What a client can read of a chunked, coded answer so far.
fn readable(coding: &str, got: &[u8]) -> Vec<u8> {
    let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") else { return Vec::new() };
    let (mut rest, mut coded, mut out) = (&got[end + 4..], Vec::new(), Vec::new());
    while let Some(at) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).unwrap(), 16).unwrap();
        let Some(chunk) = rest.get(at + 2..at + 2 + size) else { break };
        coded.extend_from_slice(chunk);
        rest = rest.get(at + 2 + size + 2..).unwrap_or_default();
    }
    // it has not ended, which the decoders complain of after they have given what they have
    let _ = match coding {
        "br" => brotli::Decompressor::new(&coded[..], 4_096).read_to_end(&mut out),
        "gzip" => flate2::read::GzDecoder::new(&coded[..]).read_to_end(&mut out),
        _ => zstd::Decoder::new(&coded[..]).unwrap().read_to_end(&mut out),
    };
    out
}
