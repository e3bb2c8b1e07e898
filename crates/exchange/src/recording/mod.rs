//! Recorded bytes to exchanges: pure decoding; the caller opens the file and feeds chunks.
//!
//! A [`Reader`] lends room for the next bytes, so that nothing is copied twice, and calls back
//! for every exchange. What cannot be read is counted with its reason in a [`Tally`]; a record
//! that is broken never costs the ones behind it. Memory is bounded by the largest record
//! ([`crate::limits::RECORDING_ENTRY_BYTES_MAX`]), not by the file.

mod access_log;
mod base64;
pub mod detect;
mod har;
mod har_entry;
mod heads;
mod json_log;
mod json_log_names;
mod lines;
pub mod ndjson;
mod pull;
mod reader;
mod tally;

pub use reader::Reader;
pub use tally::{Place, Skip, Tally};

use crate::body::Body;
use crate::message::{RequestHead, ResponseHead};
use crate::moment::Moment;
use crate::peer::Peer;

/// One exchange out of a recording. Its heads are lent: the decoder uses their buffers again.
#[derive(Debug)]
pub struct Recorded<'a> {
    /// When the request was sent, by the record; where it does not say, as the record before it.
    pub at: Moment,
    /// How long the exchange took, in microseconds; 0 where the record does not say.
    pub duration_us: u64,
    /// Who sent it, as far as the record says. Without a recorded address the peer is trusted to
    /// name one in `X-Forwarded-For`.
    pub peer: Peer,
    /// The request's head.
    pub request: RequestHead<'a>,
    /// The request's body.
    pub request_body: Body<'a>,
    /// The response's head; `None` when there was no response.
    pub response: Option<ResponseHead<'a>>,
    /// The response's body. A decoder that was given it decompressed leaves out the field
    /// `Content-Encoding`, so that fields and bytes agree.
    pub response_body: Body<'a>,
}

/// What a decoder works with: the tally, the listener, and where in the recording it is.
struct Feed<'f> {
    tally: &'f mut Tally,
    each: &'f mut dyn FnMut(Recorded<'_>),
    /// Bytes of the recording before those at hand.
    base: u64,
    /// No bytes will follow those at hand.
    last: bool,
}

impl Feed<'_> {
    /// Hands an exchange on and counts it.
    fn exchange(&mut self, recorded: Recorded<'_>) {
        let response = recorded.response.map(|head| head.fields);
        self.tally.exchange(recorded.request.fields, response);
        (self.each)(recorded);
    }
}
