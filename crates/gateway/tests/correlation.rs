//! Ids and traces: who may choose them, what upstream, client and access log are told.

use std::fs;
use std::time::{Duration, Instant};

use gateway::access_log::{AccessLog, LogSettings};
use policy::document::access_log::{LogFormat, LogPaths};
use serde_json::Value;

use crate::harness::{Fixture, Message, Upstream, arrangement};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nX-Request-Id: of-the-upstream\r\nContent-Length: 2\r\n\r\nok";

fn settings(upstream: &Upstream, mode: &str, trusted: &str, extra: &str) -> String {
    format!(
        "mode = \"{mode}\"\n[trust]\nproxies = [{trusted}]\n[services.shop]\n\
         upstreams = [\"http://{}\"]\nspec = \"openapi.yaml\"\n{extra}\n",
        upstream.address
    )
}

fn values(message: &Message, name: &str) -> Vec<String> {
    let named = message.fields.iter().filter(|(one, _)| one.eq_ignore_ascii_case(name.as_bytes()));
    named.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
}

/// What one request becomes: upstream, for the client, in the access log.
fn pass(mode: &str, trusted: &str, extra: &str, fields: &str) -> (Message, Message, Value) {
    let upstream = Upstream::says(ANSWER);
    let text = settings(&upstream, mode, trusted, extra);
    let fixture = Fixture::new(&text);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("log");
    let (format, paths) = (LogFormat::Json, LogPaths::Redacted);
    let log = LogSettings { file: file.clone(), format, paths };
    let log = std::sync::Arc::new(AccessLog::start(log, &fixture.metrics).unwrap());
    let arrangement = arrangement(&text).with_access_log(Some(log));
    fixture.running.as_ref().unwrap().reload(arrangement);
    let request = format!("GET /items/7 HTTP/1.1\r\nHost: shop\r\n{fields}\r\n");
    let answer = fixture.client().ask(request.as_bytes());
    assert_eq!(answer.status(), 200);
    let begun = Instant::now();
    let line = loop {
        let text = fs::read_to_string(&file).unwrap();
        if text.ends_with('\n') {
            break serde_json::from_str(&text).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    };
    (upstream.requests().remove(0), answer, line)
}

/// ID-12, and W3C Trace Context §4.3: what anyone but a trusted proxy says is replaced, kept beside
/// ours, and what cannot be read is nothing.
#[test]
fn strangers_choose_neither_ids_nor_traces() {
    let long = "a".repeat(8_000);
    // (fields, the trace that is linked)
    let cases = [
        (String::new(), None),
        (format!("X-Request-Id: abc\r\ntraceparent: {PARENT}\r\ntracestate: a=1\r\n"), Some(TRACE)),
        (format!("X_Request_Id: abc\r\nTRACEPARENT: {PARENT}\r\n"), Some(TRACE)),
        (format!("x-request-id: {long}\r\ntraceparent: 00-zz\r\ntracestate: a=1\r\n"), None),
        (format!("X-Request-Id: a\r\nX-Request-Id: b\r\ntraceparent: {PARENT}, x\r\n"), None),
        (format!("traceparent: {PARENT}\r\ntraceparent: {PARENT}\r\n"), None),
        ("X-Request-Id: \"\u{2028}\x09\r\n".to_owned(), None),
    ];
    let mut ran = 0;
    for mode in ["observe", "block"] {
        for (fields, linked) in &cases {
            let (sent, answer, line) = pass(mode, "\"10.0.0.0/8\"", "correlate = true", fields);
            let id = line["id"].as_str().unwrap().to_owned();
            assert_eq!(
                values(&sent, "x-request-id").as_slice(),
                std::slice::from_ref(&id),
                "{fields}"
            );
            assert_eq!(values(&sent, "x_request_id"), Vec::<String>::new());
            assert_eq!(values(&answer, "x-request-id"), [id]);
            assert_eq!(values(&sent, "tracestate"), Vec::<String>::new(), "{fields}");
            let [root] = &values(&sent, "traceparent")[..] else { panic!("one root: {fields}") };
            let parts: Vec<&str> = root.split('-').collect();
            assert_eq!((parts.len(), parts[0], parts[3]), (4, "00", "01"));
            assert_ne!(parts[1], TRACE);
            assert_eq!(line["trace_id"], parts[1]);
            assert_eq!(line["linked_trace_id"].as_str(), *linked, "{line}");
            assert_eq!(line["request_id"], Value::Null);
            let kept = line["client_request_id"].as_str();
            assert_eq!(kept.is_some(), fields.to_lowercase().contains("x-request-id"), "{line}");
            assert!(kept.is_none_or(|kept| kept.len() < 150), "{line}");
            ran += 1;
        }
    }
    assert_eq!(ran, 14);
}

#[test]
fn trusted_proxies_choose_both() {
    let cases = [
        (
            format!("X-Request-Id: abc-1\r\ntraceparent: {PARENT}\r\ntracestate: a=1\r\n"),
            true,
            true,
        ),
        (format!("X-Request-Id: a b\r\ntraceparent: {PARENT}\r\ntracestate: a=1\r\n"), false, true),
        ("X-Request-Id: abc-1\r\ntraceparent: 00-0\r\ntracestate: a=1\r\n".to_owned(), true, false),
    ];
    let mut ran = 0;
    for (fields, keeps_id, keeps_trace) in cases {
        let trusted = "\"127.0.0.0/8\"";
        let (sent, answer, line) = pass("block", trusted, "correlate = true", &fields);
        let id = values(&sent, "x-request-id");
        assert_eq!((id.len(), id[0] == "abc-1"), (1, keeps_id));
        assert_eq!(values(&answer, "x-request-id"), id);
        let traces = values(&sent, "traceparent");
        assert_eq!((traces.len(), traces[0] == PARENT), (1, keeps_trace), "{traces:?}");
        let states = if keeps_trace { vec!["a=1".to_owned()] } else { Vec::new() };
        assert_eq!(values(&sent, "tracestate"), states);
        assert_eq!(line["trace_id"] == TRACE, keeps_trace);
        assert_eq!(line["request_id"].as_str(), keeps_id.then_some("abc-1"));
        ran += 1;
    }
    assert_eq!(ran, 3);
}

#[test]
fn unasked_nothing_changes() {
    let fields = format!("X-Request-Id: abc\r\ntraceparent: {PARENT}\r\ntracestate: a=1\r\n");
    let mut ran = 0;
    for mode in ["observe", "block"] {
        let (sent, answer, line) = pass(mode, "", "", &fields);
        assert_eq!(values(&sent, "x-request-id"), ["abc"]);
        assert_eq!(values(&sent, "traceparent"), [PARENT]);
        assert_eq!(values(&sent, "tracestate"), ["a=1"]);
        assert_eq!(values(&answer, "x-request-id"), ["of-the-upstream"]);
        assert_eq!((&line["trace_id"], &line["linked_trace_id"]), (&TRACE.into(), &Value::Null));
        ran += 1;
    }
    assert_eq!(ran, 2);
}

/// A refusal tells the id, too, and a stored answer tells that of the request it answers.
#[test]
fn refusals_and_stored_answers_have_the_id() {
    let upstream = Upstream::says(
        b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nX-Request-Id: old\r\n\
          Content-Length: 2\r\n\r\nok",
    );
    let extra = "correlate = true\ncache = { size = \"1MiB\", entry = \"64KiB\" }";
    let fixture = Fixture::new(&settings(&upstream, "block", "", extra));
    let mut client = fixture.client();
    let ids: Vec<Vec<String>> = (0..2)
        .map(|_| client.ask(b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n"))
        .map(|answer| values(&answer, "x-request-id"))
        .collect();
    assert_eq!((ids[0].len(), ids[1].len(), upstream.requests().len()), (1, 1, 1));
    assert_ne!(ids[0], ids[1]);
    let refused = client.ask(b"GET /items/x HTTP/1.1\r\nHost: shop\r\n\r\n");
    assert_eq!(refused.status(), 400);
    let instance = format!("urn:palisade:exchange:{}", values(&refused, "x-request-id")[0]);
    assert_eq!(refused.problem()["instance"], instance);
}
