//! The path of a target, parsed once: what is decided on is what is forwarded.

use std::borrow::Cow;
use std::fmt;

use crate::limits::PATH_SEGMENTS;
use crate::oddity::{PathOddities, PathOddity};
use crate::refusal::Refusal;
use crate::scan::hex_value;

/// How doubts about a target are treated. Framing and Host are strict in every profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// Every doubt refuses.
    #[default]
    Strict,
    /// What has one reading once it is canonical is rewritten; the rest refuses.
    Compat,
    /// Nothing refuses; doubts are noted, and the target may be forwarded as it came.
    Observe,
}

impl Profile {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Compat => "compat",
            Self::Observe => "observe",
        }
    }
}

/// A path in canonical form (RFC 3986 §6.2.2): unreserved characters decoded, other escapes in
/// upper case, no dot segments, no empty segments but for a slash at the end.
///
/// Always ASCII and always beginning with a slash. Canonical once more, it stays the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalPath {
    text: String,
}

impl CanonicalPath {
    /// Reads a path without its query, as `profile` wants.
    ///
    /// # Errors
    /// [`Refusal::Path`] with the first oddity that the profile refuses.
    pub fn parse(path: &[u8], profile: Profile) -> Result<Self, Refusal> {
        let (path, oddities) = Self::read(path);
        match oddities.refused_by(profile) {
            Some(oddity) => Err(Refusal::Path(oddity)),
            None => Ok(path),
        }
    }

    /// Reads any path without its query, and says what was odd about it.
    pub fn read(path: &[u8]) -> (Self, PathOddities) {
        let mut canonical = Self { text: String::with_capacity(path.len() + 1) };
        let oddities = canonical.assign(path);
        (canonical, oddities)
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The segments between slashes, still percent-encoded; none for `/`.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.text.split('/').filter(|segment| !segment.is_empty())
    }

    /// Whether a slash follows the last segment.
    pub fn ends_with_slash(&self) -> bool {
        self.text.len() > 1 && self.text.ends_with('/')
    }

    /// Becomes the path in `raw`, reusing its memory.
    pub(crate) fn assign(&mut self, raw: &[u8]) -> PathOddities {
        let mut odd = PathOddities::default();
        self.text.clear();
        if is_canonical(raw) {
            self.text.push_str(std::str::from_utf8(raw).unwrap_or_default());
            return odd;
        }
        let relative = match raw.split_first() {
            Some((b'/', rest)) => rest,
            Some(_) => {
                odd.insert(PathOddity::NotAbsolute);
                raw
            }
            None => raw,
        };
        let mut segments = relative.split(|&b| b == b'/').enumerate().peekable();
        while let Some((index, segment)) = segments.next() {
            if index == PATH_SEGMENTS {
                odd.insert(PathOddity::TooManySegments);
            }
            self.append(segment, segments.peek().is_none(), &mut odd);
        }
        odd
    }

    /// Appends one raw segment. The text is empty or a path without a slash at its end.
    fn append(&mut self, raw: &[u8], last: bool, odd: &mut PathOddities) {
        let start = self.text.len();
        self.text.push('/');
        if raw.is_empty() {
            if !last {
                odd.insert(PathOddity::DuplicateSlash);
                self.text.truncate(start);
            }
            return;
        }
        match raw.iter().position(|&b| !PLAIN[usize::from(b)]) {
            None => self.text.push_str(std::str::from_utf8(raw).unwrap_or_default()),
            Some(_) => decode(raw, &mut self.text, odd),
        }
        let segment = self.text.as_bytes().get(start + 1..).unwrap_or_default();
        match segment {
            b"." => self.climb(start, 0, last, odd),
            b".." => self.climb(start, 1, last, odd),
            [.., b'.', b'.'] => odd.insert(PathOddity::TrailingDots),
            _ => {}
        }
    }

    /// Takes back the dot segment at `start` and `levels` segments before it.
    fn climb(&mut self, start: usize, levels: usize, last: bool, odd: &mut PathOddities) {
        odd.insert(PathOddity::DotSegment);
        self.text.truncate(start);
        for _ in 0..levels {
            match self.text.rfind('/') {
                Some(slash) => self.text.truncate(slash),
                None => odd.insert(PathOddity::AboveRoot),
            }
        }
        if last {
            self.text.push('/');
        }
    }
}

impl Default for CanonicalPath {
    fn default() -> Self {
        Self { text: String::from("/") }
    }
}

impl fmt::Display for CanonicalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Bytes that stand for themselves in a canonical segment: `pchar` (RFC 3986 §3.3) without the
/// percent sign, and without the semicolon, which is always worth a look.
const PLAIN: [bool; 256] = plain_bytes();

const fn plain_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let b = byte as u8;
        table[byte] = is_unreserved(b)
            || matches!(
                b,
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@'
            );
        byte += 1;
    }
    table
}

/// Whether `raw` is a canonical path beyond doubt, seen in one pass: most are. One with dots may
/// be, too, but takes a closer look.
fn is_canonical(raw: &[u8]) -> bool {
    let mut slashes = 0;
    let mut before = b'a';
    for &byte in raw {
        let slash = byte == b'/';
        if !(PLAIN[usize::from(byte)] || slash) || byte == b'.' || (slash && before == b'/') {
            return false;
        }
        slashes += usize::from(slash);
        before = byte;
    }
    raw.first() == Some(&b'/') && slashes <= PATH_SEGMENTS
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends the canonical form of a raw segment that has other than plain bytes.
fn decode(raw: &[u8], text: &mut String, odd: &mut PathOddities) {
    let mut utf8 = Utf8Run::default();
    // The part of the segment since the last thing that some server takes for its end.
    let mut part = Part::default();
    let mut at = 0;
    while let Some(&byte) = raw.get(at) {
        at += 1;
        let escaped = if byte == b'%' { escape_at(raw, at) } else { None };
        let value = escaped.unwrap_or(byte);
        if escaped.is_some() {
            at += 2;
            note_escaped(value, raw.get(at..).unwrap_or_default(), odd);
        } else {
            note_raw(byte, odd);
        }
        utf8.push(value, odd);
        if matches!(value, b'/' | b'\\' | b';') {
            part.end(odd);
        } else {
            part.push(value);
        }
        if PLAIN[usize::from(value)] && (escaped.is_none() || is_unreserved(value)) {
            text.push(char::from(value));
        } else if value == b';' && escaped.is_none() {
            text.push(';');
        } else {
            push_escape(value, text);
        }
    }
    utf8.end(odd);
    if part.separated {
        part.end(odd);
    }
}

/// The byte whose two hexadecimal digits begin at `at`.
fn escape_at(raw: &[u8], at: usize) -> Option<u8> {
    let high = hex_value(*raw.get(at)?)?;
    let low = hex_value(*raw.get(at + 1)?)?;
    Some(high << 4 | low)
}

fn push_escape(byte: u8, text: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.push('%');
    text.push(char::from(DIGITS[usize::from(byte >> 4)]));
    text.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// What is odd about an escape for `value` that is followed by `rest`.
fn note_escaped(value: u8, rest: &[u8], odd: &mut PathOddities) {
    match value {
        b'.' => odd.insert(PathOddity::EncodedDot),
        b'/' => odd.insert(PathOddity::EncodedSlash),
        b'\\' => odd.insert(PathOddity::Backslash),
        b';' => odd.insert(PathOddity::PathParameter),
        b'?' | b'#' => odd.insert(PathOddity::EncodedDelimiter),
        0 => odd.insert(PathOddity::Nul),
        1..0x20 | 0x7f => odd.insert(PathOddity::Control),
        b'%' => {
            odd.insert(PathOddity::EncodedPercent);
            // The digits may be escapes themselves: what counts is what a first decoding leaves.
            let mut digits = Decoded(rest);
            if digits.next().is_some_and(is_hex) && digits.next().is_some_and(is_hex) {
                odd.insert(PathOddity::DoubleEncoded);
            }
        }
        _ => {}
    }
}

fn is_hex(byte: u8) -> bool {
    hex_value(byte).is_some()
}

/// What is odd about a byte that stands in the path as it is.
fn note_raw(byte: u8, odd: &mut PathOddities) {
    match byte {
        b'%' => odd.insert(PathOddity::BadEscape),
        b'\\' => odd.insert(PathOddity::Backslash),
        b';' => odd.insert(PathOddity::PathParameter),
        b'?' | b'#' => odd.insert(PathOddity::RawDelimiter),
        0..=0x20 | 0x7f.. => odd.insert(PathOddity::RawByte),
        _ => {}
    }
}

/// What a server may see between two separators: whether it is nothing but one or two dots.
#[derive(Default)]
struct Part {
    len: usize,
    dots: usize,
    separated: bool,
}

impl Part {
    fn push(&mut self, value: u8) {
        self.len += 1;
        self.dots += usize::from(value == b'.');
    }

    fn end(&mut self, odd: &mut PathOddities) {
        if self.len == self.dots && self.len <= 2 {
            odd.insert(PathOddity::HiddenDots);
        }
        *self = Self { separated: true, ..Self::default() };
    }
}

/// Checks runs of bytes above ASCII without collecting them.
#[derive(Default)]
struct Utf8Run {
    bytes: [u8; 4],
    have: usize,
    need: usize,
}

impl Utf8Run {
    fn push(&mut self, byte: u8, odd: &mut PathOddities) {
        if self.need == 0 {
            self.need = match byte {
                ..0x80 => return,
                0xc2..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf5 => 4,
                _ => return odd.insert(PathOddity::InvalidUtf8),
            };
        }
        if let Some(slot) = self.bytes.get_mut(self.have) {
            *slot = byte;
        }
        self.have += 1;
        if self.have == self.need {
            let character = self.bytes.get(..self.need).unwrap_or_default();
            if std::str::from_utf8(character).is_err() {
                odd.insert(PathOddity::InvalidUtf8);
            }
            *self = Self::default();
        }
    }

    fn end(&self, odd: &mut PathOddities) {
        if self.need != 0 {
            odd.insert(PathOddity::InvalidUtf8);
        }
    }
}

/// Bytes with their escapes decoded once; bad escapes stay as they are.
struct Decoded<'a>(&'a [u8]);

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        match escape_at(rest, 0) {
            Some(value) if first == b'%' => {
                self.0 = rest.get(2..).unwrap_or_default();
                Some(value)
            }
            _ => {
                self.0 = rest;
                Some(first)
            }
        }
    }
}

/// Splits a target at its first question mark; the query comes without it.
pub fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', target) {
        Some(mark) => (
            target.get(..mark).unwrap_or_default(),
            Some(target.get(mark + 1..).unwrap_or_default()),
        ),
        None => (target, None),
    }
}

/// `text` with its escapes decoded once. Bad escapes stay as they are, and so does `+`.
pub fn percent_decode(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'%', text).is_none() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(Decoded(text).collect())
}
