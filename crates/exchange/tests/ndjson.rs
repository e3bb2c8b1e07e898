//! Our own form: what is written reads as it was.

use std::net::IpAddr;

use exchange::body::{Body, Why};
use exchange::endpoint::Method;
use exchange::message::{RequestHead, ResponseHead, Scheme};
use exchange::moment::Moment;
use exchange::peer::Peer;
use exchange::recording::{Reader, Recorded, ndjson};
use proptest::prelude::*;
use wire::{CanonicalPath, Fields, PathOddities, Query};

use crate::seen::read_every_way;

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Absent(Why),
    Partial(Vec<u8>),
    Whole(Vec<u8>),
}

impl Content {
    fn body(&self) -> Body<'_> {
        match self {
            Self::Absent(why) => Body::Absent(*why),
            Self::Partial(bytes) => Body::Partial(bytes),
            Self::Whole(bytes) => Body::Whole(bytes),
        }
    }

    fn of(body: Body<'_>) -> Self {
        match body {
            Body::Absent(why) => Self::Absent(why),
            Body::Partial(bytes) => Self::Partial(bytes.to_vec()),
            Body::Whole(bytes) => Self::Whole(bytes.to_vec()),
        }
    }
}

/// Everything that is in an exchange, owned.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    at: i64,
    duration_us: u64,
    peer: Peer,
    method: Method,
    scheme: Scheme,
    host: String,
    path: CanonicalPath,
    oddities: PathOddities,
    query: Vec<u8>,
    request: Fields,
    request_body: Content,
    response: Option<(u16, Fields)>,
    response_body: Content,
}

impl Kept {
    fn of(recorded: &Recorded<'_>) -> Self {
        let head = recorded.request;
        Self {
            at: recorded.at.micros(),
            duration_us: recorded.duration_us,
            peer: recorded.peer.clone(),
            method: head.method,
            scheme: head.scheme,
            host: head.host.to_owned(),
            path: head.path.clone(),
            oddities: head.path_oddities,
            query: head.query.raw().to_vec(),
            request: head.fields.clone(),
            request_body: Content::of(recorded.request_body),
            response: recorded.response.map(|head| (head.status, head.fields.clone())),
            response_body: Content::of(recorded.response_body),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let request = RequestHead {
            method: self.method,
            scheme: self.scheme,
            host: &self.host,
            path: &self.path,
            path_oddities: self.oddities,
            query: Query::new(&self.query),
            fields: &self.request,
        };
        let response =
            self.response.as_ref().map(|(status, fields)| ResponseHead { status: *status, fields });
        let recorded = Recorded {
            at: Moment::from_micros(self.at),
            duration_us: self.duration_us,
            peer: self.peer.clone(),
            request,
            request_body: self.request_body.body(),
            response,
            response_body: self.response_body.body(),
        };
        ndjson::write(&recorded, out);
    }
}

fn content() -> impl Strategy<Value = Content> {
    let whys = [
        Why::Encoded,
        Why::Empty,
        Why::Malformed,
        Why::NotInspected,
        Why::NotRecorded,
        Why::OverLimit,
    ];
    prop_oneof![
        proptest::sample::select(whys.to_vec()).prop_map(Content::Absent),
        any::<Vec<u8>>().prop_map(Content::Whole),
        any::<String>().prop_map(|text| Content::Whole(text.into_bytes())),
        any::<Vec<u8>>().prop_map(Content::Partial),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let pair = ("[A-Za-z][A-Za-z0-9-]{0,12}", proptest::collection::vec(any::<u8>(), 0..20));
    proptest::collection::vec(pair, 0..6).prop_map(|pairs| {
        let mut fields = Fields::new();
        for (name, value) in &pairs {
            fields.push(name.as_bytes(), value);
        }
        fields
    })
}

fn kept() -> impl Strategy<Value = Kept> {
    let methods = [Method::Get, Method::Post, Method::Delete, Method::Other];
    let schemes = [Scheme::Http, Scheme::Https, Scheme::Unknown];
    let head = (
        proptest::sample::select(methods.to_vec()),
        proptest::sample::select(schemes.to_vec()),
        "([a-z][a-z0-9.-]{0,20}[a-z]|\\[2001:db8::1\\])?",
        "/([a-zA-Z0-9._~%;:@!$&'()*+,=\\\\/é -]{0,30})",
        proptest::collection::vec(
            any::<u8>().prop_filter("a fragment", |byte| *byte != b'#'),
            0..20,
        ),
        fields(),
    );
    let user = proptest::option::of(any::<Vec<u8>>());
    let peer = (proptest::option::of(any::<IpAddr>()), any::<bool>(), user);
    let response = proptest::option::of((100_u16..1000, fields()));
    let rest = (any::<i32>(), 0..1_u64 << 50, peer, content(), response, content());
    (head, rest).prop_map(|((method, scheme, host, path, query, request), rest)| {
        let (at, duration_us, (address, trusted, user), request_body, response, response_body) =
            rest;
        let (path, oddities) = CanonicalPath::read(path.as_bytes());
        Kept {
            at: i64::from(at) * 1_234_567,
            duration_us,
            peer: Peer { address, trusted, user: user.map(Into::into), certificate: None },
            method,
            scheme,
            host,
            path,
            oddities,
            query,
            request,
            request_body,
            response_body: if response.is_some() {
                response_body
            } else {
                Content::Absent(Why::NotRecorded)
            },
            response,
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(exchanges in proptest::collection::vec(kept(), 1..4)) {
        let mut text = Vec::new();
        exchanges.iter().for_each(|kept| kept.write(&mut text));
        prop_assert!(std::str::from_utf8(&text).is_ok());
        let mut read = Vec::new();
        let mut reader = Reader::new("recording.ndjson");
        reader.push(&text, &mut |recorded| read.push(Kept::of(&recorded)));
        reader.finish(&mut |recorded| read.push(Kept::of(&recorded)));
        prop_assert_eq!(reader.tally().skipped, 0, "{:?}", reader.tally());
        prop_assert_eq!(read, exchanges);
    }
}

const LINE: &str = r#"{"at":"2026-01-15T09:00:00.000001Z","duration_us":1500,"client":"192.0.2.7","request":{"method":"GET","url":"https://shop.example/v1/orders?page=2","fields":[["Accept","*/*"]],"body":{"absent":"empty"}},"response":{"status":200,"fields":[["Content-Type","application/json"]],"body":{"text":"{}"}}}"#;

#[test]
fn a_line_is_written_as_documented() {
    let mut written = Vec::new();
    let mut reader = Reader::new("-");
    reader.push(LINE.as_bytes(), &mut |_| unreachable!("no line end has come"));
    reader.finish(&mut |recorded| ndjson::write(&recorded, &mut written));
    assert_eq!(String::from_utf8(written).unwrap(), format!("{LINE}\n"));
}

#[test]
fn broken_lines_cost_no_other() {
    let cases = [
        LINE.replace("\"GET\"", "\"G T\""),
        LINE.replace("\"url\"", "\"uri\""),
        LINE.replace("2026-01-15T", "today "),
        LINE.replace("[[\"Accept\",\"*/*\"]]", "[[\"Accept\"]]"),
        LINE.replace("[[\"Accept\",\"*/*\"]]", "[\"Accept\"]"),
        LINE.replace("[\"Accept\",", "[{\"base64\":\"*\"},"),
        LINE.strip_suffix('}').unwrap().to_owned(),
        "text".to_owned(),
    ];
    for broken in &cases {
        let text = format!("{LINE}\n{broken}\n{LINE}\n");
        let (seen, tally) = read_every_way("recording.ndjson", text.as_bytes());
        assert_eq!((seen.len(), tally.reasons["broken line"]), (2, 1), "{broken}");
        assert_eq!(tally.places[0].number, 2);
    }
    assert_eq!(cases.len(), 8);
}
