//! A body as far as it is known, and why it is not known further.

use serde::{Deserialize, Serialize};

/// Why a body, or the rest of it, is not there.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Compressed in a way that is not undone, or not undone within the limits.
    Encoded,
    /// There is none: the message has no content.
    Empty,
    /// Not what its media type says it is.
    Malformed,
    /// No rule looks at it.
    NotInspected,
    /// The recording does not hold it.
    NotRecorded,
    /// Larger than the limit.
    OverLimit,
}

/// A body as far as it is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body<'a> {
    /// Nothing of it is known.
    Absent(Why),
    /// Its beginning.
    Partial(&'a [u8]),
    /// All of it.
    Whole(&'a [u8]),
}
