//! The access log: what it tells, what it must not, and what becomes of traffic when it cannot be
//! written.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use gateway::access_log::{AccessLog, LogSettings};
use gateway::limits::ACCESS_LOG_ENTRIES_MAX;
use policy::document::access_log::{LogFormat, LogPaths};
use serde_json::Value;

use crate::harness::{Fixture, OK, Upstream, arrangement, settings};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

const DROPPED: &str = "palisade_events_dropped_total{sink=\"access_log\"}";

/// Gives a running gateway an access log.
fn logged(fixture: &Fixture, text: &str, file: &Path, format: LogFormat) -> Arc<AccessLog> {
    let (file, paths) = (file.to_owned(), LogPaths::Redacted);
    let settings = LogSettings { file, format, paths };
    let log = Arc::new(AccessLog::start(settings, &fixture.metrics).unwrap());
    let arrangement = arrangement(text).with_access_log(Some(Arc::clone(&log)));
    fixture.running.as_ref().unwrap().reload(arrangement);
    log
}

/// The first `count` lines.
fn lines(file: &Path, count: usize) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines: Vec<String> = whole.lines().map(str::to_owned).collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{} of {count}: {text}", lines.len());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn every_exchange_has_a_line() {
    let upstream = Upstream::says(OK);
    let text = settings("block", upstream.address, "");
    let fixture = Fixture::new(&text);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.log");
    let _log = logged(&fixture, &text, &file, LogFormat::Json);
    // (request, status, path, problem, reason, rule)
    type Case = (&'static [u8], u16, Option<&'static str>, [Option<&'static str>; 3]);
    let cases: [Case; 6] = [
        (GET, 200, Some("/items/h:"), [None; 3]),
        (
            b"GET /items/x?colour=red HTTP/1.1\r\nHost: shop\r\n\r\n",
            400,
            Some("/items/x"),
            [Some("contract-violation"), None, Some("PAL-SPEC-001")],
        ),
        (
            b"GET /cellar HTTP/1.0\r\nHost: shop\r\n\r\n",
            404,
            Some("/cellar"),
            [Some("undocumented-operation"), None, None],
        ),
        (
            b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\n\
              Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            None,
            [Some("malformed-request"), Some("h1.cl_te"), None],
        ),
        (b"HEAD / HTTP/1.1\r\nHost: \r\n\r\n", 400, None, [Some("malformed-request"), None, None]),
        (b"OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n", 200, None, [None; 3]),
    ];
    for (at, (request, status, path, said)) in cases.into_iter().enumerate() {
        let answer = fixture.client().ask(request);
        assert_eq!(answer.status(), status);
        let told: Value = serde_json::from_str(&lines(&file, at + 1)[at]).unwrap();
        assert_eq!(told["status"], status, "{told}");
        assert_eq!(told["client_ip"], "127.0.0.1");
        assert_eq!(told["bytes"], answer.body.len(), "{told}");
        assert_eq!(told["path"].is_string(), path.is_some(), "{told}");
        assert!(told["path"].as_str().unwrap_or_default().starts_with(path.unwrap_or_default()));
        assert!(told["duration_ms"].as_f64().unwrap() < 10_000.0);
        let [problem, reason, rule] = said;
        assert_eq!(told["problem"].as_str(), problem, "{told}");
        if reason.is_some() {
            assert_eq!(told["reason"].as_str(), reason, "{told}");
        }
        assert_eq!(told["rules"][0].as_str(), rule, "{told}");
        if problem.is_some() {
            let instance = format!("urn:palisade:exchange:{}", told["id"].as_str().unwrap());
            assert_eq!(answer.problem()["instance"], instance);
        }
    }
    let all = lines(&file, 6);
    assert_eq!(all.len(), 6);
    let asked: Value = serde_json::from_str(&all[1]).unwrap();
    assert_eq!((&asked["parameters"][0], &asked["service"]), (&"colour".into(), &"shop".into()));
    assert_eq!((&asked["mode"], &asked["disposition"]), (&"block".into(), &"blocked".into()));
    let version: Value = serde_json::from_str(&all[2]).unwrap();
    assert_eq!(version["version"], "HTTP/1.0");
    assert_eq!(fixture.metric(DROPPED), 0);
}

/// LO-01, LO-02, LO-03, LO-04.
#[test]
fn no_secret_and_no_second_line_gets_in() {
    let upstream = Upstream::says(OK);
    let text = settings("observe", upstream.address, "");
    let fixture = Fixture::new(&text);
    let directory = tempfile::tempdir().unwrap();
    let hostile = [
        b"GET /items/7?api_key=canary1&q=canary2&canary3canary3canary3canary3canary3x9 HTTP/1.1\r\n"
            .as_slice(),
        b"Host: shop\r\nAuthorization: Bearer canary4\r\nCookie: sid=canary5\r\n",
        b"X-Api-Key: canary6\r\nReferer: http://shop/?token=canary7\r\n",
        b"User-Agent: a\"b\\c ${jndi:x} %s%n \xe2\x80\xa8 \xff \xc2\x9b31m ",
        &[b'u'; 7_000],
        b"\r\n\r\n",
    ]
    .concat();
    let mut ran = 0;
    for format in [LogFormat::Json, LogFormat::Combined] {
        let file = directory.path().join(format.as_str());
        let _log = logged(&fixture, &text, &file, format);
        let mut client = fixture.client();
        assert_eq!(client.ask(&hostile).status(), 200);
        assert_eq!(client.ask(GET).status(), 200);
        let all = lines(&file, 2);
        assert_eq!(all.len(), 2, "{all:?}");
        assert!(!all[0].contains("canary"), "{}", all[0]);
        assert!(all[0].is_ascii() && !all[0].bytes().any(|byte| byte < b' '), "{}", all[0]);
        assert!(all[0].contains("${jndi:x} %s%n") && all[0].contains("(70"), "{}", all[0]);
        assert!(all[0].len() < 1_500, "{}", all[0].len());
        ran += 1;
    }
    assert_eq!(ran, 2);
    let json = fs::read_to_string(directory.path().join("json")).unwrap();
    let first: Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!(first["parameters"][0], "api_key");
    assert!(first["user_agent"].as_str().unwrap().starts_with("a\"b\\c ${jndi:x} %s%n \u{2028}"));
    let combined = fs::read_to_string(directory.path().join("combined")).unwrap();
    assert!(combined.starts_with("127.0.0.1 - - ["), "{combined}");
    assert!(combined.contains("\"GET /items/h:") && combined.contains("\\x22b\\x5cc"));
}

/// LO-06, FA-04: whatever is wrong with the file, exchanges do not notice.
#[test]
fn a_log_that_cannot_be_written_costs_lines_only() {
    let upstream = Upstream::says(OK);
    let text = settings("observe", upstream.address, "");
    let fixture = Fixture::new(&text);
    let mut client = fixture.client();
    let full = logged(&fixture, &text, Path::new("/dev/full"), LogFormat::Json);
    for _ in 0..20 {
        assert_eq!(client.ask(GET).status(), 200);
    }
    fixture.wait_for(DROPPED, 20);
    drop(full);

    // a pipe whose reader hangs takes 64 KiB, and then nothing
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let nobody =
        LogSettings { file: pipe.clone(), format: LogFormat::Json, paths: LogPaths::Redacted };
    assert!(AccessLog::start(nobody, &fixture.metrics).is_err(), "nobody reads");
    let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    let _log = logged(&fixture, &text, &pipe, LogFormat::Json);
    let begun = Instant::now();
    while fixture.metric(DROPPED) == 20 {
        assert_eq!(client.ask(GET).status(), 200);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
    assert_eq!(client.ask(GET).status(), 200);
    drop(reader);
}

#[test]
fn a_rotated_log_is_opened_anew() {
    let upstream = Upstream::says(OK);
    let text = settings("observe", upstream.address, "");
    let fixture = Fixture::new(&text);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.log");
    let old = directory.path().join("access.log.1");
    let log = logged(&fixture, &text, &file, LogFormat::Combined);
    let mut client = fixture.client();
    client.ask(GET);
    assert_eq!(lines(&file, 1).len(), 1);
    fs::rename(&file, &old).unwrap();
    client.ask(GET);
    assert_eq!(lines(&old, 2).len(), 2, "until it is told, it goes on where it was");
    log.reopen();
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
    client.ask(GET);
    assert_eq!(lines(&file, 1).len(), 1);
    assert_eq!(lines(&old, 2).len(), 2);
    // what is in the queue at the end is written
    (0..100).for_each(|_| drop(client.ask(GET)));
    log.finish(Duration::from_secs(10));
    assert_eq!(lines(&file, 101).len(), 101);
    // and afterwards nothing grows without a bound, and nobody waits
    for _ in 0..50 {
        assert_eq!(client.ask(GET).status(), 200);
    }
    let waiting = fixture.metric("palisade_queue_length{queue=\"access_log\"}");
    assert!(waiting <= ACCESS_LOG_ENTRIES_MAX as u64, "{waiting}");
}
