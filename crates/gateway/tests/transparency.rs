//! In `observe` neither application can tell that there is a gateway: whatever is sent arrives.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::{Fixture, Message, Upstream, Wire, settings};

const CASES: u32 = 400;

/// How a body is framed.
#[derive(Clone, Debug)]
enum Framed {
    Absent,
    Chunks(Vec<Vec<u8>>),
    Length(Vec<u8>),
    UntilClose(Vec<u8>),
}

impl Framed {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Absent => Vec::new(),
            Self::Chunks(chunks) => chunks.concat(),
            Self::Length(bytes) | Self::UntilClose(bytes) => bytes.clone(),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Absent | Self::UntilClose(_) => {}
            Self::Chunks(_) => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
            Self::Length(bytes) => {
                out.extend_from_slice(format!("content-LENGTH: {}\r\n", bytes.len()).as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
        let Self::Chunks(chunks) = self else { return out.extend(self.bytes()) };
        for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
            out.extend_from_slice(format!("{:X};x=\"y\"\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
    }
}

#[derive(Clone, Debug)]
struct Case {
    method: &'static str,
    target: Vec<u8>,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Framed,
    status: u16,
    reason: Vec<u8>,
    answer_fields: Vec<(Vec<u8>, Vec<u8>)>,
    answer: Framed,
    /// Where the request is cut on its way.
    cuts: Vec<prop::sample::Index>,
}

impl Case {
    fn request(&self) -> Vec<u8> {
        let mut out = [self.method.as_bytes(), b" ", &self.target, b" HTTP/1.1\r\n"].concat();
        write_fields(&self.fields, &mut out);
        self.body.write(&mut out);
        out
    }

    fn response(&self) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {} ", self.status).into_bytes();
        out.extend_from_slice(&self.reason);
        out.extend_from_slice(b"\r\n");
        write_fields(&self.answer_fields, &mut out);
        self.answer.write(&mut out);
        out
    }
}

fn write_fields(fields: &[(Vec<u8>, Vec<u8>)], out: &mut Vec<u8>) {
    for (index, (name, value)) in fields.iter().enumerate() {
        // white space around a value is no part of it
        let (before, after): (&[u8], &[u8]) =
            [(b" ".as_slice(), b"".as_slice()), (b"", b""), (b"\t  ", b" ")][index % 3];
        out.extend([name, b":".as_slice(), before, value, after, b"\r\n"].concat());
    }
}

fn targets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-zA-Z0-9._~-]{1,12}".prop_map(String::into_bytes),
        1 => "(%[0-9a-fA-F]{2}){1,3}".prop_map(String::into_bytes),
        1 => prop::sample::select(vec![
            "..", ".", "//", "%2e%2e", "%2F", "\\", ";x=1", "%zz", "%", "|", "\"", "<>", "{id}",
            "^", "`", "[", "%00", "%25%32", "@", ":", "'", "!$&()*+,=",
        ])
        .prop_map(|odd| odd.as_bytes().to_vec()),
        1 => vec(0x80..=0xff_u8, 1..4),
    ];
    let query = prop::option::of(vec(
        prop_oneof![
            "[a-z]{0,5}=[a-zA-Z0-9%+]{0,8}".prop_map(String::into_bytes),
            vec(0x21..=0x7e_u8, 0..12),
        ],
        0..5,
    ));
    (vec(piece, 0..6), query).prop_map(|(pieces, query)| {
        let mut target = b"/".to_vec();
        target.extend(pieces.join(&b'/'));
        if let Some(query) = query {
            target.push(b'?');
            target.extend(query.join(&b'&'));
        }
        target
    })
}

fn fields() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let name = prop_oneof![
        3 => prop::sample::select(vec![
            "Accept", "aCCept-lANGUAGE", "X-Forwarded-For", "x_under_score", "Cookie", "Via",
            "Content-Type", "Authorization", "X-Custom", "x-custom", "X-CUSTOM", "Forwarded",
            "X-Original-URL", "Date", "Server", "ETag", "Set-Cookie", "X-Real-IP", "Cache-Control",
        ])
        .prop_map(|name| name.as_bytes().to_vec()),
        1 => "[a-zA-Z][a-zA-Z0-9!#$%&'*+.^`|~-]{0,20}"
            .prop_filter("belongs to the connection", |name| {
                !["te", "host", "expect", "upgrade", "trailer", "connection", "keep-alive"]
                    .contains(&name.to_ascii_lowercase().as_str())
            })
            .prop_map(String::into_bytes),
    ];
    let value = prop_oneof![
        3 => "[ -~]{0,40}".prop_map(String::into_bytes),
        1 => vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..30),
    ];
    vec((name, value.prop_map(|value| value.trim_ascii().to_vec())), 0..12)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..200),
        1 => vec(any::<u8>(), 5_000..40_000),
        1 => Just(vec![b'z'; 300_000]),
        1 => r#"\{"name":"[a-z]{0,30}","count":[0-9]{1,4}\}"#.prop_map(String::into_bytes),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let body = prop_oneof![
        bytes().prop_map(Framed::Length),
        vec(bytes(), 0..5).prop_map(Framed::Chunks),
        Just(Framed::Absent),
    ];
    let answer = prop_oneof![
        bytes().prop_map(Framed::Length),
        vec(bytes(), 0..5).prop_map(Framed::Chunks),
        bytes().prop_map(Framed::UntilClose),
    ];
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]);
    let status = prop::sample::select(vec![200_u16, 201, 299, 301, 400, 404, 418, 500, 599]);
    let cuts = vec(any::<prop::sample::Index>(), 0..4);
    ((method, targets(), fields(), body, cuts), (status, "[ -~]{0,20}", fields(), answer)).prop_map(
        |((method, target, mut fields, body, cuts), (status, reason, back, answer))| {
            fields.insert(fields.len() / 2, (b"hOST".to_vec(), b"Api.Example.com:8080".to_vec()));
            let reason = reason.trim_ascii().as_bytes().to_vec();
            Case { method, target, fields, body, status, reason, answer_fields: back, answer, cuts }
        },
    )
}

fn send_in_pieces(client: &mut Wire, bytes: &[u8], cuts: &[prop::sample::Index]) {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    at.sort_unstable();
    let mut start = 0;
    for end in at.into_iter().chain([bytes.len()]) {
        client.send(&bytes[start..end]);
        std::thread::yield_now();
        start = end;
    }
}

fn arrived(sent: &Case, got: &Message) -> Result<(), TestCaseError> {
    prop_assert_eq!(got.target(), sent.target.as_slice());
    prop_assert!(got.start.starts_with(sent.method.as_bytes()));
    prop_assert!(got.start.ends_with(b" HTTP/1.1"));
    prop_assert_eq!(got.end_to_end(), sent.fields.clone());
    prop_assert_eq!(&got.body, &sent.body.bytes());
    prop_assert!(!got.truncated);
    Ok(())
}

fn came_back(sent: &Case, got: &Message) -> Result<(), TestCaseError> {
    let start = [format!("HTTP/1.1 {} ", sent.status).as_bytes(), &sent.reason].concat();
    prop_assert_eq!(&got.start, &start);
    prop_assert_eq!(got.end_to_end(), sent.answer_fields.clone());
    prop_assert_eq!(&got.body, &sent.answer.bytes());
    prop_assert!(!got.truncated);
    Ok(())
}

#[test]
fn what_is_sent_arrives_in_both_directions() {
    let answer: Arc<Mutex<Option<Case>>> = Arc::default();
    let script = Arc::clone(&answer);
    let upstream = Upstream::start(move |_, wire| {
        let case = script.lock().unwrap().clone().unwrap();
        wire.send(&case.response());
        !matches!(case.answer, Framed::UntilClose(_))
    });
    let mut fixture = Fixture::new(&settings("observe", upstream.address, ""));
    let (address, idle, ran) = (fixture.address(), RefCell::new(None), Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: CASES, ..Config::default() });
    let result = runner.run(&cases(), |case| {
        *answer.lock().unwrap() = Some(case.clone());
        let before = upstream.requests().len();
        let mut client = idle.take().unwrap_or_else(|| Wire::connect(address));
        send_in_pieces(&mut client, &case.request(), &case.cuts);
        let got = client.response();
        let requests = upstream.requests();
        prop_assert_eq!(requests.len(), before + 1, "answered with {:?}", got);
        arrived(&case, &requests[before])?;
        came_back(&case, &got)?;
        ran.set(ran.get() + 1);
        idle.replace(Some(client));
        Ok(())
    });
    result.unwrap();
    assert_eq!(ran.get(), CASES);
    assert_eq!(fixture.observations(CASES as usize).len(), CASES as usize);
}
