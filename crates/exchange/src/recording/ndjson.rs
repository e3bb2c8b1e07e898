//! Our own recording: one exchange per line, lossless in everything that is decided on.
//!
//! ```json
//! {"at":"2026-01-15T09:00:00.000000Z","duration_us":1500,"client":"192.0.2.7",
//!  "request":{"method":"GET","url":"https://shop.example/v1/orders?page=2",
//!   "fields":[["Accept","*/*"]],"body":{"absent":"empty"}},
//!  "response":{"status":200,"fields":[["Content-Type","application/json"]],"body":{"text":"{}"}}}
//! ```
//!
//! Bytes that are not UTF-8 are written as `{"base64":"…"}` where a string would stand. A client
//! that the recorder trusted to name another is `"trusted":true`. What was doubtful about the path
//! as it was sent is listed under `path_oddities`, because `url` holds the canonical path.

use std::io::Write;

use wire::{Fields, PathOddities, PathOddity};

use super::heads::{Heads, is_token};
use super::lines::Lines;
use super::pull::{Broken, Pull, Stop, Text};
use super::tally::Skip;
use super::{Feed, Recorded, base64};
use crate::body::{Body, Why};
use crate::endpoint::Method;
use crate::message::Scheme;
use crate::moment::Moment;
use crate::peer::Peer;

/// Decodes our own recordings.
#[derive(Debug, Default)]
pub(super) struct Ndjson {
    lines: Lines,
    reader: LineReader,
}

impl Ndjson {
    /// Reads as far as the bytes reach; returns how many are done with.
    pub(super) fn decode(&mut self, bytes: &[u8], feed: &mut Feed<'_>) -> usize {
        let reader = &mut self.reader;
        self.lines.each(bytes, feed, |line, at, feed| {
            let what = match reader.read(line, feed) {
                Ok(Ok(())) => return,
                Ok(Err(skip)) => return feed.tally.skip(skip),
                Err(Stop::Broken(what)) => what,
                Err(Stop::More) => {
                    Broken { at: line.len(), found: "the end", expected: "more of the object" }
                }
            };
            feed.tally.broken(Skip::BrokenLine, at, what);
        })
    }
}

/// A body as it is written.
#[derive(Clone, Copy, Debug, Default)]
struct Written<'a> {
    text: Option<Text<'a>>,
    base64: bool,
    partial: bool,
    absent: Option<Why>,
}

impl<'a> Written<'a> {
    fn body<'s>(self, scratch: &mut Vec<u8>, out: &'s mut Vec<u8>) -> Body<'s>
    where
        'a: 's,
    {
        let Some(text) = self.text else {
            return Body::Absent(self.absent.unwrap_or(Why::NotRecorded));
        };
        let bytes = if self.base64 {
            out.clear();
            if base64::decode(text.read(scratch), out).is_none() {
                return Body::Absent(Why::NotRecorded);
            }
            out
        } else {
            text.read(out)
        };
        if self.partial { Body::Partial(bytes) } else { Body::Whole(bytes) }
    }
}

#[derive(Debug, Default)]
struct LineReader {
    heads: Heads,
    request_body: Vec<u8>,
    response_body: Vec<u8>,
    url: Vec<u8>,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// The members of a line that are not written straight into the heads.
#[derive(Default)]
struct Draft<'a> {
    at: Moment,
    duration: f64,
    client: Option<Text<'a>>,
    trusted: bool,
    user: Option<Box<[u8]>>,
    has_response: bool,
    method: Text<'a>,
    request_body: Written<'a>,
    response_body: Written<'a>,
}

impl LineReader {
    fn read(&mut self, line: &[u8], feed: &mut Feed<'_>) -> Result<Result<(), Skip>, Stop> {
        self.heads.clear();
        self.url.clear();
        let mut draft = Draft::default();
        let mut oddities: Option<PathOddities> = None;
        let mut pull = Pull::new(line);
        pull.expect(b'{', "an object")?;
        while let Some(name) = pull.member()? {
            match name.raw() {
                b"at" => draft.at = self.moment(&mut pull)?,
                b"duration_us" => draft.duration = pull.number()?.unwrap_or_default(),
                b"client" => draft.client = pull.text_or_skip()?,
                b"trusted" => draft.trusted = pull.peek()? == b't' && pull.skip().is_ok(),
                b"user" => {
                    bytes(&mut pull, &mut self.value, &mut self.name)?;
                    draft.user = Some(self.name.as_slice().into());
                }
                b"path_oddities" => oddities = Some(path_oddities(&mut pull)?),
                b"request" => self.request(&mut pull, &mut draft)?,
                b"response" => {
                    draft.has_response = pull.peek()? == b'{';
                    self.response(&mut pull, &mut draft)?;
                }
                _ => pull.skip()?,
            }
        }
        let method = draft.method.read(&mut self.name);
        if !is_token(method) || self.url.is_empty() {
            let found = "an exchange without a method or URL";
            let expected = "`request` with `method` and `url`";
            return Err(Stop::Broken(Broken { at: 0, found, expected }));
        }
        self.heads.method = Method::parse(method);
        if let Err(skip) = url(&self.url, &mut self.heads) {
            return Ok(Err(skip));
        }
        // an empty list is not written, so where one stands it says no more than its absence
        if let Some(listed) = oddities.filter(|listed| !listed.is_empty()) {
            self.heads.path_oddities = listed;
        }
        let client = draft.client.map(|text| text.read(&mut self.name));
        let address = client.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        feed.exchange(Recorded {
            at: draft.at,
            duration_us: draft.duration as u64,
            peer: Peer { address, trusted: draft.trusted, user: draft.user, certificate: None },
            request: self.heads.request_head(),
            request_body: draft.request_body.body(&mut self.value, &mut self.request_body),
            response: draft.has_response.then(|| self.heads.response_head()),
            response_body: draft.response_body.body(&mut self.value, &mut self.response_body),
        });
        Ok(Ok(()))
    }

    fn moment(&mut self, pull: &mut Pull<'_>) -> Result<Moment, Stop> {
        if pull.peek()? == b'"' {
            let text = pull.text()?;
            return Moment::parse_rfc3339(text.raw()).ok_or(pull.broken("a date as in RFC 3339"));
        }
        Ok(Moment::from_micros(pull.number()?.unwrap_or_default() as i64))
    }

    fn request<'a>(&mut self, pull: &mut Pull<'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
        if !pull.enter(b'{')? {
            return Ok(());
        }
        while let Some(name) = pull.member()? {
            match name.raw() {
                b"method" => draft.method = pull.text_or_skip()?.unwrap_or_default(),
                b"url" => bytes(pull, &mut self.value, &mut self.url)?,
                b"fields" => {
                    fields(pull, &mut self.heads.request, &mut self.name, &mut self.value)?;
                }
                b"body" => draft.request_body = body(pull)?,
                _ => pull.skip()?,
            }
        }
        Ok(())
    }

    fn response<'a>(&mut self, pull: &mut Pull<'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
        if !pull.enter(b'{')? {
            return Ok(());
        }
        while let Some(name) = pull.member()? {
            match name.raw() {
                b"status" => self.heads.status = pull.number()?.unwrap_or_default() as u16,
                b"fields" => {
                    fields(pull, &mut self.heads.response, &mut self.name, &mut self.value)?;
                }
                b"body" => draft.response_body = body(pull)?,
                _ => pull.skip()?,
            }
        }
        Ok(())
    }
}

/// Reads what [`write()`] makes of scheme, host, path and query, each of which may be missing.
fn url(url: &[u8], heads: &mut Heads) -> Result<(), Skip> {
    if let Some(rest) = url.strip_prefix(b"//") {
        let (host, origin) = rest.split_at(memchr::memchr(b'/', rest).unwrap_or(rest.len()));
        heads.authority(host);
        return heads.target(if origin.is_empty() { b"/" } else { origin });
    }
    for (prefix, scheme) in [(&b"https://"[..], Scheme::Https), (b"http://", Scheme::Http)] {
        if let Some(origin) = url.strip_prefix(prefix).filter(|rest| rest.starts_with(b"/")) {
            heads.scheme = scheme;
            return heads.target(origin);
        }
    }
    heads.target(url)
}

/// Reads a string, or bytes in base 64, into `out`.
fn bytes(pull: &mut Pull<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), Stop> {
    out.clear();
    if pull.peek()? != b'{' {
        let text = pull.text()?;
        out.extend_from_slice(text.read(scratch));
        return Ok(());
    }
    pull.enter(b'{')?;
    while let Some(name) = pull.member()? {
        match name.raw() {
            b"base64" => {
                let text = pull.text()?;
                base64::decode(text.raw(), out).ok_or(pull.broken("base 64"))?;
            }
            _ => pull.skip()?,
        }
    }
    Ok(())
}

fn fields(
    pull: &mut Pull<'_>,
    into: &mut Fields,
    name: &mut Vec<u8>,
    value: &mut Vec<u8>,
) -> Result<(), Stop> {
    let mut scratch = Vec::new();
    if !pull.enter(b'[')? {
        return Ok(());
    }
    while pull.element()? {
        pull.expect(b'[', "a name and a value in brackets")?;
        bytes(pull, &mut scratch, name)?;
        pull.expect(b',', "a comma")?;
        bytes(pull, &mut scratch, value)?;
        pull.expect(b']', "the end of the field")?;
        into.push(name, value);
    }
    Ok(())
}

fn body<'a>(pull: &mut Pull<'a>) -> Result<Written<'a>, Stop> {
    let mut written = Written::default();
    if !pull.enter(b'{')? {
        return Ok(written);
    }
    while let Some(name) = pull.member()? {
        match name.raw() {
            b"text" => written.text = pull.text_or_skip()?,
            b"base64" => {
                written.text = pull.text_or_skip()?;
                written.base64 = true;
            }
            b"absent" => {
                let word = pull.text_or_skip()?.unwrap_or_default();
                let known = WHYS.iter().find(|(_, name)| name.as_bytes() == word.raw());
                written.absent = known.map(|(why, _)| *why);
            }
            b"partial" => written.partial = pull.peek()? == b't' && pull.skip().is_ok(),
            _ => pull.skip()?,
        }
    }
    Ok(written)
}

fn path_oddities(pull: &mut Pull<'_>) -> Result<PathOddities, Stop> {
    let mut found = Vec::new();
    if pull.enter(b'[')? {
        while pull.element()? {
            let code = pull.text()?;
            let known =
                PathOddity::ALL.iter().find(|oddity| oddity.code().as_bytes() == code.raw());
            found.extend(known.copied());
        }
    }
    Ok(found.into_iter().collect())
}

const WHYS: [(Why, &str); 6] = [
    (Why::Encoded, "encoded"),
    (Why::Empty, "empty"),
    (Why::Malformed, "malformed"),
    (Why::NotInspected, "not_inspected"),
    (Why::NotRecorded, "not_recorded"),
    (Why::OverLimit, "over_limit"),
];

/// Appends one exchange and a line end.
pub fn write(recorded: &Recorded<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"at\":");
    write_moment(recorded.at, out);
    put(out, format_args!(",\"duration_us\":{}", recorded.duration_us));
    if let Some(address) = recorded.peer.address {
        put(out, format_args!(",\"client\":\"{address}\""));
    }
    if recorded.peer.trusted {
        out.extend_from_slice(b",\"trusted\":true");
    }
    if let Some(user) = &recorded.peer.user {
        out.extend_from_slice(b",\"user\":");
        write_bytes(user, out);
    }
    write_request(recorded, out);
    if let Some(response) = recorded.response {
        put(out, format_args!(",\"response\":{{\"status\":{},\"fields\":", response.status));
        write_fields(response.fields, out);
        write_body(recorded.response_body, out);
        out.push(b'}');
    }
    out.extend_from_slice(b"}\n");
}

fn write_request(recorded: &Recorded<'_>, out: &mut Vec<u8>) {
    let request = recorded.request;
    if !request.path_oddities.is_empty() {
        out.extend_from_slice(b",\"path_oddities\":[");
        for (number, oddity) in request.path_oddities.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            put(out, format_args!("{comma}\"{}\"", oddity.code()));
        }
        out.push(b']');
    }
    put(out, format_args!(",\"request\":{{\"method\":\"{}\",\"url\":", request.method));
    let mut url = Vec::with_capacity(request.path.as_str().len() + 64);
    url.extend_from_slice(match request.scheme {
        Scheme::Https => b"https://",
        Scheme::Http => b"http://",
        Scheme::Unknown if request.host.is_empty() => b"",
        Scheme::Unknown => b"//",
    });
    url.extend_from_slice(request.host.as_bytes());
    url.extend_from_slice(request.path.as_str().as_bytes());
    if !request.query.raw().is_empty() {
        url.push(b'?');
        url.extend_from_slice(request.query.raw());
    }
    write_bytes(&url, out);
    out.extend_from_slice(b",\"fields\":");
    write_fields(request.fields, out);
    write_body(recorded.request_body, out);
    out.push(b'}');
}

fn write_fields(fields: &Fields, out: &mut Vec<u8>) {
    out.push(b'[');
    for (number, (name, value)) in fields.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        out.push(b'[');
        write_bytes(name, out);
        out.push(b',');
        write_bytes(value, out);
        out.push(b']');
    }
    out.push(b']');
}

fn write_body(body: Body<'_>, out: &mut Vec<u8>) {
    let (bytes, partial) = match body {
        Body::Absent(why) => {
            let word = WHYS.iter().find(|(known, _)| *known == why).map_or("", |(_, word)| word);
            return put(out, format_args!(",\"body\":{{\"absent\":\"{word}\"}}"));
        }
        Body::Partial(bytes) => (bytes, true),
        Body::Whole(bytes) => (bytes, false),
    };
    out.extend_from_slice(b",\"body\":{");
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            out.extend_from_slice(b"\"text\":");
            write_text(text, out);
        }
        Err(_) => {
            out.extend_from_slice(b"\"base64\":\"");
            base64::encode(bytes, out);
            out.push(b'"');
        }
    }
    if partial {
        out.extend_from_slice(b",\"partial\":true");
    }
    out.push(b'}');
}

/// A string, or an object with base 64 for what is not UTF-8.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => write_text(text, out),
        Err(_) => {
            out.extend_from_slice(b"{\"base64\":\"");
            base64::encode(bytes, out);
            out.extend_from_slice(b"\"}");
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..=0x1f => put(out, format_args!("\\u{byte:04x}")),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// Microseconds, which [`Moment`]'s own display leaves out; a number outside of four-digit years.
fn write_moment(at: Moment, out: &mut Vec<u8>) {
    const YEAR_0: i64 = -62_167_219_200_000_000;
    const YEAR_10000: i64 = 253_402_300_800_000_000;
    if !(YEAR_0..YEAR_10000).contains(&at.micros()) {
        return put(out, format_args!("{}", at.micros()));
    }
    put(out, format_args!("\"{at}"));
    out.pop();
    put(out, format_args!("{:03}Z\"", at.micros().rem_euclid(1_000)));
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing into a vector does not fail");
}
