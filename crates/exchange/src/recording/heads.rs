//! The buffers behind a recorded exchange's heads, filled again for every record.

use wire::{CanonicalPath, Fields, PathOddities, Query};

use super::tally::Skip;
use crate::endpoint::Method;
use crate::message::{RequestHead, ResponseHead, Scheme};

/// Both heads of one exchange.
#[derive(Debug, Default)]
pub(super) struct Heads {
    pub(super) method: Method,
    pub(super) scheme: Scheme,
    pub(super) host: String,
    pub(super) path: CanonicalPath,
    pub(super) path_oddities: PathOddities,
    pub(super) query: Vec<u8>,
    pub(super) request: Fields,
    pub(super) status: u16,
    pub(super) response: Fields,
}

impl Heads {
    /// Forgets the last exchange and keeps its buffers. The path is overwritten by each target.
    pub(super) fn clear(&mut self) {
        self.scheme = Scheme::Unknown;
        self.host.clear();
        self.query.clear();
        self.request.clear();
        self.status = 0;
        self.response.clear();
    }

    /// Reads a URL or a request target. Only an absolute one names scheme and host.
    pub(super) fn target(&mut self, target: &[u8]) -> Result<(), Skip> {
        let origin = match target.first() {
            Some(b'/' | b'*') => target,
            _ => self.absolute(target)?,
        };
        let end = memchr::memchr(b'#', origin).unwrap_or(origin.len());
        let origin = &origin[..end];
        let (path, query) = match memchr::memchr(b'?', origin) {
            Some(at) => (&origin[..at], &origin[at + 1..]),
            None => (origin, &[][..]),
        };
        let path: &[u8] = if path.is_empty() { b"/" } else { path };
        (self.path, self.path_oddities) = CanonicalPath::read(path);
        self.query.clear();
        self.query.extend_from_slice(query);
        Ok(())
    }

    /// Takes scheme and host off an absolute URL; returns the rest.
    fn absolute<'u>(&mut self, url: &'u [u8]) -> Result<&'u [u8], Skip> {
        let at = memchr::memmem::find(url, b"://").ok_or(Skip::NotHttp)?;
        let (scheme, rest) = (&url[..at], &url[at + 3..]);
        self.scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case(b"https") => Scheme::Https,
            _ if scheme.eq_ignore_ascii_case(b"http") => Scheme::Http,
            _ if scheme.eq_ignore_ascii_case(b"ws") => return Err(Skip::WebSocket),
            _ if scheme.eq_ignore_ascii_case(b"wss") => return Err(Skip::WebSocket),
            _ => return Err(Skip::NotHttp),
        };
        let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
        let (authority, origin) = rest.split_at(end);
        self.authority(authority);
        if self.host.is_empty() { Err(Skip::NotHttp) } else { Ok(origin) }
    }

    /// Keeps the host of `user@host:port`, in lower case and without a trailing dot.
    pub(super) fn authority(&mut self, authority: &[u8]) {
        let behind = authority.iter().rposition(|byte| *byte == b'@').map_or(0, |at| at + 1);
        let host = &authority[behind..];
        let end = match host.first() {
            Some(b'[') => host.iter().position(|byte| *byte == b']').map(|at| at + 1),
            _ => host.iter().position(|byte| *byte == b':'),
        };
        let host = &host[..end.unwrap_or(host.len())];
        let host = host.strip_suffix(b".").unwrap_or(host);
        self.host.clear();
        match std::str::from_utf8(host) {
            Ok(text) => self.host.push_str(text),
            Err(_) => self.host.push_str(&String::from_utf8_lossy(host)),
        }
        self.host.make_ascii_lowercase();
    }

    /// Takes the host from the fields, where no URL has named it.
    pub(super) fn host_from_fields(&mut self) {
        if !self.host.is_empty() {
            return;
        }
        let fields = std::mem::take(&mut self.request);
        if let Some(value) = fields.get("host") {
            self.authority(value);
        }
        self.request = fields;
    }

    pub(super) fn request_head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method,
            scheme: self.scheme,
            host: &self.host,
            path: &self.path,
            path_oddities: self.path_oddities,
            query: Query::new(&self.query),
            fields: &self.request,
        }
    }

    pub(super) fn response_head(&self) -> ResponseHead<'_> {
        ResponseHead { status: self.status, fields: &self.response }
    }
}

/// True for what RFC 9110 allows as a method: anything else was not HTTP.
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}
