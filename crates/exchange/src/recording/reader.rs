//! The one way in: bytes of a recording in any form that is known, in chunks of any size.

use super::access_log::AccessLog;
use super::detect::{self, Form};
use super::har::Har;
use super::har_entry::HarLines;
use super::json_log::JsonLog;
use super::ndjson::Ndjson;
use super::pull::Broken;
use super::tally::{Skip, Tally};
use super::{Feed, Recorded};
use crate::limits;

/// Room that is lent for one read. Large enough that a system call costs nothing beside decoding,
/// small enough to stay in the second-level cache.
const ROOM: usize = 256 << 10;

/// Reads one recording.
#[derive(Debug)]
pub struct Reader {
    name: Box<str>,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
    offset: u64,
    form: Option<Form>,
    decoder: Decoder,
    tally: Tally,
}

#[derive(Debug)]
enum Decoder {
    AccessLog(AccessLog),
    Har(Har),
    HarLines(HarLines),
    JsonLog(JsonLog),
    Ndjson(Ndjson),
    Undecided,
    Unknown,
}

impl Reader {
    /// A reader for the recording of this name, which is a hint where the content leaves doubt.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            buffer: Vec::new(),
            from: 0,
            to: 0,
            offset: 0,
            form: None,
            decoder: Decoder::Undecided,
            tally: Tally::default(),
        }
    }

    /// Room for the next bytes; never empty. How many were put there is told to
    /// [`Reader::filled`].
    pub fn space(&mut self) -> &mut [u8] {
        if self.from > 0 {
            self.buffer.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        let wanted = self.to + ROOM;
        if self.buffer.len() < wanted {
            // doubling, so that a large record is not moved for every chunk of it
            let ceiling = limits::RECORDING_ENTRY_BYTES_MAX + 2 * ROOM;
            let doubled = (self.buffer.len() * 2).min(ceiling);
            self.buffer.resize(doubled.max(wanted), 0);
        } else if self.buffer.len() > 64 * ROOM && self.to < ROOM {
            self.buffer.truncate(2 * ROOM);
            self.buffer.shrink_to_fit();
        }
        &mut self.buffer[self.to..]
    }

    /// Reads the `count` bytes that were put into [`Reader::space`].
    pub fn filled(&mut self, count: usize, each: &mut dyn FnMut(Recorded<'_>)) {
        self.to = (self.to + count).min(self.buffer.len());
        self.decode(false, each);
    }

    /// Copies `bytes` in and reads them.
    pub fn push(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Recorded<'_>)) {
        while !bytes.is_empty() {
            let space = self.space();
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.filled(now.len(), each);
            bytes = later;
        }
    }

    /// Says that no bytes will follow.
    pub fn finish(&mut self, each: &mut dyn FnMut(Recorded<'_>)) {
        self.decode(true, each);
    }

    /// What has become of the records so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The form of the recording, once its beginning has shown it.
    #[must_use]
    pub const fn form(&self) -> Option<Form> {
        self.form
    }

    fn decode(&mut self, last: bool, each: &mut dyn FnMut(Recorded<'_>)) {
        let bytes = &self.buffer[self.from..self.to];
        if matches!(self.decoder, Decoder::Undecided) {
            let Some(form) = detect::form(bytes, last, &self.name) else { return };
            self.form = Some(form);
            self.decoder = match form {
                Form::AccessLog => Decoder::AccessLog(AccessLog::default()),
                Form::Har => Decoder::Har(Har::default()),
                Form::HarLines => Decoder::HarLines(HarLines::default()),
                Form::JsonLog => Decoder::JsonLog(JsonLog::default()),
                Form::Ndjson => Decoder::Ndjson(Ndjson::default()),
                Form::Unknown => {
                    let found = "bytes of another kind of file";
                    let expected = "HAR 1.2, an access log or ndjson";
                    self.tally.broken(Skip::UnknownForm, 0, Broken { at: 0, found, expected });
                    Decoder::Unknown
                }
            };
        }
        let mut feed = Feed { tally: &mut self.tally, each, base: self.offset, last };
        let used = match &mut self.decoder {
            Decoder::AccessLog(decoder) => decoder.decode(bytes, &mut feed),
            Decoder::Har(decoder) => decoder.decode(bytes, &mut feed),
            Decoder::HarLines(decoder) => decoder.decode(bytes, &mut feed),
            Decoder::JsonLog(decoder) => decoder.decode(bytes, &mut feed),
            Decoder::Ndjson(decoder) => decoder.decode(bytes, &mut feed),
            Decoder::Undecided => 0,
            Decoder::Unknown => bytes.len(),
        };
        self.from += used;
        self.offset += used as u64;
    }
}
