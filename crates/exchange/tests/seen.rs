//! Recordings read whole, cut and one byte at a time, as plain values that can be compared.

use exchange::body::{Body, Why};
use exchange::recording::{Reader, Recorded, Tally};

/// One exchange as plain values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) at: String,
    pub(crate) duration_us: u64,
    pub(crate) client: Option<String>,
    pub(crate) trusted: bool,
    pub(crate) user: Option<String>,
    pub(crate) request: String,
    pub(crate) request_fields: Vec<String>,
    pub(crate) request_body: Bytes,
    pub(crate) status: u16,
    pub(crate) response_fields: Vec<String>,
    pub(crate) response_body: Bytes,
}

/// A body as a plain value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Bytes {
    Absent(Why),
    Partial(Vec<u8>),
    Whole(Vec<u8>),
}

impl Bytes {
    fn of(body: Body<'_>) -> Self {
        match body {
            Body::Absent(why) => Self::Absent(why),
            Body::Partial(bytes) => Self::Partial(bytes.to_vec()),
            Body::Whole(bytes) => Self::Whole(bytes.to_vec()),
        }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::Whole(text.as_bytes().to_vec())
    }
}

pub(crate) fn fields(fields: &wire::Fields) -> Vec<String> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    fields.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect()
}

impl Seen {
    pub(crate) fn of(recorded: &Recorded<'_>) -> Self {
        let head = recorded.request;
        let query = String::from_utf8_lossy(head.query.raw()).into_owned();
        let mark = if query.is_empty() { "" } else { "?" };
        let user = recorded.peer.user.as_deref();
        Self {
            at: recorded.at.to_string(),
            duration_us: recorded.duration_us,
            client: recorded.peer.address.map(|address| address.to_string()),
            trusted: recorded.peer.trusted,
            user: user.map(|user| String::from_utf8_lossy(user).into_owned()),
            request: format!(
                "{} {:?} {} {}{mark}{query}",
                head.method, head.scheme, head.host, head.path
            ),
            request_fields: fields(head.fields),
            request_body: Bytes::of(recorded.request_body),
            status: recorded.response.map_or(0, |response| response.status),
            response_fields: recorded.response.map_or(Vec::new(), |head| fields(head.fields)),
            response_body: Bytes::of(recorded.response_body),
        }
    }
}

/// Reads the chunks as one recording.
pub(crate) fn read_chunks(name: &str, chunks: &[&[u8]]) -> (Vec<Seen>, Tally) {
    let mut reader = Reader::new(name);
    let mut seen = Vec::new();
    let mut each = |recorded: Recorded<'_>| seen.push(Seen::of(&recorded));
    for chunk in chunks {
        reader.push(chunk, &mut each);
    }
    reader.finish(&mut each);
    let tally = reader.tally().clone();
    assert_eq!(tally.exchanges, seen.len() as u64);
    assert_eq!(tally.skipped, tally.reasons.values().sum::<u64>());
    (seen, tally)
}

/// Reads a recording in one piece.
pub(crate) fn read(name: &str, bytes: &[u8]) -> (Vec<Seen>, Tally) {
    read_chunks(name, &[bytes])
}

/// Reads a recording whole, in two pieces with every cut (of a long one, with 150 of them), and
/// byte by byte; all must agree.
pub(crate) fn read_every_way(name: &str, bytes: &[u8]) -> (Vec<Seen>, Tally) {
    let whole = read(name, bytes);
    for cut in (0..=bytes.len()).step_by(bytes.len() / 150 + 1) {
        let (front, back) = bytes.split_at(cut);
        assert_eq!(read_chunks(name, &[front, back]), whole, "cut at {cut}");
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read_chunks(name, &single), whole, "byte by byte");
    whole
}
