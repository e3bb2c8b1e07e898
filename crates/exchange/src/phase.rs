//! The completed parts of an exchange, in the order in which they come.

use serde::{Deserialize, Serialize};

/// A completed part of an exchange; detectors run at the end of one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Request line and header fields.
    RequestHead,
    /// The request's body, to its end or to the limit.
    RequestBody,
    /// Status and header fields of the response.
    ResponseHead,
    /// The response's body, to its end or to the limit.
    ResponseBody,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 4] =
        [Self::RequestHead, Self::RequestBody, Self::ResponseHead, Self::ResponseBody];
}
