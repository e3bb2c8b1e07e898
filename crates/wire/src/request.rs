//! The head of a request: bytes to [`RequestHead`]; every doubt is a [`Refusal`].

use std::borrow::Cow;
use std::ops::Range;

use crate::authority::Authority;
use crate::doubt::doubt;
use crate::field::Fields;
use crate::framing::{Control, Framing, Upgrade, Version};
use crate::head::{Parsed, Progress, leading_line, line_end};
use crate::limits::HeadLimits;
use crate::oddity::PathOddities;
use crate::query::Query;
use crate::refusal::Refusal;
use crate::response::Asked;
use crate::scan;
use crate::target::{CanonicalPath, Profile, split_query};

/// The longest version text that is looked at; what is longer is no version.
const VERSION_BYTES: usize = 32;

/// How the target is written (RFC 9112 §3.2). The fourth form belongs to CONNECT, which is not
/// served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetForm {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`
    Absolute,
    /// `*`, with OPTIONS: the server as a whole.
    Asterisk,
}

/// The head of a request. Owns its bytes and is reused from one request to the next.
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    progress: Progress,
    method: Range<usize>,
    target: Range<usize>,
    /// The query within the buffer of `fields`.
    query: Option<Range<usize>>,
    form: TargetForm,
    path: CanonicalPath,
    oddities: PathOddities,
    authority: Authority,
    has_authority: bool,
    version: Version,
    fields: Fields,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
    upgrade: Option<Upgrade>,
    names_fields: bool,
}

/// Reads the head at the start of `buf` into `out`.
///
/// After [`Parsed::Partial`], call again with the same bytes and more behind them: reading goes on
/// at the last line that was incomplete. If such a head is given up, call [`RequestHead::clear`]
/// before `out` is used for another one; after any other outcome that is not needed.
///
/// # Errors
/// The first thing that is wrong, however the bytes were cut on their way. The connection must
/// then be closed, since nobody knows where the next request would begin.
pub fn parse_head(
    buf: &[u8],
    limits: &HeadLimits,
    profile: Profile,
    out: &mut RequestHead,
) -> Result<Parsed, Refusal> {
    if out.progress.at == 0 || out.progress.at > buf.len() {
        out.clear();
    }
    let parsed = out.advance(buf, limits, profile);
    if parsed != Ok(Parsed::Partial) {
        out.progress = Progress::default();
    }
    parsed
}

impl RequestHead {
    /// An empty head, to be filled by [`parse_head`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the request and keeps the memory.
    pub fn clear(&mut self) {
        self.progress = Progress::default();
        self.fields.clear();
        (self.method, self.target, self.query) = (0..0, 0..0, None);
        self.has_authority = false;
    }

    /// The method: capital letters and hyphens.
    pub fn method(&self) -> &str {
        std::str::from_utf8(self.fields.at(self.method.clone())).unwrap_or_default()
    }

    /// The target, byte for byte.
    pub fn raw_target(&self) -> &[u8] {
        self.fields.at(self.target.clone())
    }

    /// How the target is written.
    pub const fn form(&self) -> TargetForm {
        self.form
    }

    /// The canonical path; the root for [`TargetForm::Asterisk`].
    pub const fn path(&self) -> &CanonicalPath {
        &self.path
    }

    /// What is odd about the path. Under [`Profile::Strict`] nothing can be.
    pub const fn path_oddities(&self) -> PathOddities {
        self.oddities
    }

    /// The query, if there is a question mark.
    pub fn query(&self) -> Option<Query<'_>> {
        self.query.clone().map(|range| Query::new(self.fields.at(range)))
    }

    /// The host that is asked; only HTTP/1.0 requests may have none.
    pub fn authority(&self) -> Option<&Authority> {
        self.has_authority.then_some(&self.authority)
    }

    /// The host that is asked, with its port, in the form in which it is forwarded; empty if there
    /// is none.
    pub fn host(&self) -> Cow<'_, [u8]> {
        let written = self.fields.get("host").unwrap_or_default();
        match self.authority() {
            Some(authority) if !authority.is_written_as(written) => {
                Cow::Owned(authority.to_string().into_bytes())
            }
            _ => Cow::Borrowed(written),
        }
    }

    /// The version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// All fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Where the body ends.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the client wants to send another request after this one.
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether the client waits for 100 before it sends the body.
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// The protocol that the client wants to change to.
    pub const fn upgrade(&self) -> Option<Upgrade> {
        self.upgrade
    }

    /// What a response to this request may be.
    pub fn asked(&self) -> Asked {
        match self.upgrade {
            Some(Upgrade::WebSocket) => Asked::Upgrade,
            _ if self.method() == "HEAD" => Asked::Head,
            _ => Asked::Plain,
        }
    }

    /// What `profile` refuses of a head that was read under a milder one.
    pub fn refused_by(&self, profile: Profile) -> Option<Refusal> {
        let query = self.query().unwrap_or(Query::new(b""));
        doubt(profile, self.oddities, query, self.names_fields)
    }

    /// The host that a refused head names, where that is beyond doubt: its only `Host`, if it is
    /// one. `None` also for a head that was refused before its end was seen.
    pub fn claimed_host(&self) -> Option<Authority> {
        let mut hosts = self.fields.get_all("host");
        let host = hosts.next()?;
        if hosts.next().is_some() { None } else { Authority::parse(host).ok() }
    }

    /// Whether `Connection` names fields beside the usual options.
    pub(crate) const fn names_fields(&self) -> bool {
        self.names_fields
    }

    fn advance(
        &mut self,
        buf: &[u8],
        limits: &HeadLimits,
        profile: Profile,
    ) -> Result<Parsed, Refusal> {
        if self.progress.at == 0 {
            match self.request_line(buf, limits)? {
                Some(next) => self.progress.at = next,
                None => return Ok(Parsed::Partial),
            }
        }
        let Some(head_len) = self.progress.fields(buf, limits, &mut self.fields)? else {
            return Ok(Parsed::Partial);
        };
        self.fields.adopt(buf.get(..head_len).unwrap_or_default());
        self.read_fields()?;
        self.read_target(limits)?;
        self.refused_by(profile).map_or(Ok(Parsed::Complete { head_len }), Err)
    }

    /// Reads the request line; returns where the next line begins.
    fn request_line(&mut self, buf: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Refusal> {
        let Some(start) = leading_line(buf)? else { return Ok(None) };
        let Some(method_end) = method(buf, start, limits.method_bytes)? else { return Ok(None) };
        let target_start = method_end + 1;
        let rest = buf.get(target_start..).unwrap_or_default();
        let window = rest.get(..=limits.target_bytes).unwrap_or(rest);
        let target_end = target_start + scan::target_end(window);
        match buf.get(target_end) {
            _ if target_end - target_start > limits.target_bytes => {
                return Err(Refusal::TargetTooLong);
            }
            None => return Ok(None),
            Some(b' ') if target_end > target_start => {}
            Some(b' ' | b'\t') => return Err(Refusal::RequestLine),
            Some(_) => {
                let end = line_end(buf, target_end, Refusal::TargetByte)?;
                return end.map_or(Ok(None), |_| Err(Refusal::Http09));
            }
        }
        let Some((version, next)) = version(buf, target_end + 1)? else { return Ok(None) };
        self.method = start..method_end;
        self.target = target_start..target_end;
        self.version = version;
        Ok(Some(next))
    }

    fn read_fields(&mut self) -> Result<(), Refusal> {
        let control = Control::collect(&self.fields);
        self.framing = control.declared(self.version)?;
        let method = self.fields.at(self.method.clone());
        let has_body = matches!(method, b"POST" | b"PUT" | b"PATCH");
        if self.version == Version::Http10 && has_body && self.framing == Framing::None {
            return Err(Refusal::LengthRequired);
        }
        self.has_authority = match control.hosts {
            0 if self.version == Version::Http10 => false,
            0 => return Err(Refusal::HostMissing),
            1 => self.authority.assign(control.host).map(|()| true)?,
            _ => return Err(Refusal::HostRepeated),
        };
        let options = &control.connection;
        if options.forbidden {
            return Err(Refusal::ConnectionOption);
        }
        self.names_fields = options.names_field;
        self.keep_alive = control.keeps_alive(self.version);
        let continues = control.expect.eq_ignore_ascii_case(b"100-continue");
        if control.expects > 1 || (control.expects == 1 && !continues) {
            return Err(Refusal::Expect);
        }
        // A client of HTTP/1.0 does not know interim responses (RFC 9110 §10.1.1).
        self.expects_continue = continues && self.version == Version::Http11;
        let may_switch = method == b"GET"
            && self.version == Version::Http11
            && matches!(self.framing, Framing::None | Framing::Length(0));
        self.upgrade = upgrade(&control, may_switch);
        Ok(())
    }

    fn read_target(&mut self, limits: &HeadLimits) -> Result<(), Refusal> {
        let target = self.fields.at(self.target.clone());
        let path_and_query = match target {
            [b'/', ..] => {
                self.form = TargetForm::Origin;
                target
            }
            b"*" if self.fields.at(self.method.clone()) == b"OPTIONS" => {
                self.form = TargetForm::Asterisk;
                b"/"
            }
            _ => {
                self.form = TargetForm::Absolute;
                let (default_port, rest) = strip_scheme(target).ok_or(Refusal::TargetForm)?;
                let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
                let (place, rest) = rest.split_at(end.unwrap_or(rest.len()));
                let place = Authority::parse(place)?;
                if !self.has_authority {
                    self.authority = place;
                    self.has_authority = true;
                } else if !self.authority.is_same_place(&place, default_port) {
                    return Err(Refusal::HostMismatch);
                }
                rest
            }
        };
        let (path, query) = split_query(path_and_query);
        self.oddities = self.path.assign(path);
        let ampersands = memchr::memchr_iter(b'&', query.unwrap_or_default()).count();
        if ampersands >= limits.query_parameters {
            return Err(Refusal::QueryParameters);
        }
        self.query = query.map(|query| self.target.end - query.len()..self.target.end);
        Ok(())
    }
}

/// Where the method ends that begins at `start`, if it is one that is served.
fn method(buf: &[u8], start: usize, most: usize) -> Result<Option<usize>, Refusal> {
    let rest = buf.get(start..).unwrap_or_default();
    let window = rest.get(..=most).unwrap_or(rest);
    let len = scan::token_end(window);
    let method = window.get(..len).unwrap_or_default();
    match window.get(len) {
        None if len > most => return Err(Refusal::MethodTooLong),
        None => return Ok(None),
        Some(b' ') if len > 0 => {}
        Some(b' ' | b'\t' | b'\r' | b'\n') => return Err(Refusal::RequestLine),
        Some(_) => return Err(Refusal::MethodInvalid),
    }
    match method {
        b"GET" | b"POST" | b"PUT" | b"PATCH" | b"DELETE" | b"HEAD" | b"OPTIONS" => {}
        b"PRI" => return Err(Refusal::Http2Preface),
        b"CONNECT" | b"TRACE" => return Err(Refusal::MethodRefused),
        _ if method.iter().all(|b| matches!(b, b'A'..=b'Z' | b'-')) => {}
        _ => return Err(Refusal::MethodUnknown),
    }
    Ok(Some(start + len))
}

/// Reads the version at `start` and its line end; returns where the next line begins.
fn version(buf: &[u8], start: usize) -> Result<Option<(Version, usize)>, Refusal> {
    let rest = buf.get(start..).unwrap_or_default();
    if rest.starts_with(b"HTTP/1.1\r\n") {
        return Ok(Some((Version::Http11, start + 10)));
    }
    let window = rest.get(..VERSION_BYTES).unwrap_or(rest);
    let Some(len) = memchr::memchr2(b'\r', b'\n', window) else {
        return if window.len() < VERSION_BYTES { Ok(None) } else { Err(Refusal::RequestLine) };
    };
    let Some(next) = line_end(buf, start + len, Refusal::RequestLine)? else { return Ok(None) };
    match window.get(..len).unwrap_or_default() {
        b"HTTP/1.0" => Ok(Some((Version::Http10, next))),
        [b'H', b'T', b'T', b'P', b'/', number @ ..]
            if number.iter().all(|b| b.is_ascii_digit() || *b == b'.') && !number.is_empty() =>
        {
            Err(Refusal::Version)
        }
        _ => Err(Refusal::RequestLine),
    }
}

/// The default port of an http URI and what follows its two slashes.
fn strip_scheme(target: &[u8]) -> Option<(u16, &[u8])> {
    [(80, b"http://".as_slice()), (443, b"https://")].into_iter().find_map(|(port, scheme)| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some((port, rest))
    })
}

fn upgrade(control: &Control<'_>, may_switch: bool) -> Option<Upgrade> {
    match control.upgrades {
        0 => None,
        _ if control.h2c => Some(Upgrade::H2c),
        1 if may_switch
            && control.connection.upgrade
            && control.upgrade.eq_ignore_ascii_case(b"websocket") =>
        {
            Some(Upgrade::WebSocket)
        }
        _ => Some(Upgrade::Other),
    }
}
