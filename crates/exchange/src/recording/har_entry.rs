//! One entry of a HAR file to one exchange; also recordings with one such entry a line.

use super::heads::{Heads, is_token};
use super::lines::Lines;
use super::pull::{Broken, Pull, Stop, Text};
use super::tally::Skip;
use super::{Feed, Recorded, base64};
use crate::body::{Body, Why};
use crate::endpoint::Method;
use crate::moment::Moment;
use crate::peer::Peer;

/// Capacity that a body's buffer keeps from one entry to the next.
const KEPT_BYTES: usize = 4 << 20;

/// Decodes a recording with one HAR entry a line.
#[derive(Debug, Default)]
pub(super) struct HarLines {
    lines: Lines,
    entry: EntryReader,
}

impl HarLines {
    /// Reads as far as the bytes reach; returns how many are done with.
    pub(super) fn decode(&mut self, bytes: &[u8], feed: &mut Feed<'_>) -> usize {
        let entry = &mut self.entry;
        self.lines.each(bytes, feed, |line, at, feed| {
            let mut pull = Pull::new(line);
            let stop = match pull.expect(b'{', "a HAR entry").and_then(|()| {
                pull = Pull::new(line);
                entry.read(&mut pull)
            }) {
                Ok(draft) => return entry.hand_on(&draft, at, feed),
                Err(stop) => stop,
            };
            let what = match stop {
                Stop::Broken(what) => what,
                Stop::More => {
                    Broken { at: line.len(), found: "the end", expected: "more of the entry" }
                }
            };
            feed.tally.broken(Skip::BrokenEntry, at, what);
        })
    }
}

/// What an entry says of one message, lent from its text.
#[derive(Debug, Default)]
struct Message<'a> {
    fields: Vec<(Text<'a>, Text<'a>)>,
    /// The entry's text from the array of cookies on.
    cookies: Option<Pull<'a>>,
    text: Option<Text<'a>>,
    params: Vec<(Text<'a>, Text<'a>)>,
    media: Option<Text<'a>>,
    base64: bool,
    /// Bytes of the body, the largest of what is said; negative or absent: nothing is said.
    size: Option<f64>,
}

/// What one entry says, lent from its text.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    started: Option<Text<'a>>,
    millis: Option<f64>,
    client: Option<Text<'a>>,
    web_socket: bool,
    method: Option<Text<'a>>,
    url: Option<Text<'a>>,
    request: Message<'a>,
    status: Option<f64>,
    response: Message<'a>,
}

/// Reads entries; keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(super) struct EntryReader {
    heads: Heads,
    request_body: Vec<u8>,
    response_body: Vec<u8>,
    name: Vec<u8>,
    value: Vec<u8>,
    last: Moment,
}

impl EntryReader {
    /// Reads one entry up to behind its closing brace.
    pub(super) fn read<'a>(&self, pull: &mut Pull<'a>) -> Result<Draft<'a>, Stop> {
        let mut draft = Draft::default();
        pull.expect(b'{', "an entry")?;
        while let Some(name) = pull.member()? {
            match name.raw() {
                b"startedDateTime" => draft.started = pull.text_or_skip()?,
                b"time" => draft.millis = pull.number()?,
                b"_clientIPAddress" => draft.client = pull.text_or_skip()?,
                b"request" => request(pull, &mut draft)?,
                b"response" => response(pull, &mut draft)?,
                b"_webSocketMessages" => {
                    draft.web_socket = true;
                    pull.skip()?;
                }
                b"_resourceType" => {
                    let kind = pull.text_or_skip()?.unwrap_or_default();
                    draft.web_socket |= kind.raw() == b"websocket";
                }
                _ => pull.skip()?,
            }
        }
        Ok(draft)
    }

    /// Hands the exchange on, or counts why it is none. `at` is where the entry begins.
    pub(super) fn hand_on(&mut self, draft: &Draft<'_>, at: u64, feed: &mut Feed<'_>) {
        match self.exchange(draft, feed) {
            Ok(()) => {}
            Err(Skip::BrokenEntry) => {
                let found = "an entry without a method or URL";
                let expected = "`request` with `method` and `url`";
                feed.tally.broken(Skip::BrokenEntry, at, Broken { at: 0, found, expected });
            }
            Err(skip) => feed.tally.skip(skip),
        }
        for buffer in [&mut self.request_body, &mut self.response_body, &mut self.value] {
            if buffer.capacity() > KEPT_BYTES {
                *buffer = Vec::new();
            }
        }
    }

    fn exchange(&mut self, draft: &Draft<'_>, feed: &mut Feed<'_>) -> Result<(), Skip> {
        self.first_lines(draft)?;
        let heads = &mut self.heads;
        let request_body = match draft.request.bytes(&mut self.value, &mut self.request_body) {
            Some(bytes) => Body::Whole(bytes),
            // requests without `postData` have no body
            None if draft.request.media.is_none() => {
                Body::Absent(draft.request.why_absent(Why::Empty))
            }
            None => Body::Absent(draft.request.why_absent(Why::NotRecorded)),
        };
        let bodiless = heads.method == Method::Head || matches!(heads.status, 204 | 304);
        let response_body = match draft.response.bytes(&mut self.value, &mut self.response_body) {
            // what a browser shows for a 304 came out of its cache
            _ if bodiless => Body::Absent(Why::Empty),
            Some(bytes) => Body::Whole(bytes),
            None => Body::Absent(draft.response.why_absent(Why::NotRecorded)),
        };
        let mut scratch = (&mut self.name, &mut self.value);
        draft.request.fill(&mut heads.request, "cookie", is_decoded(request_body), &mut scratch);
        let decoded = is_decoded(response_body);
        draft.response.fill(&mut heads.response, "set-cookie", decoded, &mut scratch);
        heads.host_from_fields();
        if let Some(started) = draft.started {
            self.last = Moment::parse_rfc3339(started.read(&mut self.value)).unwrap_or(self.last);
        }
        let client = draft.client.map(|text| text.read(&mut self.value));
        let address = client.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
        let micros = draft.millis.unwrap_or_default() * 1_000.0;
        feed.exchange(Recorded {
            at: self.last,
            duration_us: if micros.is_finite() { micros as u64 } else { 0 },
            peer: Peer { address, trusted: address.is_none(), user: None, certificate: None },
            request: self.heads.request_head(),
            request_body,
            response: Some(self.heads.response_head()),
            response_body,
        });
        Ok(())
    }

    /// Method, target and status, or why this is no exchange.
    fn first_lines(&mut self, draft: &Draft<'_>) -> Result<(), Skip> {
        self.heads.clear();
        let method = draft.method.unwrap_or_default().read(&mut self.name);
        let url = draft.url.unwrap_or_default();
        if !is_token(method) || url.is_empty() {
            return Err(Skip::BrokenEntry);
        }
        self.heads.method = Method::parse(method);
        self.heads.target(url.read(&mut self.value))?;
        let status = draft.status.unwrap_or_default();
        if draft.web_socket || status == 101.0 {
            return Err(Skip::WebSocket);
        }
        if !(100.0..1000.0).contains(&status) {
            return Err(Skip::NoResponse);
        }
        self.heads.status = status as u16;
        Ok(())
    }
}

impl<'a> Message<'a> {
    /// The body's bytes, or `None` when they are not there.
    fn bytes<'s>(&self, scratch: &mut Vec<u8>, out: &'s mut Vec<u8>) -> Option<&'s [u8]>
    where
        'a: 's,
    {
        let Some(text) = self.text.filter(|text| !text.is_empty()) else {
            return self.form(scratch, out);
        };
        if !self.base64 {
            return Some(text.read(out));
        }
        out.clear();
        base64::decode(text.read(scratch), out)?;
        Some(out)
    }

    /// A form of which only the fields were kept, written again.
    fn form<'s>(&self, scratch: &mut Vec<u8>, out: &'s mut Vec<u8>) -> Option<&'s [u8]> {
        let media = self.media.unwrap_or_default().read(scratch);
        let form = media.get(..33).unwrap_or(media);
        if self.params.is_empty()
            || !form.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
        {
            return None;
        }
        out.clear();
        for (name, value) in &self.params {
            if !out.is_empty() {
                out.push(b'&');
            }
            escape_into(name.read(scratch), out);
            out.push(b'=');
            escape_into(value.read(scratch), out);
        }
        Some(out)
    }

    /// Why there are no bytes; `unsaid` where the entry gives no size either.
    fn why_absent(&self, unsaid: Why) -> Why {
        match self.size {
            Some(size) if size > 0.0 => Why::NotRecorded,
            Some(0.0) => Why::Empty,
            _ => unsaid,
        }
    }

    /// Puts the header fields where they belong. Pseudo-fields of HTTP/2 are no fields. Where the
    /// tool has undone the body's coding, the field that names it is left out.
    fn fill(
        &self,
        fields: &mut wire::Fields,
        cookie: &'static str,
        decoded: bool,
        scratch: &mut (&mut Vec<u8>, &mut Vec<u8>),
    ) {
        let mut has_cookie = false;
        for (name, value) in &self.fields {
            let name = name.read(scratch.0);
            if name.is_empty() || name[0] == b':' {
                continue;
            }
            if decoded && name.eq_ignore_ascii_case(b"content-encoding") {
                continue;
            }
            has_cookie |= name.eq_ignore_ascii_case(cookie.as_bytes());
            fields.push(name, value.read(scratch.1));
        }
        if has_cookie {
            return;
        }
        let mut cookies = Vec::new();
        if let Some(mut pull) = self.cookies {
            // it has been stepped over, so it is well formed as far as it is read here
            let _well_formed = pairs(&mut pull, &mut cookies);
        }
        let mut line = Vec::new();
        for (name, value) in &cookies {
            if !line.is_empty() {
                line.extend_from_slice(b"; ");
            }
            line.extend_from_slice(name.read(scratch.0));
            line.push(b'=');
            line.extend_from_slice(value.read(scratch.1));
            if cookie == "set-cookie" {
                fields.push(cookie.as_bytes(), &line);
                line.clear();
            }
        }
        if !line.is_empty() {
            fields.push(cookie.as_bytes(), &line);
        }
    }
}

/// True when the body is what the server meant, not still in its content coding. Tools record
/// decompressed bodies under the fields of the compressed one.
fn is_decoded(body: Body<'_>) -> bool {
    match body {
        Body::Absent(_) => false,
        Body::Partial(bytes) | Body::Whole(bytes) => {
            let gzip = bytes.starts_with(b"\x1f\x8b");
            let zstd = bytes.starts_with(b"\x28\xb5\x2f\xfd");
            !gzip && !zstd
        }
    }
}

fn escape_into(text: &[u8], out: &mut Vec<u8>) {
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let (high, low) = (usize::from(byte >> 4), usize::from(byte & 15));
                out.extend_from_slice(&[b'%', DIGITS[high], DIGITS[low]]);
            }
        }
    }
}

fn request<'a>(pull: &mut Pull<'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
    if !pull.enter(b'{')? {
        return Ok(());
    }
    while let Some(name) = pull.member()? {
        match name.raw() {
            b"method" => draft.method = pull.text_or_skip()?,
            b"url" => draft.url = pull.text_or_skip()?,
            b"postData" => content(pull, &mut draft.request)?,
            name => message(pull, name, &mut draft.request)?,
        }
    }
    Ok(())
}

fn response<'a>(pull: &mut Pull<'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
    if !pull.enter(b'{')? {
        return Ok(());
    }
    while let Some(name) = pull.member()? {
        match name.raw() {
            b"status" => draft.status = pull.number()?,
            b"content" => content(pull, &mut draft.response)?,
            name => message(pull, name, &mut draft.response)?,
        }
    }
    Ok(())
}

/// A member that requests and responses have in common.
fn message<'a>(pull: &mut Pull<'a>, name: &[u8], into: &mut Message<'a>) -> Result<(), Stop> {
    match name {
        b"headers" => {
            into.fields.reserve(24);
            pairs(pull, &mut into.fields)
        }
        b"cookies" => {
            into.cookies = Some(*pull);
            pull.skip()
        }
        b"bodySize" => {
            into.grow(pull.number()?);
            Ok(())
        }
        _ => pull.skip(),
    }
}

impl Message<'_> {
    fn grow(&mut self, size: Option<f64>) {
        let larger = |size: &f64| self.size.is_none_or(|before| *size > before);
        self.size = size.filter(larger).or(self.size);
    }
}

/// `postData` or `content`.
fn content<'a>(pull: &mut Pull<'a>, into: &mut Message<'a>) -> Result<(), Stop> {
    if !pull.enter(b'{')? {
        return Ok(());
    }
    into.media = Some(Text::default());
    while let Some(name) = pull.member()? {
        match name.raw() {
            b"text" => into.text = pull.text_or_skip()?,
            b"mimeType" => into.media = Some(pull.text_or_skip()?.unwrap_or_default()),
            b"encoding" => {
                let encoding = pull.text_or_skip()?.unwrap_or_default();
                into.base64 = encoding.raw().eq_ignore_ascii_case(b"base64");
            }
            b"size" => into.grow(pull.number()?),
            b"params" => pairs(pull, &mut into.params)?,
            _ => pull.skip()?,
        }
    }
    Ok(())
}

/// An array of objects with `name` and `value`.
fn pairs<'a>(pull: &mut Pull<'a>, out: &mut Vec<(Text<'a>, Text<'a>)>) -> Result<(), Stop> {
    if !pull.enter(b'[')? {
        return Ok(());
    }
    while pull.element()? {
        if !pull.enter(b'{')? {
            continue;
        }
        let (mut named, mut value) = (None, None);
        while let Some(member) = pull.member()? {
            match member.raw() {
                b"name" => named = pull.text_or_skip()?,
                b"value" => value = pull.text_or_skip()?,
                _ => pull.skip()?,
            }
        }
        if let Some(named) = named {
            out.push((named, value.unwrap_or_default()));
        }
    }
    Ok(())
}
