//! The import report of one recording: what was read, what was not, where and why.

use std::collections::BTreeMap;

use wire::Fields;

use super::pull::Broken;
use crate::limits;

/// Why a record is skipped. The words are those of an analysis's `read.reasons`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Skip {
    /// An entry that is not the JSON it should be, or without method or URL.
    BrokenEntry,
    /// A line that is not in the form of the others.
    BrokenLine,
    /// There was no answer: status 0, or none recorded.
    NoResponse,
    /// `data:`, `blob:`, browser pages, bytes of other protocols.
    NotHttp,
    /// Above the limit for one record.
    TooLarge,
    /// A file in a form that is not known.
    UnknownForm,
    /// An upgraded connection: its messages are not exchanges.
    WebSocket,
}

impl Skip {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::BrokenEntry,
        Self::BrokenLine,
        Self::NoResponse,
        Self::NotHttp,
        Self::TooLarge,
        Self::UnknownForm,
        Self::WebSocket,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrokenEntry => "broken entry",
            Self::BrokenLine => "broken line",
            Self::NoResponse => "no response",
            Self::NotHttp => "not http",
            Self::TooLarge => "too large",
            Self::UnknownForm => "unknown form",
            Self::WebSocket => "websocket",
        }
    }

    /// What whoever made the recording can do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::BrokenEntry => "export the recording again, or correct this entry",
            Self::BrokenLine => "correct or remove the line; the others have been read",
            Self::NoResponse => "nothing to do: the request was blocked or cancelled",
            Self::NotHttp => "nothing to do: it never reached a server as HTTP",
            Self::TooLarge => "record without downloads, or remove the entry",
            Self::UnknownForm => "convert it to HAR 1.2, an access log, or ndjson",
            Self::WebSocket => "nothing to do: messages of WebSockets are not read",
        }
    }
}

/// Something in a recording that a person may want to look at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The entry or line, counted from 1.
    pub number: u64,
    /// Bytes before it, after decompression.
    pub offset: u64,
    /// What kind of trouble.
    pub skip: Skip,
    /// What stands there, in words: never the text itself.
    pub found: &'static str,
    /// What was expected there.
    pub expected: &'static str,
}

/// What became of a recording's records.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Exchanges that were handed on.
    pub exchanges: u64,
    /// Records that were not.
    pub skipped: u64,
    /// The same by reason.
    pub reasons: BTreeMap<&'static str, u64>,
    /// The first [`limits::RECORDING_PLACES_MAX`] records that are broken, with where they are.
    pub places: Vec<Place>,
    /// Exchanges that carried a credential. It goes no further than their inspection.
    pub credentials_dropped: u64,
    /// Records of any kind so far; the number of a place.
    pub(super) records: u64,
}

impl Tally {
    /// Counts a record that is as it should be and yet no exchange.
    pub(super) fn skip(&mut self, skip: Skip) {
        self.skipped += 1;
        *self.reasons.entry(skip.as_str()).or_default() += 1;
    }

    /// Counts a record that cannot be read, and keeps its place.
    pub(super) fn broken(&mut self, skip: Skip, record: u64, what: Broken) {
        self.skip(skip);
        self.note(skip, record, what);
    }

    /// Keeps a place without counting a record: the fault is between records.
    pub(super) fn note(&mut self, skip: Skip, record: u64, what: Broken) {
        if self.places.len() < limits::RECORDING_PLACES_MAX {
            self.places.push(Place {
                number: self.records,
                offset: record + what.at as u64,
                skip,
                found: what.found,
                expected: what.expected,
            });
        }
    }

    /// Counts an exchange.
    pub(super) fn exchange(&mut self, request: &Fields, response: Option<&Fields>) {
        self.exchanges += 1;
        let carried = holds_credential(request) || response.is_some_and(holds_credential);
        self.credentials_dropped += u64::from(carried);
    }
}

/// Field names whose values open doors.
const CREDENTIALS: [&str; 5] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "x-api-key"];

fn holds_credential(fields: &Fields) -> bool {
    fields.iter().any(|(name, _)| {
        CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    })
}
