//! Traffic files that are made to do harm: sizes, depths, lies, and bytes of other kinds of files.

use exchange::limits;
use exchange::recording::{Reader, Recorded, detect::Form};
use proptest::prelude::*;

use crate::seen::{Bytes, read, read_chunks};

const GOOD: &str = r#"{"startedDateTime":"2026-01-15T09:00:00Z","request":{"method":"GET","url":"http://a.example/x","headers":[]},"response":{"status":200,"headers":[],"content":{"text":"{}"}}}"#;

/// Feeds parts one after the other without keeping them together, as a file of any size is read.
fn feed(name: &str, parts: impl Iterator<Item = Vec<u8>>) -> (u64, Reader) {
    let mut reader = Reader::new(name);
    let mut count = 0;
    for part in parts {
        reader.push(&part, &mut |_: Recorded<'_>| count += 1);
        assert!(reader.space().len() <= limits::RECORDING_ENTRY_BYTES_MAX + (4 << 20));
    }
    reader.finish(&mut |_: Recorded<'_>| count += 1);
    (count, reader)
}

#[test]
fn an_entry_above_the_limit_is_skipped_and_the_next_is_read() {
    let chunk = vec![b'x'; 1 << 20];
    let chunks = limits::RECORDING_ENTRY_BYTES_MAX / chunk.len() + 2;
    let head = r#"{"log":{"entries":[{"request":{"method":"GET","url":"http://a.example/"},"response":{"status":200,"content":{"text":""#;
    let tail = format!("\"}}}}}},{GOOD}]}}}}");
    let parts = std::iter::once(head.as_bytes().to_vec())
        .chain(std::iter::repeat_n(chunk, chunks))
        .chain(std::iter::once(tail.into_bytes()));
    let (count, reader) = feed("a.har", parts);
    assert_eq!(count, 1);
    assert_eq!(reader.tally().reasons["too large"], 1);
}

#[test]
fn a_line_above_the_limit_is_skipped_and_the_next_is_read() {
    let chunk = vec![b'x'; 1 << 20];
    let chunks = limits::RECORDING_LINE_BYTES_MAX / chunk.len() + 2;
    let good = b"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.1\" 200 1\n";
    let parts = std::iter::once(good.to_vec())
        .chain(std::iter::repeat_n(chunk, chunks))
        .chain(std::iter::once([b"\n".as_slice(), good].concat()));
    let (count, reader) = feed("access.log", parts);
    assert_eq!(count, 2);
    assert_eq!(reader.tally().reasons["too large"], 1);
    assert_eq!(reader.tally().places[0].number, 2);
}

#[test]
fn members_of_any_size_beside_the_entries_cost_no_memory() {
    let pages = vec![b"{\"title\":\"]}\"},".repeat(10_000); 60];
    let parts = std::iter::once(b"{\"log\":{\"pages\":[".to_vec())
        .chain(pages)
        .chain(std::iter::once(format!("{{}}],\"entries\":[{GOOD}]}}}}").into_bytes()));
    assert_eq!(feed("a.har", parts).0, 1);
}

#[test]
fn long_urls_deep_nesting_and_wrong_sizes() {
    let url = format!("http://a.example/{}", "x".repeat(10 << 20));
    let long = GOOD.replace("http://a.example/x", &url);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let nested = GOOD.replacen('{', &format!("{{\"cache\":{deep},"), 1);
    let sizes = GOOD.replace("\"text\"", "\"size\":1e999,\"text\"");
    let negative = GOOD.replace("\"text\"", "\"size\":-9e99,\"text\"");
    let status = GOOD.replace("200", "2e999");
    let text = format!("[{long},{nested},{sizes},{negative},{status},{GOOD}]");
    let (seen, tally) = read("a.har", text.as_bytes());
    assert_eq!(seen.len(), 5);
    assert_eq!(tally.reasons.into_iter().collect::<Vec<_>>(), [("no response", 1)]);
    assert!(seen.iter().all(|seen| seen.response_body == Bytes::text("{}")));
}

#[test]
fn a_deep_entry_that_never_closes() {
    let text = format!("[{GOOD},{{\"a\":{}", "[{\"b\":".repeat(200_000));
    let (seen, tally) = read("a.har", text.as_bytes());
    assert_eq!((seen.len(), tally.reasons["broken entry"]), (1, 1));
}

#[test]
fn other_kinds_of_files_are_named_so() {
    let cases: &[(&[u8], Option<Form>)] = &[
        (
            b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0",
            Some(Form::Unknown),
        ),
        (
            b"\x0a\x0d\x0d\x0a\xff\xff\xff\xff\x4d\x3c\x2b\x1a\x01\0\0\0\0\0\0\0",
            Some(Form::Unknown),
        ),
        (b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0", Some(Form::Unknown)),
        (b"SQLite format 3\0\x10\0\x01\x01\0\x40\x20\x20", Some(Form::Unknown)),
        (b"{\n  \"openapi\": \"3.1.0\",\n  \"paths\": {}\n}\n", Some(Form::Unknown)),
        (
            b"{\n  \"info\": {},\n  \"item\": [\n{ \"name\": \"x\" },\n{ \"name\": \"y\" }\n]\n}",
            Some(Form::Unknown),
        ),
        (b"openapi: 3.1.0\ninfo: {}\n", Some(Form::AccessLog)),
        (b"", Some(Form::AccessLog)),
        (b"{", Some(Form::Har)),
        (b"[]", Some(Form::Har)),
        (b"{\"log\":{}}", Some(Form::JsonLog)),
        (b"{\"log\":{\"version\":\"1.2\",\"entries\":[]}}", Some(Form::Har)),
        (b"{\"log\":{\"file\":\"a\"},\"status\":200}\n", Some(Form::JsonLog)),
    ];
    for (bytes, form) in cases {
        let mut reader = Reader::new("file");
        reader.push(bytes, &mut |_: Recorded<'_>| unreachable!("nothing is recorded"));
        reader.finish(&mut |_: Recorded<'_>| unreachable!("nothing is recorded"));
        assert_eq!(reader.form(), *form, "{}", String::from_utf8_lossy(bytes));
        let unknown = *form == Some(Form::Unknown);
        assert_eq!(reader.tally().reasons.contains_key("unknown form"), unknown);
    }
    assert_eq!(cases.len(), 13);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_break_a_reader(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..300),
        start in proptest::sample::select(vec!["", "{\"log\":{\"entries\":[{", "{\"at\":1,\"request\":{}}\n{",
            "{\"method\":\"GET\"}\n{", "GET \"", "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] \"GET"]),
        size in 1_usize..50,
    ) {
        bytes.splice(0..0, start.bytes());
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(read_chunks("x", &chunks), read("x", &bytes));
    }

    #[test]
    fn no_changed_byte_breaks_a_document(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        size in 1_usize..200,
    ) {
        let mut text = format!(r#"{{"log":{{"pages":[],"entries":[{GOOD},{GOOD},{GOOD}]}}}}"#).into_bytes();
        let place = at.index(text.len());
        text[place] = byte;
        let chunks: Vec<&[u8]> = text.chunks(size).collect();
        let whole = read("a.har", &text);
        prop_assert!(whole.0.len() + whole.1.places.len() + whole.1.skipped as usize >= 1);
        prop_assert_eq!(read_chunks("a.har", &chunks), whole);
    }
}
