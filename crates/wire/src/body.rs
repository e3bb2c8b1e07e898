//! Bodies: one framing in, one framing out, and never a copy of the data.

use std::ops::Range;

use crate::field::{CRITICAL, Fields, OWNED};
use crate::framing::Framing;
use crate::head;
use crate::limits::{BodyLimits, CHUNK_SIZE_DIGITS, FIELD_OVERHEAD};
use crate::refusal::Refusal;
use crate::scan::{TOKEN, hex_value};
use crate::serialize::line;

/// Digits of a chunk's size that are read in one go; nobody's chunks are larger.
const PLAIN_SIZE_DIGITS: usize = 7;

/// What follows the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The end of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// What [`BodyReader::advance`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A piece of the body: this range of the input. There may be more behind it.
    Data(Range<usize>),
    /// All input is used up, and the body goes on.
    More,
    /// The body is over; what is left of the input belongs to the next message.
    End,
}

/// Where a reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    /// In a chunk size: its value and its digits so far.
    Size(u64, u32),
    /// Behind the semicolon of a chunk extension, before its name.
    ExtensionStart(u64),
    /// In a chunk extension.
    Extension(u64),
    /// Behind the CR of a chunk size line.
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    Trailers,
    Ended,
}

/// Reads a body piece by piece, however it is cut.
#[derive(Debug, Clone)]
pub struct BodyReader {
    state: State,
    limits: BodyLimits,
    received: u64,
    extension_bytes: usize,
    trailer_bytes: usize,
    /// The trailer line that is incomplete.
    line: Vec<u8>,
    trailers: Fields,
}

impl BodyReader {
    /// A reader at the start of a body.
    ///
    /// # Errors
    /// [`Refusal::BodyTooLarge`] if the declared length is over the limit.
    pub fn new(framing: Framing, limits: &BodyLimits) -> Result<Self, Refusal> {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Ended,
            Framing::Length(length) if length > limits.bytes => return Err(Refusal::BodyTooLarge),
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size(0, 0),
            Framing::UntilClose => State::UntilClose,
        };
        Ok(Self {
            state,
            limits: *limits,
            received: 0,
            extension_bytes: 0,
            trailer_bytes: 0,
            line: Vec::new(),
            trailers: Fields::new(),
        })
    }

    /// Reads on: how many bytes of `input` are done with, and what they were. Data lies within
    /// those bytes. Call again with the rest of the input until [`Progress::More`] or
    /// [`Progress::End`].
    ///
    /// # Errors
    /// What is wrong with the framing, or which limit was passed. The body must then not be ended
    /// towards the other side as if it were whole.
    pub fn advance(&mut self, input: &[u8]) -> Result<(usize, Progress), Refusal> {
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            match self.state {
                State::Ended => return Ok((at, Progress::End)),
                _ if rest.is_empty() => return Ok((at, Progress::More)),
                State::Length(_) | State::UntilClose | State::Data(_) => {
                    let end = at + self.take(rest.len())?;
                    return Ok((end, Progress::Data(at..end)));
                }
                State::Trailers => at += self.trailer(rest)?,
                _ => match plain_frame(self.state, rest) {
                    Some((len, size)) => {
                        self.state = self.chunk(size)?;
                        at += len;
                    }
                    None => at += self.frame(rest)?,
                },
            }
        }
    }

    /// The connection was closed by the sender.
    ///
    /// # Errors
    /// [`Refusal::BodyTruncated`] if the body was not over.
    pub const fn end_of_input(&self) -> Result<(), Refusal> {
        match self.state {
            State::Ended | State::UntilClose => Ok(()),
            _ => Err(Refusal::BodyTruncated),
        }
    }

    /// Whether the body is over.
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Bytes of content so far.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// Bytes of content to come, where a length was declared.
    pub const fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Length(remaining) => Some(remaining),
            _ => None,
        }
    }

    /// Bytes of content that the sender has announced so far: all of them where a length was
    /// declared, else those of the chunks that have begun.
    pub const fn announced(&self) -> u64 {
        match self.state {
            State::Length(rest)
            | State::Data(rest)
            | State::ExtensionStart(rest)
            | State::Extension(rest)
            | State::SizeLf(rest) => self.received.saturating_add(rest),
            _ => self.received,
        }
    }

    /// The trailers, once the body is over. They are not forwarded unless the shell does so.
    pub const fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Takes up to `available` bytes of data and says how many.
    fn take(&mut self, available: usize) -> Result<usize, Refusal> {
        let available = available as u64;
        let (taken, next) = match self.state {
            State::Length(left) if left <= available => (left, State::Ended),
            State::Length(left) => (available, State::Length(left - available)),
            State::Data(left) if left <= available => (left, State::DataCr),
            State::Data(left) => (available, State::Data(left - available)),
            state => (available, state),
        };
        let received = self.received.saturating_add(taken);
        if received > self.limits.bytes {
            return Err(Refusal::BodyTooLarge);
        }
        self.received = received;
        self.state = next;
        Ok(usize::try_from(taken).expect("no more is taken than was available in memory"))
    }

    /// Reads framing bytes up to the next data, and says how many.
    fn frame(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        for (index, &byte) in input.iter().enumerate() {
            self.state = self.step(byte)?;
            if matches!(self.state, State::Data(_) | State::Trailers) {
                return Ok(index + 1);
            }
        }
        Ok(input.len())
    }

    /// The state after one byte of chunk framing.
    fn step(&mut self, byte: u8) -> Result<State, Refusal> {
        match (self.state, byte) {
            (State::Size(0.., 0), b'\r' | b'\n' | b';') => Err(Refusal::ChunkSize),
            (State::Size(size, digits), _) => match (byte, hex_value(byte)) {
                (_, Some(_)) if digits == CHUNK_SIZE_DIGITS => Err(Refusal::ChunkSize),
                (_, Some(digit)) => Ok(State::Size(size << 4 | u64::from(digit), digits + 1)),
                (b'\r', _) => Ok(State::SizeLf(size)),
                (b'\n', _) => Err(Refusal::BareLf),
                (b';', _) => self.extension(State::ExtensionStart(size)),
                _ => Err(Refusal::ChunkSize),
            },
            (State::ExtensionStart(size), _) if TOKEN[usize::from(byte)] => {
                self.extension(State::Extension(size))
            }
            (State::ExtensionStart(_) | State::Extension(_), b'\n') => Err(Refusal::BareLf),
            (State::ExtensionStart(_), _) => Err(Refusal::ChunkExtension),
            (State::Extension(size), b'\r') => Ok(State::SizeLf(size)),
            (State::Extension(size), b'\t' | b' '..=b'~') => self.extension(State::Extension(size)),
            (State::Extension(_), _) => Err(Refusal::ChunkExtension),
            (State::SizeLf(size), b'\n') => self.chunk(size),
            (State::SizeLf(_), _) => Err(Refusal::BareCr),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataCr, b'\n') => Err(Refusal::BareLf),
            (State::DataLf, b'\n') => Ok(State::Size(0, 0)),
            (State::DataLf, _) => Err(Refusal::BareCr),
            _ => Err(Refusal::ChunkEnd),
        }
    }

    fn extension(&mut self, next: State) -> Result<State, Refusal> {
        self.extension_bytes += 1;
        if self.extension_bytes > self.limits.extension_bytes {
            return Err(Refusal::ChunkExtensions);
        }
        Ok(next)
    }

    /// A chunk of `size` bytes begins. A size over the limit is refused before any of it comes.
    fn chunk(&mut self, size: u64) -> Result<State, Refusal> {
        let total = self.received.checked_add(size);
        match (size, total) {
            (0, _) => Ok(State::Trailers),
            (_, Some(total)) if total <= self.limits.bytes => Ok(State::Data(size)),
            _ => Err(Refusal::BodyTooLarge),
        }
    }

    /// Reads up to the end of one trailer line, and says how many bytes.
    fn trailer(&mut self, input: &[u8]) -> Result<usize, Refusal> {
        let len = memchr::memchr(b'\n', input).map_or(input.len(), |newline| newline + 1);
        let piece = input.get(..len).unwrap_or(input);
        self.trailer_bytes += piece.len();
        if self.trailer_bytes > self.limits.trailer_bytes {
            return Err(Refusal::Trailers);
        }
        self.line.extend_from_slice(piece);
        match self.line.as_slice() {
            b"\r\n" => self.state = State::Ended,
            b"\n" => return Err(Refusal::BareLf),
            [.., b'\n'] => {
                self.trailer_line()?;
                self.line.clear();
            }
            _ => {}
        }
        Ok(len)
    }

    fn trailer_line(&mut self) -> Result<(), Refusal> {
        let line = head::field_line(&self.line)?.ok_or(Refusal::BareCr)?.entry();
        let name = self.line.get(..line.name_end).unwrap_or_default();
        let value = self.line.get(line.value_start..line.value_end).unwrap_or_default();
        if CRITICAL.contains(name) || OWNED.contains(name) {
            return Err(Refusal::TrailerForbidden);
        }
        self.trailer_bytes += FIELD_OVERHEAD;
        if self.trailers.len() == self.limits.trailers || !self.trailers.push(name, value) {
            return Err(Refusal::Trailers);
        }
        Ok(())
    }
}

/// The framing between two chunks, if all of it is here and as everybody writes it: how many bytes
/// it takes, and the size of the next chunk. What is written in any other way is read byte by byte.
fn plain_frame(state: State, input: &[u8]) -> Option<(usize, u64)> {
    let (skipped, line) = match state {
        State::DataCr => (CHUNK_END.len(), input.strip_prefix(CHUNK_END)?),
        State::Size(0, 0) => (0, input),
        _ => return None,
    };
    let mut size = 0;
    for (digits, &byte) in line.iter().enumerate().take(PLAIN_SIZE_DIGITS + 1) {
        match hex_value(byte) {
            Some(digit) if digits < PLAIN_SIZE_DIGITS => size = size << 4 | u64::from(digit),
            None if digits > 0 && line.get(digits..digits + 2) == Some(CHUNK_END) => {
                return Some((skipped + digits + CHUNK_END.len(), size));
            }
            _ => return None,
        }
    }
    None
}

/// Writes the size line of a chunk of `len` bytes; its data and [`CHUNK_END`] follow. A chunk of
/// no bytes would end the body: that is [`encode_last_chunk`].
pub fn encode_chunk_head(len: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let used = (usize::BITS - len.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..used).rev() {
        out.push(DIGITS[len >> (digit * 4) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the end of a chunked body, with `trailers` if there are any to forward.
pub fn encode_last_chunk(trailers: Option<&Fields>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flat_map(Fields::iter) {
        let forbidden = CRITICAL.contains(name) || OWNED.contains(name);
        if !forbidden && trailers.is_some_and(|all| all.may_be_written(name, value)) {
            line(name, value, out);
        }
    }
    out.extend_from_slice(b"\r\n");
}
