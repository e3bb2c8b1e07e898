//! Feeds bytes to the parser in pieces, as a shell would, and says in one line what came of it.

use wire::body::Progress;
use wire::{
    Asked, BodyLimits, BodyReader, Framing, HeadLimits, Parsed, Profile, Refusal, RequestHead,
    ResponseHead, Sender, request, response,
};

/// What came of a request that arrived in pieces of `step` bytes.
pub(crate) fn read_request(bytes: &[u8], step: usize, profile: Profile) -> String {
    let mut head = RequestHead::new();
    let limits = HeadLimits::request();
    let parsed = feed(bytes, step, |sofar| request::parse_head(sofar, &limits, profile, &mut head));
    match parsed {
        Ok(Some(at)) => body(head.framing(), &bytes[at..], step, &BodyLimits::request())
            .unwrap_or_else(|refusal| refused(refusal, Sender::Client)),
        Ok(None) => String::from("partial"),
        Err(refusal) => refused(refusal, Sender::Client),
    }
}

/// What came of a response that arrived in pieces of `step` bytes.
pub(crate) fn read_response(bytes: &[u8], step: usize, asked: Asked) -> String {
    let mut head = ResponseHead::new();
    let limits = HeadLimits::response();
    let parsed = feed(bytes, step, |sofar| response::parse_head(sofar, &limits, asked, &mut head));
    match parsed {
        Ok(Some(at)) => body(head.framing(), &bytes[at..], step, &BodyLimits::response())
            .map(|outcome| format!("{} {outcome}", head.status()))
            .unwrap_or_else(|refusal| refused(refusal, Sender::Upstream)),
        Ok(None) => String::from("partial"),
        Err(refusal) => refused(refusal, Sender::Upstream),
    }
}

/// Calls `parse` with more and more of `bytes`; where the head ends, if it does.
fn feed(
    bytes: &[u8],
    step: usize,
    mut parse: impl FnMut(&[u8]) -> Result<Parsed, Refusal>,
) -> Result<Option<usize>, Refusal> {
    let mut end = 0;
    while end < bytes.len() {
        end = end.saturating_add(step).min(bytes.len());
        if let Parsed::Complete { head_len } = parse(&bytes[..end])? {
            return Ok(Some(head_len));
        }
    }
    Ok(None)
}

/// Reads a body that arrives in pieces of `step` bytes, and the end of the connection behind it.
fn body(
    framing: Framing,
    bytes: &[u8],
    step: usize,
    limits: &BodyLimits,
) -> Result<String, Refusal> {
    let mut reader = BodyReader::new(framing, limits)?;
    let mut data = Vec::new();
    let (mut at, mut end) = (0, 0);
    loop {
        let (consumed, progress) = reader.advance(&bytes[at..end])?;
        match progress {
            Progress::Data(range) => data.extend_from_slice(&bytes[at..end][range]),
            Progress::End => {
                at += consumed;
                break;
            }
            Progress::More if end == bytes.len() => {
                reader.end_of_input()?;
                at += consumed;
                break;
            }
            Progress::More => end = end.saturating_add(step).min(bytes.len()),
        }
        at += consumed;
    }
    assert_eq!(reader.received(), data.len() as u64);
    let rest = &bytes[at..];
    let then = if rest.is_empty() { String::new() } else { format!(" then {}", quoted(rest)) };
    let data = quoted(&data);
    Ok(match framing {
        Framing::None => format!("none{then}"),
        Framing::Length(length) => format!("length {length} {data}{then}"),
        Framing::Chunked => format!("chunked {data}{then}"),
        Framing::UntilClose => format!("until close {data}{then}"),
    })
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

fn refused(refusal: Refusal, sender: Sender) -> String {
    match refusal.status(sender) {
        Some(status) => format!("{status} {}", refusal.code()),
        None => format!("drop {}", refusal.code()),
    }
}
