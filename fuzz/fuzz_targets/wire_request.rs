//! Request heads: any bytes, in any profile, cut anywhere, are read the same or refused the same;
//! and what is written for the next hop is read back as one message with the same meaning.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::serialize::{self, Form, Outgoing};
use wire::{HeadLimits, Parsed, Profile, Refusal, RequestHead, Sender, request};

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (choice, cut, bytes) = input;
    let profile = [Profile::Strict, Profile::Compat, Profile::Observe][usize::from(choice) % 3];
    let mut head = RequestHead::new();
    let whole = parse(bytes, profile, &mut head);
    let mut resumed = RequestHead::new();
    let in_two = parse_in_two(bytes, usize::from(cut), profile, &mut resumed);
    assert_eq!(in_two, whole, "cut at {cut}");
    match whole {
        Ok(Parsed::Complete { head_len }) => {
            assert!(head_len <= bytes.len());
            assert_eq!(head.fields(), resumed.fields());
            assert_eq!(head.framing(), resumed.framing());
            for (name, value) in head.query().iter().flat_map(|query| query.pairs()) {
                wire::Query::decode(name);
                wire::Query::decode(value);
            }
            if choice < 128 {
                read_back(&head, profile);
            }
        }
        Ok(Parsed::Partial) => {}
        Err(refusal) => {
            assert!(!refusal.code().is_empty() && !refusal.to_string().is_empty());
            refusal.status(Sender::Client);
        }
    }
});

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

/// Writes the head as it goes upstream and reads that again: same method, path and framing.
fn read_back(head: &RequestHead, profile: Profile) {
    let form = if profile == Profile::Observe { Form::AsReceived } else { Form::Canonical };
    // A client of HTTP/1.0 need not name a host; the door then names the upstream.
    let host = head.authority().is_none().then_some(b"origin.example".as_slice());
    let outgoing = Outgoing { form, host, ..Outgoing::new(head.framing()) };
    let mut written = Vec::new();
    serialize::request(head, &outgoing, &mut written);
    let mut again = RequestHead::new();
    let limits = HeadLimits::request();
    match request::parse_head(&written, &limits, profile, &mut again) {
        Ok(Parsed::Complete { head_len }) => assert_eq!(head_len, written.len()),
        other => panic!("{other:?} for what was written: {}", written.escape_ascii()),
    }
    assert_eq!(again.method(), head.method());
    assert_eq!(again.framing(), head.framing());
    assert_eq!(again.path(), head.path());
}
