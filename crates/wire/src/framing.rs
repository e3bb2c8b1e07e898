//! What the fields say about where a message ends and what its connection is for.

use crate::field::{CRITICAL, Fields};
use crate::refusal::Refusal;
use crate::scan;

/// The version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// After so many bytes.
    Length(u64),
    /// After the last chunk and its trailers.
    Chunked,
    /// With the connection; only in responses.
    UntilClose,
}

/// A protocol that the client wants to change to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upgrade {
    /// WebSocket (RFC 6455), asked for in the one way it can be: the only one that is forwarded.
    WebSocket,
    /// HTTP/2 without TLS: a tunnel past every policy. Stripped.
    H2c,
    /// Anything else. Stripped.
    Other,
}

/// What the fields that control a connection say, collected in one pass.
#[derive(Default)]
pub(crate) struct Control<'a> {
    lengths: usize,
    length: &'a [u8],
    conflict: bool,
    codings: usize,
    coding: &'a [u8],
    alias: bool,
    pub(crate) hosts: usize,
    pub(crate) host: &'a [u8],
    pub(crate) expects: usize,
    pub(crate) expect: &'a [u8],
    pub(crate) upgrades: usize,
    pub(crate) upgrade: &'a [u8],
    /// Some `Upgrade` names HTTP/2 without TLS.
    pub(crate) h2c: bool,
    pub(crate) connection: Options,
}

/// The options in all `Connection` fields.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// Some option is the name of a field.
    pub(crate) names_field: bool,
    /// Some option is no token, or the name of a field that must not be stripped.
    pub(crate) forbidden: bool,
}

impl<'a> Control<'a> {
    pub(crate) fn collect(fields: &'a Fields) -> Self {
        let mut control = Self::default();
        for (name, value) in fields.iter() {
            control.look_at(name, value);
        }
        control
    }

    fn look_at(&mut self, name: &[u8], value: &'a [u8]) {
        let same = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if same(b"Host") => {
                self.hosts += 1;
                self.host = value;
            }
            6 if same(b"Expect") => {
                self.expects += 1;
                self.expect = value;
            }
            7 if same(b"Upgrade") => {
                let mut protocols = value.split(|&b| b == b',').map(scan::trim);
                self.h2c |= protocols.any(|name| name.eq_ignore_ascii_case(b"h2c"));
                self.upgrades += 1;
                self.upgrade = value;
            }
            10 if same(b"Connection") => self.connection.add(value),
            14 if same(b"Content-Length") => {
                self.conflict |= self.lengths > 0 && self.length != value;
                self.lengths += 1;
                self.length = value;
            }
            17 if same(b"Transfer-Encoding") => {
                self.codings += 1;
                self.coding = value;
            }
            13..=20 => {
                self.alias |= spells(name, b"contentlength") || spells(name, b"transferencoding");
            }
            _ => {}
        }
    }

    /// The framing that the fields declare: [`Framing::None`] if they declare none (RFC 9112 §6).
    pub(crate) fn declared(&self, version: Version) -> Result<Framing, Refusal> {
        match (self.lengths, self.codings) {
            _ if self.alias => Err(Refusal::NameAlias),
            (0, 0) => Ok(Framing::None),
            (1, 0) => content_length(self.length).map(Framing::Length),
            (_, 0) if self.conflict => Err(Refusal::ClConflict),
            (_, 0) => Err(Refusal::ClRepeated),
            (0, 1) => transfer_coding(self.coding, version),
            (0, _) => Err(Refusal::TeRepeated),
            (_, _) => Err(Refusal::ClTe),
        }
    }

    /// Whether the connection outlives a message of this version.
    pub(crate) fn keeps_alive(&self, version: Version) -> bool {
        let wanted = version == Version::Http11 || self.connection.keep_alive;
        wanted && !self.connection.close
    }
}

impl Options {
    pub(crate) fn add(&mut self, value: &[u8]) {
        for option in value.split(|&b| b == b',').map(scan::trim) {
            let same = |known: &[u8]| option.eq_ignore_ascii_case(known);
            match option.len() {
                0 => {}
                5 if same(b"close") => self.close = true,
                7 if same(b"upgrade") => self.upgrade = true,
                10 if same(b"keep-alive") => self.keep_alive = true,
                // Never forwarded in any case, so that naming them changes nothing.
                2 if same(b"te") => {}
                7 if same(b"trailer") => {}
                14 if same(b"http2-settings") => {}
                16 if same(b"proxy-connection") => {}
                _ if !scan::is_token(option) || CRITICAL.contains(option) => self.forbidden = true,
                _ => self.names_field = true,
            }
        }
    }
}

/// Whether the letters of `name` are `letters`, whatever stands between them: some servers read an
/// underscore, or any punctuation, as the hyphen.
fn spells(name: &[u8], letters: &[u8]) -> bool {
    let name = name.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase);
    name.eq(letters.iter().copied())
}

/// A plain decimal number below 2^63, so that no server's integer can overflow, and without a zero
/// in front, which some read as octal.
fn content_length(value: &[u8]) -> Result<u64, Refusal> {
    let plain = match value {
        [b'0'] => true,
        [b'1'..=b'9', ..] => value.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !plain {
        return Err(Refusal::ClInvalid);
    }
    value
        .iter()
        .try_fold(0_u64, |sum, &digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .filter(|&length| length <= i64::MAX as u64)
        .ok_or(Refusal::ClInvalid)
}

/// `chunked`, once and alone.
fn transfer_coding(value: &[u8], version: Version) -> Result<Framing, Refusal> {
    if version == Version::Http10 {
        return Err(Refusal::TeOnHttp10);
    }
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    let mut codings = value.split(|&b| b == b',').map(scan::trim).peekable();
    while let Some(coding) = codings.next() {
        let misplaced = coding.eq_ignore_ascii_case(b"chunked") && codings.peek().is_some();
        if !scan::is_token(coding) || misplaced {
            return Err(Refusal::TeInvalid);
        }
    }
    Err(Refusal::TeUnknown)
}
