//! An answer's head as it goes to a client, where that is not as it came.

use wire::response::{self, Asked, ResponseHead};
use wire::serialize::{line, status_line};
use wire::{HeadLimits, Parsed};

/// Changes to a head, made all at once. A head that could not be read after them is left as it is.
#[derive(Debug, Default)]
pub(crate) struct Amend {
    remove: Vec<&'static str>,
    append: Vec<u8>,
    reframed: bool,
}

impl Amend {
    /// Whether there is anything to change.
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.append.is_empty() && !self.reframed
    }

    /// Leaves out the fields of that name.
    pub(crate) fn remove(&mut self, name: &'static str) {
        self.remove.push(name);
    }

    /// Adds a field at the end.
    pub(crate) fn append(&mut self, name: &str, value: &[u8]) {
        line(name.as_bytes(), value, &mut self.append);
    }

    /// The body will have another length, which nobody knows yet.
    pub(crate) fn reframe(&mut self) {
        self.reframed = true;
    }

    /// The changed head; `None` if it would be none.
    pub(crate) fn apply(&self, head: &ResponseHead, asked: Asked) -> Option<ResponseHead> {
        let mut bytes = Vec::with_capacity(1_024);
        status_line(head.status(), head.reason(), &mut bytes);
        for (name, value) in head.fields().iter() {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let framing = is("content-length") || is("transfer-encoding");
            if self.remove.iter().any(|known| is(known)) || self.reframed && framing {
                continue;
            }
            line(name, value, &mut bytes);
        }
        bytes.extend_from_slice(&self.append);
        if self.reframed {
            line(b"Transfer-Encoding", b"chunked", &mut bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        read(&bytes, asked)
    }
}

/// Reads a head that we have written.
pub(crate) fn read(bytes: &[u8], asked: Asked) -> Option<ResponseHead> {
    let mut head = ResponseHead::new();
    let parsed = response::parse_head(bytes, &HeadLimits::response(), asked, &mut head).ok()?;
    (parsed == Parsed::Complete { head_len: bytes.len() }).then_some(head)
}
