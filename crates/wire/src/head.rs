//! What request and response heads have in common: line ends, field lines, and how to resume.

use crate::field::{Entry, Fields};
use crate::limits::{FIELD_OVERHEAD, HeadLimits};
use crate::refusal::Refusal;
use crate::scan;

/// How far a head has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// The head is complete; the body begins after so many bytes.
    Complete {
        /// Bytes of the head, with the empty line in front of it that one client in a thousand
        /// sends, and with the empty line that ends it.
        head_len: usize,
    },
    /// The bytes so far are in order, but more are needed.
    Partial,
}

/// Where to go on when more bytes have come: at a line start, so that a head that trickles in byte
/// by byte is not read again from its beginning each time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    pub(crate) at: usize,
    weight: usize,
}

/// One complete field line.
pub(crate) struct Line {
    entry: Entry,
    next: usize,
}

/// Where a line ends that has nothing left but its line end, at `at`: after CRLF, or `None` if more
/// bytes are needed. Any other byte there is `otherwise`.
pub(crate) fn line_end(
    buf: &[u8],
    at: usize,
    otherwise: Refusal,
) -> Result<Option<usize>, Refusal> {
    match (buf.get(at), buf.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => Ok(Some(at + 2)),
        (None, _) | (Some(b'\r'), None) => Ok(None),
        (Some(b'\r'), Some(_)) => Err(Refusal::BareCr),
        (Some(b'\n'), _) => Err(Refusal::BareLf),
        (Some(_), _) => Err(otherwise),
    }
}

/// Skips the one empty line that may stand before a request line (RFC 9112 §2.2).
pub(crate) fn leading_line(buf: &[u8]) -> Result<Option<usize>, Refusal> {
    if !matches!(buf.first(), Some(b'\r' | b'\n')) {
        return Ok(if buf.is_empty() { None } else { Some(0) });
    }
    let Some(next) = line_end(buf, 0, Refusal::RequestLine)? else { return Ok(None) };
    match buf.get(next) {
        None => Ok(None),
        Some(b'\r' | b'\n') => Err(Refusal::LeadingLines),
        Some(_) => Ok(Some(next)),
    }
}

impl Progress {
    /// Reads field lines to the empty line; returns where the head ends, or `None` if it does not
    /// end yet.
    pub(crate) fn fields(
        &mut self,
        buf: &[u8],
        limits: &HeadLimits,
        fields: &mut Fields,
    ) -> Result<Option<usize>, Refusal> {
        loop {
            match buf.get(self.at) {
                None => return Ok(None),
                Some(b'\r' | b'\n') => return line_end(buf, self.at, Refusal::BareCr),
                Some(b' ' | b'\t') if fields.is_empty() => return Err(Refusal::FieldLeadingSpace),
                Some(_) if fields.len() == limits.fields => return Err(Refusal::TooManyFields),
                Some(_) => {}
            }
            let rest = buf.get(self.at..).unwrap_or_default();
            // Nothing beyond the limit is looked at, so that the outcome does not depend on how
            // many bytes happened to arrive together.
            let most = limits.field_bytes.saturating_add(2);
            let window = rest.get(..most).unwrap_or(rest);
            let Some(line) = field_line(window)? else {
                return if window.len() < most { Ok(None) } else { Err(Refusal::FieldTooLong) };
            };
            let Entry { name_start, name_end, value_start, value_end } = line.entry;
            self.weight += name_end - name_start + value_end - value_start + FIELD_OVERHEAD;
            if self.weight > limits.head_bytes {
                return Err(Refusal::HeadTooLong);
            }
            fields.note(Entry {
                name_start: self.at + name_start,
                name_end: self.at + name_end,
                value_start: self.at + value_start,
                value_end: self.at + value_end,
            });
            self.at += line.next;
        }
    }
}

/// Reads the field line at the start of `buf`; `None` if it is incomplete but in order so far.
pub(crate) fn field_line(buf: &[u8]) -> Result<Option<Line>, Refusal> {
    let name_end = scan::token_end(buf);
    match buf.get(name_end) {
        None => return Ok(None),
        Some(b':') if name_end > 0 => {}
        Some(b':') => return Err(Refusal::FieldNameEmpty),
        Some(b' ' | b'\t') if name_end == 0 => return Err(Refusal::ObsFold),
        Some(b' ' | b'\t') => return Err(Refusal::FieldNameSpace),
        Some(b'\r') => return Err(Refusal::FieldColon),
        Some(b'\n') => return Err(Refusal::BareLf),
        Some(_) => return Err(Refusal::FieldName),
    }
    let after_colon = buf.get(name_end + 1..).unwrap_or_default();
    let blank = match after_colon {
        // The common case, spelled out: one space.
        [b' ', b'!'..=b'~', ..] => 1,
        _ => after_colon.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(0),
    };
    let value_start = name_end + 1 + blank;
    let value = buf.get(value_start..).unwrap_or_default();
    let stop = value_start + scan::value_end(value);
    let Some(next) = line_end(buf, stop, Refusal::FieldValue)? else { return Ok(None) };
    let value = buf.get(value_start..stop).unwrap_or_default();
    let trailing = value.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let value_end = stop - trailing;
    Ok(Some(Line { entry: Entry { name_start: 0, name_end, value_start, value_end }, next }))
}

impl Line {
    /// The ranges of the name and the value in the line.
    pub(crate) fn entry(&self) -> Entry {
        self.entry
    }
}
