//! The head of a response: bytes to [`ResponseHead`], as strict as for requests.

use std::ops::Range;

use crate::field::Fields;
use crate::framing::{Control, Framing, Version};
use crate::head::{Parsed, Progress, line_end};
use crate::limits::HeadLimits;
use crate::refusal::Refusal;
use crate::scan;

/// What the request was, as far as it decides how its response ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Asked {
    /// Anything but the others.
    #[default]
    Plain,
    /// HEAD: the response has no body, whatever its fields say.
    Head,
    /// A WebSocket: only then may the response be 101.
    Upgrade,
}

impl Asked {
    /// The same over an upstream's connection; one that carries frames cannot change its protocol.
    #[must_use]
    pub const fn over(self, frames: bool) -> Self {
        match self {
            Self::Upgrade if frames => Self::Plain,
            other => other,
        }
    }
}

/// The head of a response. Owns its bytes and is reused from one response to the next.
#[derive(Debug, Clone, Default)]
pub struct ResponseHead {
    progress: Progress,
    status: u16,
    reason: Range<usize>,
    version: Version,
    fields: Fields,
    framing: Framing,
    content_length: Option<u64>,
    keep_alive: bool,
    names_fields: bool,
}

/// Reads the head at the start of `buf` into `out`; resumes like
/// [`request::parse_head`](crate::request::parse_head).
///
/// Interim responses (1xx) are heads of their own: call again for the final one, with the bytes
/// behind the first, and no more often than
/// [`INTERIM_RESPONSES`](crate::limits::INTERIM_RESPONSES).
///
/// # Errors
/// The first thing that is wrong. The upstream connection must then be dropped.
pub fn parse_head(
    buf: &[u8],
    limits: &HeadLimits,
    asked: Asked,
    out: &mut ResponseHead,
) -> Result<Parsed, Refusal> {
    if out.progress.at == 0 || out.progress.at > buf.len() {
        out.clear();
    }
    let parsed = out.advance(buf, limits, asked);
    if parsed != Ok(Parsed::Partial) {
        out.progress = Progress::default();
    }
    parsed
}

impl ResponseHead {
    /// An empty head, to be filled by [`parse_head`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the response and keeps the memory.
    pub fn clear(&mut self) {
        self.progress = Progress::default();
        self.fields.clear();
        self.reason = 0..0;
        self.status = 0;
    }

    /// The status, 100 to 999.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase; may be empty.
    pub fn reason(&self) -> &[u8] {
        self.fields.at(self.reason.clone())
    }

    /// The version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// All fields.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Where the body ends, given what was asked.
    pub const fn framing(&self) -> Framing {
        self.framing
    }

    /// The declared length, also where there is no body: in answers to HEAD, and with 304.
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Whether the upstream connection can be used again after this response.
    pub const fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether another response follows: 1xx, but not 101.
    pub const fn is_interim(&self) -> bool {
        matches!(self.status, 100 | 102..=199)
    }

    /// Whether `Connection` names fields beside the usual options.
    pub(crate) const fn names_fields(&self) -> bool {
        self.names_fields
    }

    fn advance(
        &mut self,
        buf: &[u8],
        limits: &HeadLimits,
        asked: Asked,
    ) -> Result<Parsed, Refusal> {
        if self.progress.at == 0 {
            match self.status_line(buf, limits)? {
                Some(next) => self.progress.at = next,
                None => return Ok(Parsed::Partial),
            }
        }
        let Some(head_len) = self.progress.fields(buf, limits, &mut self.fields)? else {
            return Ok(Parsed::Partial);
        };
        self.fields.adopt(buf.get(..head_len).unwrap_or_default());
        self.read_fields(asked)?;
        Ok(Parsed::Complete { head_len })
    }

    /// Reads the status line; returns where the next line begins.
    fn status_line(&mut self, buf: &[u8], limits: &HeadLimits) -> Result<Option<usize>, Refusal> {
        const VERSION_LEN: usize = b"HTTP/1.1 ".len();
        const CODE_LEN: usize = VERSION_LEN + 3;
        let known = buf.get(..VERSION_LEN).unwrap_or(buf);
        self.version = if b"HTTP/1.1 ".starts_with(known) {
            Version::Http11
        } else if b"HTTP/1.0 ".starts_with(known) {
            Version::Http10
        } else {
            return Err(Refusal::StatusLine);
        };
        let mut status = 0;
        for at in VERSION_LEN..CODE_LEN {
            match buf.get(at) {
                Some(b'0') if at == VERSION_LEN => return Err(Refusal::StatusCode),
                Some(digit @ b'0'..=b'9') => status = status * 10 + u16::from(digit - b'0'),
                Some(_) => return Err(Refusal::StatusCode),
                None => return Ok(None),
            }
        }
        self.status = status;
        let reason_start = match buf.get(CODE_LEN) {
            None => return Ok(None),
            Some(b' ') => CODE_LEN + 1,
            // The space is required, but servers without a reason phrase leave it out.
            Some(b'\r') => CODE_LEN,
            Some(b'\n') => return Err(Refusal::BareLf),
            Some(_) => return Err(Refusal::StatusCode),
        };
        let window = buf.get(..limits.field_bytes.saturating_add(2)).unwrap_or(buf);
        let rest = window.get(reason_start..).unwrap_or_default();
        let reason_end = reason_start + scan::value_end(rest);
        match line_end(window, reason_end, Refusal::StatusLine)? {
            None if window.len() > limits.field_bytes.saturating_add(1) => {
                Err(Refusal::FieldTooLong)
            }
            next => {
                self.reason = reason_start..reason_end;
                Ok(next)
            }
        }
    }

    fn read_fields(&mut self, asked: Asked) -> Result<(), Refusal> {
        let control = Control::collect(&self.fields);
        let declared = control.declared(self.version)?;
        self.content_length = match declared {
            Framing::Length(length) => Some(length),
            _ => None,
        };
        self.framing = match (self.status, declared) {
            (101, _) if asked != Asked::Upgrade => return Err(Refusal::UnaskedSwitch),
            (100..=199 | 204 | 304, _) => Framing::None,
            _ if asked == Asked::Head => Framing::None,
            (_, Framing::None) => Framing::UntilClose,
            (_, framing) => framing,
        };
        self.keep_alive = control.keeps_alive(self.version) && self.framing != Framing::UntilClose;
        self.names_fields = control.connection.names_field;
        Ok(())
    }
}
