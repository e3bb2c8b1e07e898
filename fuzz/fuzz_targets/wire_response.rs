//! Response heads: an upstream is no more trusted than a client. Any bytes, cut anywhere, are read
//! the same or refused the same, and what goes to the client is read back with the same framing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::serialize::{self, Outgoing};
use wire::{Asked, HeadLimits, Parsed, Refusal, ResponseHead, Sender, response};

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (choice, cut, bytes) = input;
    let asked = [Asked::Plain, Asked::Head, Asked::Upgrade][usize::from(choice) % 3];
    let mut head = ResponseHead::new();
    let whole = parse(bytes, asked, &mut head);
    let mut resumed = ResponseHead::new();
    let first = bytes.get(..usize::from(cut)).unwrap_or(bytes);
    let in_two = match parse(first, asked, &mut resumed) {
        Ok(Parsed::Partial) => parse(bytes, asked, &mut resumed),
        done => done,
    };
    assert_eq!(in_two, whole, "cut at {cut}");
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
});

fn parse(bytes: &[u8], asked: Asked, head: &mut ResponseHead) -> Result<Parsed, Refusal> {
    response::parse_head(bytes, &HeadLimits::response(), asked, head)
}

/// Writes the head as it goes to the client and reads that again.
fn read_back(head: &ResponseHead, asked: Asked) {
    let mut written = Vec::new();
    serialize::response(head, &Outgoing::new(head.framing()), &mut written);
    let mut again = ResponseHead::new();
    match parse(&written, asked, &mut again) {
        Ok(Parsed::Complete { head_len }) => assert_eq!(head_len, written.len()),
        other => panic!("{other:?} for what was written: {}", written.escape_ascii()),
    }
    assert_eq!(again.status(), head.status());
    assert_eq!(again.framing(), head.framing());
}
