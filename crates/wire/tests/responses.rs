//! Responses, one row each.

use std::collections::BTreeSet;

use wire::{Asked, HeadLimits, ResponseHead, response};

use crate::reader::read_response;
use crate::table::{plain, rows};

#[test]
fn every_case_has_its_outcome_however_it_is_cut() {
    let mut ids = BTreeSet::new();
    for [id, asked, input, expected] in rows(include_str!("cases/responses.txt")) {
        let asked = match asked {
            "plain" => Asked::Plain,
            "head" => Asked::Head,
            "upgrade" => Asked::Upgrade,
            other => panic!("{id}: {other}"),
        };
        let bytes = plain(input);
        // Long ones in big pieces only: a line is read again with each piece.
        let steps: &[usize] =
            if bytes.len() > 9000 { &[999, 1500] } else { &[1, 2, 3, 7, 16, 1500] };
        for &step in steps.iter().chain(&[usize::MAX]) {
            let outcome = read_response(&bytes, step, asked);
            assert_eq!(outcome, expected, "{id} in pieces of {step}: {input}");
        }
        assert!(ids.insert(id), "{id} is there twice");
    }
    assert_eq!(ids.len(), 43);
}

#[test]
fn a_head_says_what_was_answered() {
    let mut head = ResponseHead::new();
    let bytes = b"HTTP/1.1 200 All right\r\nContent-Length: 7\r\nA: b\r\n\r\n";
    response::parse_head(bytes, &HeadLimits::response(), Asked::Head, &mut head).unwrap();
    assert_eq!((head.status(), head.reason()), (200, b"All right".as_slice()));
    assert_eq!(head.content_length(), Some(7));
    assert!(head.keep_alive() && !head.is_interim());
    let bytes = b"HTTP/1.1 103 \r\n\r\n";
    response::parse_head(bytes, &HeadLimits::response(), Asked::Plain, &mut head).unwrap();
    assert!(head.is_interim() && head.fields().is_empty());
    let bytes = b"HTTP/1.1 200 OK\r\n\r\n";
    response::parse_head(bytes, &HeadLimits::response(), Asked::Plain, &mut head).unwrap();
    assert!(!head.keep_alive(), "its end is the end of the connection");
}
