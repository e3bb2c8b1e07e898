//! The query of a target: kept as it came, read as name and value pairs.

use std::borrow::Cow;

use crate::target::percent_decode;

/// A query without its question mark. Only a view: it is forwarded byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    raw: &'a [u8],
}

impl<'a> Query<'a> {
    /// A view on `raw`, the bytes after the question mark.
    pub const fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The bytes as they came.
    pub const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// Whether nothing follows the question mark.
    pub const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Names and values between ampersands, still encoded and in order. A pair without `=` has an
    /// empty value; empty pairs are left out.
    pub fn pairs(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
        self.raw.split(|&b| b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
            match memchr::memchr(b'=', pair) {
                Some(at) => {
                    (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default())
                }
                None => (pair, [].as_slice()),
            }
        })
    }

    /// The values, still encoded, of all pairs whose decoded name is `name`.
    pub fn values(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.pairs()
            .filter(move |(raw, _)| *Self::decode(raw) == *name.as_bytes())
            .map(|(_, value)| value)
    }

    /// A name or value with its escapes decoded once and plus signs read as spaces, as in forms.
    pub fn decode(text: &[u8]) -> Cow<'_, [u8]> {
        if memchr::memchr(b'+', text).is_none() {
            return percent_decode(text);
        }
        let spaced: Vec<u8> = text.iter().map(|&b| if b == b'+' { b' ' } else { b }).collect();
        match percent_decode(&spaced) {
            Cow::Owned(decoded) => Cow::Owned(decoded),
            Cow::Borrowed(_) => Cow::Owned(spaced),
        }
    }
}
