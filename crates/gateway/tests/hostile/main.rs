//! The hostile cases of HTTP/1.1, through real sockets: what the client is told, what becomes of
//! its connection, which bytes reach the upstream, what is counted and reported, what it costs.
//!
//! A binary of its own, since it measures the memory and time of its process.

#![expect(clippy::unwrap_used, reason = "a test fails where what it set up does not hold")]

mod case;
mod coverage;
mod resources;
mod rig;

use std::sync::{Mutex, MutexGuard, PoisonError};

use case::{Case, Family, Fate};
use rig::Outcome;
use wire::body::Progress;
use wire::{BodyLimits, BodyReader, Framing};

/// One test at a time: each measures the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a family; every difference of every case is told at once.
fn run(text: &str, cases: usize, runs: usize) {
    let _alone = alone();
    let family = Family::read(text);
    let mut differences = Vec::new();
    let mut ran = 0;
    for case in &family.cases {
        for setting in &case.settings {
            let outcome = rig::run(case, &family.setting(setting));
            let found = differences_of(case, &outcome);
            differences.extend(found.into_iter().map(|it| format!("{} {setting}: {it}", case.id)));
            ran += 1;
        }
    }
    assert!(differences.is_empty(), "{}\n{}", differences.len(), differences.join("\n"));
    assert_eq!((family.cases.len(), ran), (cases, runs));
}

/// In what the outcome differs from what the case says.
fn differences_of(case: &Case, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |what: &str, expected: String, got: String| {
        if expected != got {
            found.push(format!("{what}\n  expected {expected}\n  got      {got}"));
        }
    };
    expect("status", format!("{:?}", case.statuses), format!("{:?}", outcome.statuses));
    expect("connection", format!("{:?}", case.fate), format!("{:?}", outcome.fate));
    let show = |sent: &[Vec<u8>]| {
        sent.iter().map(|bytes| bytes.escape_ascii().to_string()).collect::<Vec<_>>().join(" | ")
    };
    let sent = if case.joined {
        outcome.sent.iter().map(|sent| joined(sent)).collect()
    } else {
        Vec::new()
    };
    let sent = if case.joined { &sent } else { &outcome.sent };
    expect("upstream", show(&case.sent), show(sent));
    expect("reasons", format!("{:?}", case.reasons), format!("{:?}", outcome.reasons));
    expect("findings", format!("{:?}", case.findings), format!("{:?}", outcome.findings));
    if let Some(received) = &case.received {
        let (expected, got) = (received.escape_ascii(), outcome.received.escape_ascii());
        expect("received", expected.to_string(), got.to_string());
    }
    if let Some(problem) = &case.problem {
        let wanted = format!("problems/{problem}\"");
        let told = String::from_utf8_lossy(&outcome.received).contains(&wanted);
        expect("problem", format!("{problem} told"), format!("{problem} {}", said(told)));
    }
    if let Some(client) = case.client {
        let client = vec![rig::pseudonym(client)];
        expect("client", format!("{client:?}"), format!("{:?}", outcome.clients));
    }
    let (memory, time) = (outcome.cost.memory_kib, outcome.cost.cpu_ms);
    if memory > case.memory_kib {
        found.push(format!("memory: {memory} KiB, at most {}", case.memory_kib));
    }
    if time > case.cpu_ms {
        found.push(format!("time: {time} ms, at most {}", case.cpu_ms));
    }
    found
}

/// A message with its chunks in one. Only what is chunked to its end is given here.
fn joined(message: &[u8]) -> Vec<u8> {
    let head = message.windows(4).position(|text| text == b"\r\n\r\n").unwrap() + 4;
    let (mut content, mut at) = (Vec::new(), head);
    let mut reader = BodyReader::new(Framing::Chunked, &BodyLimits::request()).unwrap();
    loop {
        let (used, progress) = reader.advance(&message[at..]).unwrap();
        match progress {
            Progress::Data(range) => content.extend_from_slice(&message[at..][range]),
            Progress::End => break,
            Progress::More => panic!("a message that does not end"),
        }
        at += used;
    }
    let mut one = message[..head].to_vec();
    one.extend_from_slice(format!("{:x}\r\n", content.len()).as_bytes());
    one.extend_from_slice(&content);
    one.extend_from_slice(b"\r\n0\r\n\r\n");
    one
}

/// Refused requests in one piece whose outcome does not depend on when their bytes come. Every
/// third is run below.
fn refused_heads() -> Vec<(Case, String)> {
    let mut refused = Vec::new();
    for text in [include_str!("h1.toml"), include_str!("ho.toml"), include_str!("id.toml")] {
        let family = Family::read(text);
        let settings = family.setting("block");
        for case in family.cases {
            let [input] = &case.input[..] else { continue };
            let head = input.len() < 400 && !input.windows(7).any(|text| text == b"chunked");
            if head && !case.finishes && !case.reasons.is_empty() && case.fate == Fate::Closes {
                refused.push((case, settings.clone()));
            }
        }
    }
    refused
}

/// P1 of the catalogue: however a message is cut, the verdict and what is sent are the same.
#[test]
fn cuts_change_nothing() {
    let _alone = alone();
    let mut ran = 0;
    for (mut case, settings) in refused_heads().into_iter().step_by(3) {
        let whole = case.input.concat();
        case.input = whole.chunks(whole.len().div_ceil(3)).map(<[u8]>::to_vec).collect();
        let outcome = rig::run(&case, &settings);
        assert_eq!(differences_of(&case, &outcome), Vec::<String>::new(), "{}", case.id);
        ran += 1;
    }
    assert_eq!(ran, 40);
}

/// P3 of the catalogue: what follows a refused request is never read as one.
#[test]
fn nothing_behind_a_refusal_is_read() {
    let _alone = alone();
    let mut ran = 0;
    for (mut case, settings) in refused_heads().into_iter().step_by(3) {
        case.input.push(b"GET /public/after HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec());
        let outcome = rig::run(&case, &settings);
        assert_eq!(differences_of(&case, &outcome), Vec::<String>::new(), "{}", case.id);
        ran += 1;
    }
    assert_eq!(ran, 40);
}

fn said(told: bool) -> &'static str {
    if told { "told" } else { "not told" }
}

#[test]
fn framing_of_requests() {
    run(include_str!("h1.toml"), 177, 309);
}

#[test]
fn hosts() {
    run(include_str!("ho.toml"), 33, 58);
}

#[test]
fn paths() {
    run(include_str!("pa.toml"), 151, 152);
}

#[test]
fn identities() {
    run(include_str!("id.toml"), 33, 33);
}

#[test]
fn responses() {
    run(include_str!("rs.toml"), 29, 29);
}
