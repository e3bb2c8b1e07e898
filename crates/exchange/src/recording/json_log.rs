//! Access logs with one JSON object per line, under the names that servers and people use.

use super::access_log::address;
use super::heads::{Heads, is_token};
use super::json_log_names::{Role, Unit, role};
use super::lines::Lines;
use super::pull::{Broken, Pull, Scalar, Stop, Text};
use super::tally::Skip;
use super::{Feed, Recorded};
use crate::body::{Body, Why};
use crate::endpoint::Method;
use crate::message::Scheme;
use crate::moment::Moment;
use crate::peer::Peer;

/// Objects within objects whose members are looked at.
const DEPTH_MAX: usize = 4;

/// Bytes of a name with those around it; what is longer is no name that is known.
const NAME_BYTES_MAX: usize = 64;

/// Decodes a JSON access log.
#[derive(Debug, Default)]
pub(super) struct JsonLog {
    lines: Lines,
    reader: LineReader,
}

impl JsonLog {
    /// Reads as far as the bytes reach; returns how many are done with.
    pub(super) fn decode(&mut self, bytes: &[u8], feed: &mut Feed<'_>) -> usize {
        let reader = &mut self.reader;
        self.lines.each(bytes, feed, |line, at, feed| {
            let mut pull = Pull::new(line);
            let mut said = Said::default();
            let read = pull
                .expect(b'{', "an object")
                .and_then(|()| members(&mut pull, &mut Name::default(), 0, &mut said));
            let what = match read {
                Ok(()) => match reader.hand_on(&said, feed) {
                    Ok(()) => return,
                    Err(skip) => return feed.tally.skip(skip),
                },
                Err(Stop::Broken(what)) => what,
                Err(Stop::More) => {
                    Broken { at: line.len(), found: "the end", expected: "more of the object" }
                }
            };
            feed.tally.broken(Skip::BrokenLine, at, what);
        })
    }
}

/// What a line says, lent from it.
#[derive(Debug, Default)]
struct Said<'a> {
    slots: [Option<(Text<'a>, u8)>; SLOTS],
    duration_unit: Option<Unit>,
    fields: Option<Pull<'a>>,
}

const SLOTS: usize = 15;

impl<'a> Said<'a> {
    const fn slot(role: Role) -> usize {
        match role {
            Role::Agent => 0,
            Role::Client => 1,
            Role::Duration(_) => 2,
            Role::Forwarded => 3,
            Role::Host => 4,
            Role::Method => 5,
            Role::Query => 6,
            Role::Referer => 7,
            Role::RequestLine => 8,
            Role::Scheme => 9,
            Role::Status => 10,
            Role::Target => 11,
            Role::Time => 12,
            Role::TimeOrSeconds => 13,
            Role::User => 14,
            Role::Fields => SLOTS,
        }
    }

    fn keep(&mut self, role: Role, rank: u8, text: Text<'a>) {
        let empty = text.is_empty() || matches!(text.raw(), b"-" | b"null");
        let Some(slot) = self.slots.get_mut(Self::slot(role)) else { return };
        if !empty && slot.is_none_or(|(_, before)| rank > before) {
            *slot = Some((text, rank));
            if let Role::Duration(unit) = role {
                self.duration_unit = Some(unit);
            }
        }
    }

    fn get(&self, role: Role) -> Option<Text<'a>> {
        self.slots.get(Self::slot(role)).copied().flatten().map(|(text, _)| text)
    }
}

/// The name of a member with those of the objects around it: lower case, letters and digits only.
#[derive(Debug)]
struct Name {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
}

impl Default for Name {
    fn default() -> Self {
        Self { bytes: [0; NAME_BYTES_MAX], length: 0 }
    }
}

impl Name {
    /// Appends a name; false when there is no room.
    fn append(&mut self, name: &[u8]) -> bool {
        for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
            let Some(place) = self.bytes.get_mut(self.length) else { return false };
            *place = byte.to_ascii_lowercase();
            self.length += 1;
        }
        true
    }

    fn role(&self) -> Option<(Role, u8)> {
        role(&self.bytes[..self.length])
    }
}

/// Reads the members of the object that has been entered.
fn members<'a>(
    pull: &mut Pull<'a>,
    name: &mut Name,
    depth: usize,
    said: &mut Said<'a>,
) -> Result<(), Stop> {
    let outer = name.length;
    while let Some(member) = pull.member()? {
        let named = name.append(member.raw());
        let role = if named { name.role() } else { None };
        match (pull.scalar()?, role) {
            (Scalar::Text(text), Some((role, rank))) => said.keep(role, rank, text),
            (Scalar::Bare(raw), Some((role, rank))) => said.keep(role, rank, Text::plain(raw)),
            (Scalar::Text(_) | Scalar::Bare(_), None) => {}
            (Scalar::Nested(b'{'), Some((Role::Fields, _))) => {
                said.fields = Some(*pull);
                pull.skip()?;
            }
            (Scalar::Nested(b'{'), _) if named && depth < DEPTH_MAX => {
                pull.enter(b'{')?;
                members(pull, name, depth + 1, said)?;
            }
            (Scalar::Nested(_), _) => pull.skip()?,
        }
        name.length = outer;
    }
    Ok(())
}

#[derive(Debug, Default)]
struct LineReader {
    heads: Heads,
    scratch: Vec<u8>,
    last: Moment,
}

impl LineReader {
    fn hand_on(&mut self, said: &Said<'_>, feed: &mut Feed<'_>) -> Result<(), Skip> {
        self.heads.clear();
        self.request(said)?;
        let status = said.get(Role::Status).ok_or(Skip::NotHttp)?;
        self.heads.status = number(status.raw()).map_or(0, |value| value as u16);
        if self.heads.status < 100 {
            return Err(Skip::NoResponse);
        }
        self.fields(said);
        self.place(said);
        let address = said.get(Role::Client).and_then(|text| address(text.read(&mut self.scratch)));
        let (at, duration_us) = self.times(said);
        self.last = at.unwrap_or(self.last);
        let user = said.get(Role::User).map(|text| Box::from(text.read(&mut self.scratch)));
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

    /// Method and target, from members of their own or from the request line.
    fn request(&mut self, said: &Said<'_>) -> Result<(), Skip> {
        let line = said.get(Role::RequestLine);
        let Some(method) = said.get(Role::Method) else {
            let line = line.ok_or(Skip::NotHttp)?.read(&mut self.scratch);
            let space = memchr::memchr(b' ', line).ok_or(Skip::NotHttp)?;
            let (method, rest) = (&line[..space], &line[space + 1..]);
            let end = memchr::memrchr(b' ', rest).unwrap_or(rest.len());
            if !is_token(method) {
                return Err(Skip::NotHttp);
            }
            self.heads.method = Method::parse(method);
            return self.heads.target(&rest[..end]);
        };
        let method = method.read(&mut self.scratch);
        if !is_token(method) {
            return Err(Skip::NotHttp);
        }
        self.heads.method = Method::parse(&method.to_ascii_uppercase());
        let target = match (said.get(Role::Target), line) {
            (Some(target), _) => target.read(&mut self.scratch),
            (None, Some(line)) => {
                let line = line.read(&mut self.scratch);
                line.split(|byte| *byte == b' ').nth(1).unwrap_or(line)
            }
            (None, None) => return Err(Skip::NotHttp),
        };
        self.heads.target(target)?;
        if self.heads.query.is_empty()
            && let Some(query) = said.get(Role::Query)
        {
            let query = query.read(&mut self.scratch);
            self.heads.query.extend_from_slice(query.strip_prefix(b"?").unwrap_or(query));
        }
        Ok(())
    }

    fn fields(&mut self, said: &Said<'_>) {
        if let Some(mut pull) = said.fields {
            // it has been stepped over, so it is well formed as far as it is read here
            let _well_formed = self.listed_fields(&mut pull);
        }
        let single: [(&str, Role); 3] = [
            ("User-Agent", Role::Agent),
            ("Referer", Role::Referer),
            ("X-Forwarded-For", Role::Forwarded),
        ];
        for (name, role) in single {
            if let Some(text) = said.get(role)
                && self.heads.request.get(name).is_none()
            {
                self.heads.request.push(name.as_bytes(), text.read(&mut self.scratch));
            }
        }
    }

    /// Header fields as an object: a string or an array of strings under each name.
    fn listed_fields(&mut self, pull: &mut Pull<'_>) -> Result<(), Stop> {
        if !pull.enter(b'{')? {
            return Ok(());
        }
        while let Some(name) = pull.member()? {
            match pull.scalar()? {
                Scalar::Text(value) => {
                    self.heads.request.push(name.raw(), value.read(&mut self.scratch));
                }
                Scalar::Nested(b'[') => {
                    pull.enter(b'[')?;
                    while pull.element()? {
                        if let Some(value) = pull.text_or_skip()? {
                            self.heads.request.push(name.raw(), value.read(&mut self.scratch));
                        }
                    }
                }
                Scalar::Nested(_) => pull.skip()?,
                Scalar::Bare(_) => {}
            }
        }
        Ok(())
    }

    /// Host and scheme, where the target was not absolute.
    fn place(&mut self, said: &Said<'_>) {
        if self.heads.host.is_empty()
            && let Some(host) = said.get(Role::Host)
        {
            self.heads.authority(host.read(&mut self.scratch));
        }
        self.heads.host_from_fields();
        if self.heads.scheme == Scheme::Unknown {
            self.heads.scheme = match said.get(Role::Scheme).map(Text::raw) {
                Some(b"https") => Scheme::Https,
                Some(b"http") => Scheme::Http,
                _ => Scheme::Unknown,
            };
        }
    }

    /// When it began, and for how many microseconds it lasted.
    fn times(&mut self, said: &Said<'_>) -> (Option<Moment>, u64) {
        let mut at = said.get(Role::Time).and_then(|text| moment(text.read(&mut self.scratch)));
        let mut duration = said.get(Role::Duration(Unit::Guess)).and_then(|text| {
            let unit = said.duration_unit.unwrap_or(Unit::Guess);
            micros(text.read(&mut self.scratch), unit)
        });
        if let Some(text) = said.get(Role::TimeOrSeconds) {
            let text = text.read(&mut self.scratch);
            if memchr::memchr2(b':', b'/', text).is_some() {
                at = at.or_else(|| moment(text));
            } else {
                duration = duration.or_else(|| micros(text, Unit::Seconds));
            }
        }
        (at, duration.unwrap_or_default())
    }
}

fn number(text: &[u8]) -> Option<f64> {
    let value: f64 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    value.is_finite().then_some(value)
}

/// A date as text, or seconds, milli-, micro- or nanoseconds since 1970, told apart by their size.
fn moment(text: &[u8]) -> Option<Moment> {
    if let Some(moment) = Moment::parse_rfc3339(text).or_else(|| Moment::parse_access_log(text)) {
        return Some(moment);
    }
    let value = number(text).filter(|value| *value > 0.0)?;
    let micros = match value {
        ..1e11 => value * 1e6,
        ..1e14 => value * 1e3,
        ..1e17 => value,
        _ => value / 1e3,
    };
    Some(Moment::from_micros(micros as i64))
}

/// A duration with its unit (`12ms`, `0.1s`) or in the unit that its name says, in microseconds.
fn micros(text: &[u8], unit: Unit) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let (digits, suffix) = text.split_at(digits);
    let value = number(digits)?;
    let factor = match (suffix, unit) {
        (b"s", _) | (b"", Unit::Seconds) => 1e6,
        (b"ms", _) | (b"", Unit::Millis) => 1e3,
        (b"us" | b"\xc2\xb5s", _) | (b"", Unit::Micros) => 1.0,
        (b"ns", _) | (b"", Unit::Nanos) => 1e-3,
        (b"", Unit::Guess) if digits.contains(&b'.') => 1e6,
        (b"", Unit::Guess) if value >= 1e6 => 1e-3,
        (b"", Unit::Guess) => 1e3,
        _ => return None,
    };
    Some((value * factor) as u64)
}
