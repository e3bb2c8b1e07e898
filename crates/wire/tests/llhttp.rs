//! The cases of llhttp (MIT), Node.js's parser, where that corpus is at hand: what it refuses in
//! its strict form is refused here, but for a short list; where it is milder, the reason is known.

use std::collections::BTreeMap;
use std::path::Path;

use wire::body::Progress;
use wire::{
    Asked, BodyLimits, BodyReader, Framing, HeadLimits, Parsed, Profile, Refusal, RequestHead,
    ResponseHead, request, response,
};

use crate::table::plain;

const CORPUS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/http-desync/llhttp/test");

const FILES: [&str; 22] = [
    "request/connection",
    "request/content-length",
    "request/finish",
    "request/invalid",
    "request/lenient-header-value-relaxed",
    "request/lenient-headers",
    "request/lenient-version",
    "request/method",
    "request/pausing",
    "request/pipelining",
    "request/sample",
    "request/transfer-encoding",
    "request/uri",
    "response/connection",
    "response/content-length",
    "response/finish",
    "response/invalid",
    "response/lenient-version",
    "response/pausing",
    "response/pipelining",
    "response/sample",
    "response/transfer-encoding",
];

/// What llhttp refuses and is accepted here, and why.
const MILDER: &[(&str, &str)] = &[
    ("request/connection: CRLF between requests, explicit `close`", CLOSED),
    ("request/connection: CRLF between requests, explicit `close` followed by tab", CLOSED),
    ("request/invalid: HTTP protocol and ANNOUNCE method", METHOD),
    ("request/transfer-encoding: Unbalanced chunk extensions quoting", EXTENSION),
    ("response/connection: HTTP/1.1 with keep-alive disabled and 204 status", CLOSED),
    ("response/connection: HTTP/1.1 with keep-alive disabled, content-length", CLOSED),
];

const CLOSED: &str = "what follows a last message is not read at all";
const METHOD: &str = "a method of capital letters is one, whether we know it or not";
const EXTENSION: &str = "extensions are dropped; a line ends at its CRLF, quotes or not";

/// What llhttp accepts and is refused here: reason, cases, why.
const STRICTER: &[(&str, usize, &str)] = &[
    ("h1.cl_invalid", 2, "white space or a zero in front: not a plain number"),
    ("h1.connection_option", 1, "an option that is a field of the client's"),
    ("h1.http09", 1, "HTTP/0.9 has no Host and no fields"),
    ("h1.http2_preface", 1, "HTTP/2 is read by other code"),
    ("h1.leading_lines", 1, "one empty line in front, as RFC 9112 §2.2 has it, and no more"),
    ("h1.method_invalid", 2, "bytes behind the last message are no request"),
    ("h1.method_refused", 4, "CONNECT and TRACE"),
    ("h1.request_line", 3, "RTSP and ICE"),
    ("h1.status_line", 9, "RTSP, ICE, and versions other than 1.0 and 1.1"),
    ("h1.target_byte", 1, "bytes above ASCII in a query"),
    ("h1.target_form", 1, "neither a path nor an http URI"),
    ("h1.target_fragment", 1, "a fragment"),
    ("h1.te_invalid", 1, "chunked is not the last coding"),
    ("h1.te_repeated", 2, "Transfer-Encoding twice"),
    ("h1.te_unknown", 2, "a coding that we do not know"),
    ("h1.trailer_forbidden", 1, "a trailer that belongs into a head"),
    ("host.invalid", 3, "a Host that is none"),
    ("host.mismatch", 3, "the target names another host"),
    ("host.missing", 2, "no Host"),
];

/// One case of the corpus.
struct Case {
    name: String,
    /// `request` or `response`, perhaps with a leniency behind it.
    kind: String,
    input: Vec<u8>,
    refused: bool,
}

/// Reads the blocks of a page: a line of metadata, the bytes, and the log of the parser.
fn cases(page: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let (mut title, mut kind) = (String::new(), String::new());
    let mut block: Option<(&str, Vec<&str>)> = None;
    for line in text.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(language)) => block = Some((language, Vec::new())),
            (Some((_, lines)), None) => lines.push(line),
            (Some((language, lines)), Some(_)) => {
                match (*language, cases.last_mut()) {
                    ("http", _) => cases.push(Case {
                        name: format!("{page}: {title}"),
                        kind: kind.clone(),
                        input: bytes(lines),
                        refused: false,
                    }),
                    ("log", Some(case)) => {
                        // 21 to 23 are pauses: a caller's own, and those before other protocols
                        let errors = lines.iter().filter_map(|line| line.split_once("error code="));
                        case.refused = errors
                            .filter_map(|(_, rest)| rest.split(' ').next()?.parse::<u8>().ok())
                            .any(|code| !(21..=24).contains(&code));
                    }
                    _ => {}
                }
                block = None;
            }
            (None, None) => match line.split_once("\"type\"") {
                Some((_, rest)) if line.starts_with("<!-- meta") => {
                    kind = rest.split('"').nth(1).unwrap_or_default().to_owned();
                }
                _ if line.starts_with('#') => title = line.trim_start_matches('#').trim().into(),
                _ => {}
            },
        }
    }
    cases
}

/// The bytes of a block: line ends are CRLF unless a backslash takes them away.
fn bytes(lines: &[&str]) -> Vec<u8> {
    let text = lines.join("\n").replace("\\\n", "").replace('\n', "\\r\\n").replace("\\f", "\\x0c");
    let mut out = String::new();
    let mut rest = text.as_str();
    // a backslash before anything else stands for itself
    while let Some((before, after)) = rest.split_once('\\') {
        let escape = after.starts_with(['r', 'n', 't', 'x']);
        out.push_str(before);
        out.push_str(if escape { "\\" } else { "\\\\" });
        rest = after;
    }
    out.push_str(rest);
    plain(&out)
}

/// Reads requests to the end of the input, as on one connection.
fn read_requests(input: &[u8]) -> Result<(), Refusal> {
    let mut rest = input;
    let mut head = RequestHead::new();
    while !rest.is_empty() {
        head.clear();
        let limits = HeadLimits::request();
        let parsed = request::parse_head(rest, &limits, Profile::Strict, &mut head)?;
        let Parsed::Complete { head_len } = parsed else { return Ok(()) };
        rest = behind_body(head.framing(), &rest[head_len..])?;
        if !head.keep_alive() || head.upgrade().is_some() {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads responses to the end of the input.
fn read_responses(input: &[u8]) -> Result<(), Refusal> {
    let mut rest = input;
    let mut head = ResponseHead::new();
    while !rest.is_empty() {
        head.clear();
        let limits = HeadLimits::response();
        let parsed = response::parse_head(rest, &limits, Asked::Upgrade, &mut head)?;
        let Parsed::Complete { head_len } = parsed else { return Ok(()) };
        rest = behind_body(head.framing(), &rest[head_len..])?;
        if !head.keep_alive() && !head.is_interim() {
            return Ok(());
        }
    }
    Ok(())
}

fn behind_body(framing: Framing, bytes: &[u8]) -> Result<&[u8], Refusal> {
    let mut reader = BodyReader::new(framing, &BodyLimits::response())?;
    let mut at = 0;
    loop {
        let (used, progress) = reader.advance(&bytes[at..])?;
        at += used;
        if !matches!(progress, Progress::Data(_)) {
            return Ok(&bytes[at..]);
        }
    }
}

/// The request with a Host, which the corpus leaves out where it is not what it is about.
fn with_host(input: &[u8]) -> Vec<u8> {
    let lower = input.to_ascii_lowercase();
    let has_host = lower.windows(7).any(|window| window == b"\r\nhost:");
    match input.windows(2).position(|window| window == b"\r\n") {
        Some(end) if !has_host && !matches!(input.get(end + 2), Some(b' ' | b'\t')) => {
            [&input[..end], b"\r\nHost: a", &input[end..]].concat()
        }
        _ => input.to_vec(),
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the corpus is too large to be kept here")]
fn what_llhttp_refuses_is_refused() {
    assert!(Path::new(CORPUS).exists(), "the corpus is not there: {CORPUS}");
    let mut both = BTreeMap::<(bool, bool), usize>::new();
    let mut stricter = BTreeMap::<&str, usize>::new();
    let mut milder = Vec::new();
    let mut lenient = (0, 0);
    for page in FILES {
        let text = std::fs::read_to_string(Path::new(CORPUS).join(page).with_extension("md"));
        for case in cases(page, &text.unwrap()) {
            let read = |input: &[u8]| match case.kind.starts_with("request") {
                true => read_requests(&with_host(input)),
                false => read_responses(input),
            };
            // a head is judged when it is complete; llhttp judges each field as it comes
            let completed = [&case.input, b"\r\n\r\n".as_slice()].concat();
            let judged_late = case.refused && read(&case.input).is_ok();
            let read = read(if judged_late { &completed } else { &case.input });
            if case.kind.contains("lenient") {
                lenient.0 += usize::from(read.is_err());
                lenient.1 += usize::from(read.is_ok());
                continue;
            }
            *both.entry((case.refused, read.is_err())).or_default() += 1;
            match (case.refused, read) {
                (false, Err(refusal)) => *stricter.entry(refusal.code()).or_default() += 1,
                (true, Ok(())) => milder.push(case.name),
                _ => {}
            }
        }
    }
    let known: Vec<&str> = MILDER.iter().map(|(name, _)| *name).collect();
    assert!(MILDER.iter().all(|(_, why)| !why.is_empty()));
    assert_eq!(milder, known);
    let stricter: Vec<(&str, usize)> = stricter.into_iter().collect();
    let count = |refused, ours| both.get(&(refused, ours)).copied().unwrap_or_default();
    let refused_there = (count(true, true), count(true, false));
    let accepted_there = (count(false, false), count(false, true));
    assert_eq!((refused_there, accepted_there), ((73, 6), (94, 41)));
    let reasons: Vec<(&str, usize)> =
        STRICTER.iter().map(|(reason, cases, _)| (*reason, *cases)).collect();
    assert!(STRICTER.iter().all(|(_, _, why)| !why.is_empty()));
    assert_eq!(stricter, reasons);
    // what llhttp reads only where it is told to be lenient
    assert_eq!(lenient, (33, 4));
}
