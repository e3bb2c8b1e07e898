//! The one reader of JSON from traffic: strict RFC 8259 text to a stream of tokens, without
//! recursion, without a tree, with bounds on depth and size. Who listens builds what it needs.

use std::borrow::Cow;
use std::fmt;

use crate::limits;

/// What listens to the tokens, in the order of the text.
pub trait Sink {
    /// The byte at which the next container, value or name begins.
    #[inline]
    fn at(&mut self, _offset: usize) {}
    /// `{` or `[`.
    fn open(&mut self, container: Container);
    /// `}` or `]`.
    fn close(&mut self, container: Container);
    /// The name of a member; its value comes next.
    fn name(&mut self, name: Text<'_>);
    /// A string value.
    fn string(&mut self, text: Text<'_>);
    /// A number, as it is written.
    fn number(&mut self, digits: &str);
    /// `true`, `false` or `null`.
    fn literal(&mut self, literal: Literal);
}

/// The two containers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Container {
    /// `[…]`.
    Array,
    /// `{…}`.
    Object,
}

/// The three literals.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Literal {
    /// `false`.
    False,
    /// `null`.
    Null,
    /// `true`.
    True,
}

/// The text of a string between its quotes, escapes and all.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The text as it is written, escapes not resolved.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// True when the text has escapes, so that what is written is not what is meant.
    #[must_use]
    pub const fn is_escaped(self) -> bool {
        self.escaped
    }

    /// The text that is meant. Allocates only where there are escapes.
    #[must_use]
    pub fn decode(self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// Why a text is not the JSON that may pass, and at which byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// The offset of the byte at which reading stopped.
    pub at: usize,
}

/// What can be wrong with a JSON text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FaultKind {
    /// A control character inside a string.
    ControlCharacter,
    /// Nested deeper than [`limits::JSON_DEPTH_MAX`].
    Depth,
    /// A backslash with something behind it that is no escape, or half a surrogate pair.
    Escape,
    /// A number that the grammar does not allow.
    Number,
    /// A number of more than [`limits::JSON_NUMBER_BYTES_MAX`] bytes.
    NumberLength,
    /// Not the token that the grammar asks for here.
    Syntax,
    /// More than [`limits::JSON_TOKENS_MAX`] values and names.
    Tokens,
    /// Something behind the end of the value.
    Trailing,
    /// The text ends inside the value, or is empty.
    Truncated,
    /// Not UTF-8.
    Utf8,
}

impl FaultKind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ControlCharacter => "control character in string",
            Self::Depth => "nested too deep",
            Self::Escape => "invalid escape",
            Self::Number => "invalid number",
            Self::NumberLength => "number too long",
            Self::Syntax => "syntax",
            Self::Tokens => "too many values",
            Self::Trailing => "text behind the value",
            Self::Truncated => "ends too early",
            Self::Utf8 => "not UTF-8",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at byte {}", self.kind.as_str(), self.at)
    }
}

/// Reads one JSON text to its end. The sink has heard everything before a fault.
///
/// # Errors
/// The first thing that RFC 8259 or a limit does not allow.
pub fn read(text: &[u8], sink: &mut impl Sink) -> Result<(), Fault> {
    let text = std::str::from_utf8(text)
        .map_err(|error| Fault { kind: FaultKind::Utf8, at: error.valid_up_to() })?;
    read_text(text, sink)
}

/// The same for a text that is known to be UTF-8.
///
/// # Errors
/// As [`read`].
pub fn read_text(text: &str, sink: &mut impl Sink) -> Result<(), Fault> {
    let mut reader = Reader::new(text, 0);
    reader.run(sink)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(()) } else { Err(reader.fault(FaultKind::Trailing)) }
}

/// Reads the one JSON value that begins at byte `at` of `text`, whatever stands behind it.
///
/// # Errors
/// As [`read`], for this value.
pub fn read_value(text: &str, at: usize, sink: &mut impl Sink) -> Result<(), Fault> {
    Reader::new(text, at).run(sink)
}

/// What may come next.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    CommaOrEnd,
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// One bit per open container: set for an object.
    objects: u64,
    tokens: usize,
}

const _: () = assert!(limits::JSON_DEPTH_MAX <= 64, "`Reader::objects` has a bit per level");

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, bytes: text.as_bytes(), at, depth: 0, objects: 0, tokens: 0 }
    }

    fn run(&mut self, sink: &mut impl Sink) -> Result<(), Fault> {
        let mut expect = Expect::Value;
        loop {
            self.skip_space();
            let Some(&byte) = self.bytes.get(self.at) else {
                return Err(self.fault(FaultKind::Truncated));
            };
            expect = match (expect, byte) {
                (Expect::ValueOrEnd, b']') | (Expect::NameOrEnd, b'}') => self.close(sink),
                (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte, sink)?,
                (Expect::Name | Expect::NameOrEnd, b'"') => self.member(sink)?,
                (Expect::CommaOrEnd, b',') => {
                    self.at += 1;
                    if self.in_object() { Expect::Name } else { Expect::Value }
                }
                (Expect::CommaOrEnd, b'}') if self.in_object() => self.close(sink),
                (Expect::CommaOrEnd, b']') if !self.in_object() => self.close(sink),
                _ => return Err(self.fault(FaultKind::Syntax)),
            };
            if self.depth == 0 {
                return Ok(());
            }
        }
    }

    fn value(&mut self, byte: u8, sink: &mut impl Sink) -> Result<Expect, Fault> {
        self.count()?;
        sink.at(self.at);
        match byte {
            b'{' => return self.open(Container::Object, sink),
            b'[' => return self.open(Container::Array, sink),
            b'"' => {
                let text = self.quoted()?;
                sink.string(text);
            }
            b't' => self.word("true", Literal::True, sink)?,
            b'f' => self.word("false", Literal::False, sink)?,
            b'n' => self.word("null", Literal::Null, sink)?,
            b'-' | b'0'..=b'9' => self.number(sink)?,
            _ => return Err(self.fault(FaultKind::Syntax)),
        }
        Ok(Expect::CommaOrEnd)
    }

    fn member(&mut self, sink: &mut impl Sink) -> Result<Expect, Fault> {
        self.count()?;
        sink.at(self.at);
        let name = self.quoted()?;
        self.skip_space();
        match self.bytes.get(self.at) {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.fault(FaultKind::Syntax)),
            None => return Err(self.fault(FaultKind::Truncated)),
        }
        sink.name(name);
        Ok(Expect::Value)
    }

    fn open(&mut self, container: Container, sink: &mut impl Sink) -> Result<Expect, Fault> {
        if self.depth == limits::JSON_DEPTH_MAX {
            return Err(self.fault(FaultKind::Depth));
        }
        let bit = 1_u64 << self.depth;
        self.depth += 1;
        self.at += 1;
        sink.open(container);
        Ok(match container {
            Container::Object => {
                self.objects |= bit;
                Expect::NameOrEnd
            }
            Container::Array => {
                self.objects &= !bit;
                Expect::ValueOrEnd
            }
        })
    }

    fn close(&mut self, sink: &mut impl Sink) -> Expect {
        let container = if self.in_object() { Container::Object } else { Container::Array };
        sink.close(container);
        self.depth -= 1;
        self.at += 1;
        Expect::CommaOrEnd
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.objects >> (self.depth - 1) & 1 == 1
    }

    fn word(&mut self, word: &str, literal: Literal, sink: &mut impl Sink) -> Result<(), Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            let cut = word.as_bytes().starts_with(&self.bytes[self.at..]);
            let kind = if cut { FaultKind::Truncated } else { FaultKind::Syntax };
            return Err(self.fault(kind));
        }
        self.at += word.len();
        sink.literal(literal);
        Ok(())
    }

    fn number(&mut self, sink: &mut impl Sink) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.fault(FaultKind::Number)),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(byte) if byte.is_ascii_alphanumeric()) {
            return Err(self.fault(FaultKind::Number));
        }
        if self.at - start > limits::JSON_NUMBER_BYTES_MAX {
            return Err(self.fault(FaultKind::NumberLength));
        }
        sink.number(self.slice(start, self.at));
        Ok(())
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.skip_digits();
        if self.at == start { Err(self.fault(FaultKind::Number)) } else { Ok(()) }
    }

    /// Reads a string from its opening quote to behind its closing one.
    fn quoted(&mut self) -> Result<Text<'a>, Fault> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_prefix(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    let raw = self.slice(start, self.at);
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault(FaultKind::ControlCharacter)),
                None => return Err(self.fault(FaultKind::Truncated)),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let unit = self.unit(self.at + 2)?;
                self.at += 6;
                match unit {
                    0xd800..=0xdbff => {
                        let low = self.bytes[self.at..].starts_with(b"\\u");
                        if !low || !(0xdc00..=0xdfff).contains(&self.unit(self.at + 2)?) {
                            return Err(self.fault(FaultKind::Escape));
                        }
                        self.at += 6;
                    }
                    0xdc00..=0xdfff => return Err(self.fault(FaultKind::Escape)),
                    _ => {}
                }
            }
            Some(_) => return Err(self.fault(FaultKind::Escape)),
            None => return Err(self.fault(FaultKind::Truncated)),
        }
        Ok(())
    }

    fn unit(&self, at: usize) -> Result<u32, Fault> {
        let digits = self.bytes.get(at..at + 4).ok_or(self.fault(FaultKind::Truncated))?;
        hex_unit(digits).ok_or(self.fault(FaultKind::Escape))
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.tokens += 1;
        if self.tokens > limits::JSON_TOKENS_MAX {
            return Err(self.fault(FaultKind::Tokens));
        }
        Ok(())
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn skip_digits(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Text between two offsets which lie at ASCII bytes.
    fn slice(&self, from: usize, to: usize) -> &'a str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn fault(&self, kind: FaultKind) -> Fault {
        Fault { kind, at: self.at }
    }
}

/// How many bytes at the start are neither a quote, a backslash nor a control character. Looks at
/// eight bytes at a time with the usual zero-byte test on a word (a byte-wise `x - 1 & !x`).
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut done = 0;
    while let Some(eight) = bytes.get(done..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let special = control
            | zero_bytes(word ^ (ONES * u64::from(b'"')))
            | zero_bytes(word ^ (ONES * u64::from(b'\\')));
        if special != 0 {
            // borrows run upwards only, so the lowest hit is exact
            return done + (special.trailing_zeros() / 8) as usize;
        }
        done += 8;
    }
    let tail = bytes[done..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    done + tail.unwrap_or(bytes.len() - done)
}

fn hex_unit(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, byte| Some(sum << 4 | char::from(*byte).to_digit(16)?))
}

/// The text that is meant by what stands between two quotes, which was read before.
#[must_use]
pub fn decoded(raw: &str) -> Cow<'_, str> {
    let escaped = raw.as_bytes().contains(&b'\\');
    Text { raw, escaped }.decode()
}

/// Resolves escapes that [`Reader::escape`] has accepted.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let (character, used) = code_point(escape.as_bytes());
                out.push(character);
                rest = escape.get(used..).unwrap_or_default();
                continue;
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

/// The character of `uHHHH` or `uHHHH\uHHHH`, and how many bytes that took.
fn code_point(escape: &[u8]) -> (char, usize) {
    let unit = |at: usize| escape.get(at..at + 4).and_then(hex_unit).unwrap_or(0xfffd);
    let high = unit(1);
    if !(0xd800..=0xdbff).contains(&high) {
        return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5);
    }
    let low = unit(7);
    let code = 0x1_0000 + ((high - 0xd800) << 10) + low.wrapping_sub(0xdc00);
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
}
