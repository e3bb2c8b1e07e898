//! Response heads: an upstream is no more trusted than a client. Any bytes, cut anywhere, are read
//! the same or refused the same, and what goes to the client is read back with the same framing.

use wire::serialize::{self, Outgoing};
use wire::{Asked, HeadLimits, Parsed, Refusal, ResponseHead, Sender, response};

use crate::input::Input;
use crate::written;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    let asked = input.of([Asked::Plain, Asked::Head, Asked::Upgrade]);
    let bytes = input.bytes;
    let mut head = ResponseHead::new();
    let whole = parse(bytes, asked, &mut head);
    let mut resumed = ResponseHead::new();
    let first = bytes.get(..usize::from(input.number)).unwrap_or(bytes);
    let in_two = match parse(first, asked, &mut resumed) {
        Ok(Parsed::Partial) => parse(bytes, asked, &mut resumed),
        done => done,
    };
    assert_eq!(in_two, whole, "cut at {}", input.number);
    match whole {
        Ok(Parsed::Complete { head_len }) => {
            assert!(head_len <= bytes.len());
            assert_eq!(head.fields(), resumed.fields());
            read_back(&head, asked);
        }
        Ok(Parsed::Partial) => {}
        Err(refusal) => {
            assert!(!refusal.code().is_empty());
            refusal.status(Sender::Upstream);
        }
    }
}

fn parse(bytes: &[u8], asked: Asked, head: &mut ResponseHead) -> Result<Parsed, Refusal> {
    response::parse_head(bytes, &HeadLimits::response(), asked, head)
}

/// Writes the head as it goes to the client and reads that again.
fn read_back(head: &ResponseHead, asked: Asked) {
    let mut first = Vec::new();
    serialize::response(head, &Outgoing::new(head.framing()), &mut first);
    written::sound_head(&first);
    let mut again = ResponseHead::new();
    match parse(&first, asked, &mut again) {
        Ok(Parsed::Complete { head_len }) => assert_eq!(head_len, first.len()),
        other => panic!("{other:?} for what was written: {}", first.escape_ascii()),
    }
    assert_eq!(again.status(), head.status());
    assert_eq!(again.framing(), head.framing());
    let mut second = Vec::new();
    serialize::response(&again, &Outgoing::new(again.framing()), &mut second);
    assert_eq!(second.escape_ascii().to_string(), first.escape_ascii().to_string());
}
