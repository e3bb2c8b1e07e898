//! Reads JSON members in place, as far as the bytes reach: recordings are large, most of their
//! members are of no interest, and their strings are better lent than copied.
//!
//! Unlike [`crate::json`] this reader is lenient: what it does not look at need not be right, and
//! strings may hold bytes that are not UTF-8 or half a surrogate pair, as browsers write them.

use memchr::memchr2;

/// Why reading stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stop {
    /// The bytes end before the value does.
    More,
    /// The byte at this offset is not what the grammar asks for.
    Broken(Broken),
}

/// What was in the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Broken {
    /// Its offset.
    pub(super) at: usize,
    /// What stands there.
    pub(super) found: &'static str,
    /// What would have been right.
    pub(super) expected: &'static str,
}

/// A string between its quotes, as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    /// Text without escapes.
    pub(super) const fn plain(raw: &'a [u8]) -> Self {
        Self { raw, escaped: false }
    }

    /// What is meant: lent where it is written plainly, otherwise put into `scratch`.
    pub(super) fn read<'s>(self, scratch: &'s mut Vec<u8>) -> &'s [u8]
    where
        'a: 's,
    {
        if !self.escaped {
            return self.raw;
        }
        scratch.clear();
        unescape(self.raw, scratch);
        scratch
    }

    /// As it is written, escapes unresolved: enough for names, which nobody escapes.
    pub(super) const fn raw(self) -> &'a [u8] {
        self.raw
    }

    /// True when there is nothing in it.
    pub(super) const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }
}

/// A value that may be of any type.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    /// A number, `true`, `false` or `null`, as it is written.
    Bare(&'a [u8]),
    /// An array or object; it is still to be read.
    Nested(u8),
    /// A string.
    Text(Text<'a>),
}

/// A position in JSON text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pull<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Pull<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space; it is not consumed.
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Stop::More)
    }

    /// Consumes `byte`, which must come next.
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Stop> {
        if self.peek()? == byte {
            self.at += 1;
            return Ok(());
        }
        Err(self.broken(expected))
    }

    /// Enters an object if one comes next; steps over anything else.
    pub(super) fn enter(&mut self, open: u8) -> Result<bool, Stop> {
        if self.peek()? == open {
            self.at += 1;
            return Ok(true);
        }
        self.skip()?;
        Ok(false)
    }

    /// The name of the next member of an object, up to behind its colon; `None` at the end.
    pub(super) fn member(&mut self) -> Result<Option<Text<'a>>, Stop> {
        let mut byte = self.peek()?;
        // the comma before a member is read with it, so that the first one needs no case of its own
        if byte == b',' {
            self.at += 1;
            byte = self.peek()?;
        }
        match byte {
            b'"' => {}
            b'}' => {
                self.at += 1;
                return Ok(None);
            }
            _ => return Err(self.broken("a member's name or the end of the object")),
        }
        let name = self.text()?;
        self.expect(b':', "a colon behind a member's name")?;
        Ok(Some(name))
    }

    /// True when another element of an array follows; false at its end, which is consumed.
    pub(super) fn element(&mut self) -> Result<bool, Stop> {
        let mut byte = self.peek()?;
        if byte == b',' {
            self.at += 1;
            byte = self.peek()?;
        }
        if byte == b']' {
            self.at += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// A string.
    pub(super) fn text(&mut self) -> Result<Text<'a>, Stop> {
        self.expect(b'"', "a string")?;
        let rest = &self.bytes[self.at..];
        let (mut end, mut escaped) = (0, false);
        loop {
            end += quote_or_escape(rest.get(end..).ok_or(Stop::More)?).ok_or(Stop::More)?;
            let (raw, behind) = rest.split_at(end);
            if behind.first() == Some(&b'"') {
                self.at += end + 1;
                return Ok(Text { raw, escaped });
            }
            escaped = true;
            end += 2;
        }
    }

    /// A string; anything else is stepped over.
    pub(super) fn text_or_skip(&mut self) -> Result<Option<Text<'a>>, Stop> {
        if self.peek()? == b'"' {
            return self.text().map(Some);
        }
        self.skip()?;
        Ok(None)
    }

    /// A value of any type; arrays and objects are left to be read.
    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Stop> {
        match self.peek()? {
            b'"' => self.text().map(Scalar::Text),
            byte @ (b'{' | b'[') => Ok(Scalar::Nested(byte)),
            _ => self.bare().map(Scalar::Bare),
        }
    }

    /// A number, perhaps in quotes; anything else is stepped over.
    pub(super) fn number(&mut self) -> Result<Option<f64>, Stop> {
        let written = match self.scalar()? {
            Scalar::Bare(written) => written,
            Scalar::Text(text) => text.raw(),
            Scalar::Nested(_) => {
                self.skip()?;
                return Ok(None);
            }
        };
        Ok(std::str::from_utf8(written).ok().and_then(|text| text.parse().ok()))
    }

    /// Steps over one value.
    pub(super) fn skip(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.text()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return Err(self.broken("a value")),
                byte @ (b'}' | b']' | b',' | b':') => {
                    depth -= usize::from(matches!(byte, b'}' | b']'));
                    self.at += 1;
                }
                _ => {
                    self.bare()?;
                }
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// A number or literal: it ends where something else begins, so the end of the bytes is not
    /// its end.
    fn bare(&mut self) -> Result<&'a [u8], Stop> {
        let rest = &self.bytes[self.at..];
        let length = rest
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'+' | b'-'));
        match length {
            None => Err(Stop::More),
            Some(0) => Err(self.broken("a value")),
            Some(length) => {
                self.at += length;
                Ok(&rest[..length])
            }
        }
    }

    /// The byte that comes next is in the way.
    pub(super) fn broken(&self, expected: &'static str) -> Stop {
        let found = match self.bytes.get(self.at) {
            None => "the end",
            Some(b'"') => "a string",
            Some(b'{' | b'}') => "a brace",
            Some(b'[' | b']') => "a bracket",
            Some(b',' | b':') => "a comma or colon",
            Some(b'0'..=b'9' | b'-') => "a number",
            Some(byte) if byte.is_ascii_alphabetic() => "a letter",
            Some(byte) if byte.is_ascii_control() => "a control character",
            Some(_) => "a character that is not JSON",
        };
        Stop::Broken(Broken { at: self.at, found, expected })
    }
}

/// Where the next quote or backslash is. Strings in headers are short, and JSON within JSON has an
/// escape every few bytes, so the first bytes are looked at eight at a time without a call; what is
/// plain for longer is left to `memchr`.
#[inline(always)]
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut done = 0;
    while done < 48 {
        let Some(chunk) = bytes.get(done..done + 8).and_then(<[u8]>::first_chunk::<8>) else {
            break;
        };
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        let hit = (quote.wrapping_sub(ONES) & !quote | slash.wrapping_sub(ONES) & !slash) & HIGH;
        if hit != 0 {
            return Some(done + hit.trailing_zeros() as usize / 8);
        }
        done += 8;
    }
    memchr2(b'"', b'\\', &bytes[done..]).map(|at| done + at)
}

/// Resolves the escapes of JSON. What is no escape stays; half a surrogate pair becomes U+FFFD.
pub(super) fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    out.reserve(raw.len() + 8);
    let mut rest = raw;
    while let Some(behind) = copy_plain(rest, out) {
        let Some((&byte, behind)) = behind.split_first() else { return };
        rest = behind;
        out.push(match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'u' => {
                rest = character(behind, out);
                continue;
            }
            other => other,
        });
    }
}

/// Copies what stands before the next backslash; returns what stands behind it. JSON within JSON
/// has one every few bytes, so eight bytes are copied at a time and those too many taken back.
fn copy_plain<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let slash = u64::from_le_bytes(*eight) ^ (ONES * b'\\' as u64);
        let hit = slash.wrapping_sub(ONES) & !slash & HIGH;
        out.extend_from_slice(eight);
        if hit != 0 {
            let plain = hit.trailing_zeros() as usize / 8;
            out.truncate(out.len() - (8 - plain));
            return rest.get(plain + 1..);
        }
        rest = behind;
    }
    let plain = rest.iter().position(|byte| *byte == b'\\');
    out.extend_from_slice(&rest[..plain.unwrap_or(rest.len())]);
    rest.get(plain? + 1..)
}

/// Writes the character behind `\u`; returns what follows it.
fn character<'a>(digits: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some((high, behind)) = unit(digits) else {
        out.extend_from_slice(b"\\u");
        return digits;
    };
    let (code, rest) = match high {
        0xd800..=0xdbff => match behind.strip_prefix(b"\\u").and_then(unit) {
            Some((low @ 0xdc00..=0xdfff, rest)) => {
                (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), rest)
            }
            _ => (high, behind),
        },
        _ => (high, behind),
    };
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    rest
}

fn unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let value =
        digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))?;
    Some((value, rest))
}

/// Steps over one value of any size without keeping it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Skipper {
    depth: usize,
    in_text: bool,
    escaped: bool,
    bare: bool,
}

impl Skipper {
    /// Reads on; `Some` holds how many bytes belonged to the value when its end has come. `None`:
    /// all of them did.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.in_text {
                if self.escaped {
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                at += quote_or_escape(&bytes[at..])?;
                self.escaped = bytes[at] == b'\\';
                self.in_text = self.escaped;
                at += 1;
                if !self.in_text && self.depth == 0 {
                    return Some(at);
                }
                continue;
            }
            match byte {
                b'"' => self.in_text = true,
                b'{' | b'[' => self.depth += 1,
                // a bare value ends before what closes its parent
                b'}' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                b',' if self.depth == 0 => return Some(at),
                b' ' | b'\n' | b'\r' | b'\t' => {
                    if self.depth == 0 && self.bare {
                        return Some(at);
                    }
                }
                _ => self.bare |= self.depth == 0,
            }
            at += 1;
        }
        None
    }
}
