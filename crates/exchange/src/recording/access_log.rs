//! Access logs in text: common, combined, and their relatives with a virtual host in front or more
//! behind; any other line that quotes a request and gives the status behind it is read as well.
//!
//! `host ident user [time] "request" status bytes "referer" "user agent" …`

use std::net::IpAddr;

use memchr::memchr2;

use super::heads::{Heads, is_token};
use super::lines::Lines;
use super::pull::Broken;
use super::tally::Skip;
use super::{Feed, Recorded};
use crate::body::{Body, Why};
use crate::endpoint::Method;
use crate::moment::Moment;
use crate::peer::Peer;

/// Decodes an access log.
#[derive(Debug, Default)]
pub(super) struct AccessLog {
    lines: Lines,
    reader: LineReader,
}

impl AccessLog {
    /// Reads as far as the bytes reach; returns how many are done with.
    pub(super) fn decode(&mut self, bytes: &[u8], feed: &mut Feed<'_>) -> usize {
        let reader = &mut self.reader;
        self.lines.each(bytes, feed, |line, at, feed| match reader.line(line, feed) {
            Ok(()) => {}
            Err(Trouble::Skip(skip)) => feed.tally.skip(skip),
            Err(Trouble::Broken(what)) => feed.tally.broken(Skip::BrokenLine, at, what),
        })
    }
}

enum Trouble {
    Broken(Broken),
    Skip(Skip),
}

impl From<Skip> for Trouble {
    fn from(skip: Skip) -> Self {
        Self::Skip(skip)
    }
}

/// What stands before the request.
#[derive(Default)]
struct Front<'a> {
    virtual_host: &'a [u8],
    client: &'a [u8],
    user: &'a [u8],
    at: Option<Moment>,
}

#[derive(Debug, Default)]
struct LineReader {
    heads: Heads,
    scratch: Vec<u8>,
    clock: Clock,
    last: Moment,
}

impl LineReader {
    fn line(&mut self, line: &[u8], feed: &mut Feed<'_>) -> Result<(), Trouble> {
        let broken = |at, found, expected| Trouble::Broken(Broken { at, found, expected });
        let (quote, request, behind) = quoted_request(line).ok_or(broken(
            line.len(),
            "a line without a quoted request",
            "`\"METHOD /path HTTP/1.1\"`",
        ))?;
        let front = self.front(&line[..quote]);
        let (status, rest) = status(behind).ok_or(broken(
            line.len() - behind.len(),
            "no status behind the request",
            "three digits",
        ))?;
        self.request_line(request)?;
        if status < 100 {
            return Err(Skip::NoResponse.into());
        }
        self.heads.status = status;
        let duration_us = self.tail(rest);
        if self.heads.host.is_empty() {
            self.heads.authority(front.virtual_host);
        }
        self.last = front.at.unwrap_or(self.last);
        let address = address(front.client);
        let user = Some(front.user).filter(|user| !user.is_empty()).map(Box::from);
        feed.exchange(Recorded {
            at: self.last,
            duration_us,
            peer: Peer { address, trusted: address.is_none(), user, certificate: None },
            request: self.heads.request_head(),
            request_body: Body::Absent(Why::NotRecorded),
            response: Some(self.heads.response_head()),
            response_body: Body::Absent(Why::NotRecorded),
        });
        Ok(())
    }

    /// Reads `[vhost] client ident user [time]`, or finds client and time in something else.
    fn front<'a>(&mut self, text: &'a [u8]) -> Front<'a> {
        let bracketed = memchr::memchr(b'[', text).and_then(|open| {
            let close = open + memchr::memchr(b']', &text[open..])?;
            let at = self.clock.read(&text[open + 1..close])?;
            Some((&text[..open], at))
        });
        let Some((names, at)) = bracketed else {
            return loose_front(text);
        };
        let mut words = names.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default();
        let second = words.next().unwrap_or_default();
        // behind a virtual host comes the client; behind the client an ident, which is no address
        let (virtual_host, client) = match address(second) {
            Some(_) => (first, second),
            None => (&[][..], first),
        };
        if !virtual_host.is_empty() {
            words.next();
        }
        let user = words.next().filter(|user| *user != b"-").unwrap_or_default();
        Front { virtual_host, client, user, at: Some(at) }
    }

    /// Reads `METHOD target VERSION` into the heads.
    fn request_line(&mut self, raw: &[u8]) -> Result<(), Trouble> {
        self.heads.clear();
        let line = match memchr::memchr(b'\\', raw) {
            None => raw,
            Some(_) => {
                self.scratch.clear();
                unescape(raw, &mut self.scratch);
                &self.scratch
            }
        };
        let space = memchr::memchr(b' ', line).ok_or(Skip::NotHttp)?;
        let (method, rest) = (&line[..space], line[space + 1..].trim_ascii());
        let target = match memchr::memrchr(b' ', rest) {
            Some(at) if rest[at + 1..].starts_with(b"HTTP/") => rest[..at].trim_ascii_end(),
            _ => rest,
        };
        if !is_token(method) || target.is_empty() {
            return Err(Skip::NotHttp.into());
        }
        self.heads.method = Method::parse(method);
        if self.heads.method == Method::Connect && target[0] != b'/' {
            return Err(Skip::NotHttp.into());
        }
        Ok(self.heads.target(target)?)
    }

    /// Reads referer and user agent, and a duration where one stands: a number with a point is
    /// seconds, as nginx's `$request_time`. Returns microseconds.
    fn tail(&mut self, mut rest: &[u8]) -> u64 {
        let mut quoted = 0;
        let mut duration = 0;
        loop {
            rest = rest.trim_ascii_start();
            let Some(&byte) = rest.first() else { return duration };
            if byte != b'"' {
                let end = memchr2(b' ', b'"', rest).unwrap_or(rest.len());
                let word = rest[..end].strip_suffix(b"s").unwrap_or(&rest[..end]);
                if word.contains(&b'.') {
                    duration = seconds(word).unwrap_or(duration);
                }
                rest = &rest[end.max(1)..];
                continue;
            }
            let end = closing_quote(&rest[1..]).unwrap_or(rest.len() - 1);
            let text = &rest[1..=end];
            rest = rest.get(end + 2..).unwrap_or_default();
            // what nginx calls `main` logs the forwarded addresses third
            let names: [&[u8]; 3] = [b"Referer", b"User-Agent", b"X-Forwarded-For"];
            if let Some(name) = names.get(quoted).filter(|_| text != b"-" && !text.is_empty()) {
                self.scratch.clear();
                unescape(text, &mut self.scratch);
                if quoted < 2 || is_addresses(text) {
                    self.heads.request.push(name, &self.scratch);
                }
            }
            quoted += 1;
        }
    }
}

/// Remembers the last time that was read: thousands of lines share a second.
#[derive(Debug, Default)]
struct Clock {
    text: Vec<u8>,
    moment: Moment,
}

impl Clock {
    fn read(&mut self, text: &[u8]) -> Option<Moment> {
        if self.text != text || text.is_empty() {
            let moment = Moment::parse_access_log(text).or(Moment::parse_rfc3339(text))?;
            self.text.clear();
            self.text.extend_from_slice(text);
            self.moment = moment;
        }
        Some(self.moment)
    }
}

/// The first quoted text that begins as a request does, or that is where one would be: its offset,
/// the text, and what is behind it.
fn quoted_request(line: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let mut from = 0;
    loop {
        let open = from + memchr::memchr(b'"', line.get(from..)?)?;
        let inside = &line[open + 1..];
        let close = closing_quote(inside)?;
        let text = &inside[..close];
        let behind = &inside[close + 1..];
        if status(behind).is_some() || looks_like_request(text) {
            return Some((open, text, behind));
        }
        from = open + close + 2;
    }
}

fn looks_like_request(text: &[u8]) -> bool {
    text.starts_with(b"GET /") || text.windows(6).any(|part| part == b" HTTP/")
}

/// Where the quote closes; a backslash takes the next byte along.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// The status that comes next, perhaps behind a word as in `status: 200`; a dash reads as 0.
fn status(behind: &[u8]) -> Option<(u16, &[u8])> {
    let text = behind.trim_ascii_start();
    let text = text.strip_prefix(b"status: ").unwrap_or(text);
    if let Some(rest) = text.strip_prefix(b"- ") {
        return Some((0, rest));
    }
    let (digits, rest) = text.split_at_checked(3)?;
    let ends = rest.first().is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'.');
    let value = digits.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0'))
    })?;
    ends.then_some((value, rest))
}

/// Client and time out of a line whose form is not known: the word before the request, if it is
/// an address, and the last thing that reads as a date.
fn loose_front(text: &[u8]) -> Front<'_> {
    let mut front = Front::default();
    let trimmed = text.trim_ascii_end();
    let from = memchr::memrchr(b' ', trimmed).map_or(0, |at| at + 1);
    if address(&trimmed[from..]).is_some() {
        front.client = &trimmed[from..];
    }
    for at in memchr::memchr_iter(b':', text) {
        // `2026-01-15T09:` lies before the first colon of a time
        let Some(start) = at.checked_sub(13) else { continue };
        let stamp = &text[start..];
        let end = stamp.iter().skip(11).position(|byte| !b"0123456789:.,".contains(byte));
        let stamp = &stamp[..end.map_or(stamp.len(), |end| end + 11)];
        if let Some(moment) = Moment::parse_rfc3339(stamp) {
            front.at = Some(moment);
        }
    }
    front
}

/// An address, perhaps with a port.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    if !text.iter().any(|byte| matches!(byte, b'.' | b':')) {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip())
}

fn is_addresses(text: &[u8]) -> bool {
    text.split(|byte| *byte == b',').all(|hop| address(hop.trim_ascii()).is_some())
}

/// Seconds with a fraction, in microseconds.
fn seconds(text: &[u8]) -> Option<u64> {
    let seconds: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (seconds.is_finite() && (0.0..1e6).contains(&seconds)).then_some((seconds * 1e6) as u64)
}

/// Resolves what nginx (`\x22`) and Apache (`\"`, `\\`, `\xhh`, `\n` …) write for bytes that would
/// break the line.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let hex = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
        rest = match rest {
            [b'x', high, low, behind @ ..] => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    behind
                }
                _ => {
                    out.extend_from_slice(b"\\x");
                    &rest[1..]
                }
            },
            [byte, behind @ ..] => {
                out.push(match byte {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'v' => 11,
                    b'f' => 12,
                    b'b' => 8,
                    other => *other,
                });
                behind
            }
            [] => {
                out.push(b'\\');
                rest
            }
        };
    }
    out.extend_from_slice(rest);
}
