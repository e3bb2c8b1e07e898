//! Request heads: any bytes, in any profile, cut anywhere, are read the same or refused the same;
//! and what is written for the next hop is read back as one message with the same meaning.

use wire::serialize::{self, Form, Outgoing};
use wire::{HeadLimits, Parsed, Profile, Query, Refusal, RequestHead, Sender, request};

use crate::input::Input;
use crate::written;

/// The profiles in the order in which a choice names them.
pub(crate) const PROFILES: [Profile; 3] = [Profile::Strict, Profile::Compat, Profile::Observe];

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    let profile = input.of(PROFILES);
    let bytes = input.bytes;
    let mut head = RequestHead::new();
    let whole = parse(bytes, profile, &mut head);
    let mut resumed = RequestHead::new();
    let in_two = parse_in_two(bytes, usize::from(input.number), profile, &mut resumed);
    assert_eq!(in_two, whole, "cut at {}", input.number);
    match whole {
        Ok(Parsed::Complete { head_len }) => {
            assert!(head_len <= bytes.len());
            assert_eq!(head.fields(), resumed.fields());
            assert_eq!(head.framing(), resumed.framing());
            for (name, value) in head.query().iter().flat_map(|query| query.pairs()) {
                Query::decode(name);
                Query::decode(value);
            }
            read_back(&head, profile);
        }
        Ok(Parsed::Partial) => {}
        Err(refusal) => {
            assert!(!refusal.code().is_empty() && !refusal.to_string().is_empty());
            refusal.status(Sender::Client);
        }
    }
}

fn parse(bytes: &[u8], profile: Profile, head: &mut RequestHead) -> Result<Parsed, Refusal> {
    request::parse_head(bytes, &HeadLimits::request(), profile, head)
}

/// Parses a part of the bytes first, as a socket might deliver them.
fn parse_in_two(
    bytes: &[u8],
    cut: usize,
    profile: Profile,
    head: &mut RequestHead,
) -> Result<Parsed, Refusal> {
    let first = bytes.get(..cut).unwrap_or(bytes);
    match parse(first, profile, head) {
        Ok(Parsed::Partial) => parse(bytes, profile, head),
        done => done,
    }
}

/// Writes a head as it goes upstream.
pub(crate) fn write(head: &RequestHead, profile: Profile, out: &mut Vec<u8>) {
    let form = if profile == Profile::Observe { Form::AsReceived } else { Form::Canonical };
    // A client of HTTP/1.0 need not name a host; the door then names the upstream.
    let host = head.authority().is_none().then_some(b"origin.example".as_slice());
    serialize::request(head, &Outgoing { form, host, ..Outgoing::new(head.framing()) }, out);
}

/// Writes the head as it goes upstream and reads that again: same method, path and framing; and
/// written once more, it is the same bytes.
fn read_back(head: &RequestHead, profile: Profile) {
    let mut first = Vec::new();
    write(head, profile, &mut first);
    written::sound_request(&first);
    let mut again = RequestHead::new();
    match parse(&first, profile, &mut again) {
        Ok(Parsed::Complete { head_len }) => assert_eq!(head_len, first.len()),
        other => panic!("{other:?} for what was written: {}", first.escape_ascii()),
    }
    assert_eq!(again.method(), head.method());
    assert_eq!(again.framing(), head.framing());
    assert_eq!(again.path(), head.path());
    assert_eq!(again.query(), head.query());
    let mut second = Vec::new();
    write(&again, profile, &mut second);
    assert_eq!(second.escape_ascii().to_string(), first.escape_ascii().to_string());
}
