//! The way back to a client, whatever version of HTTP it speaks.

use wire::response::ResponseHead;
use wire::{Fields, Framing};

use super::stream::{Cut, Sink};
use crate::refuse::Rendered;
use crate::ticker::Watch;

/// The answer to one request, and then to the next. Its parts are prepared in order and go out
/// when they are flushed, so that an answer can be withheld until inspection has spoken.
pub(crate) trait Reply<'s> {
    /// Prepares the head of the answer in place of whatever was prepared before. Returns whether
    /// the client's connection can stay open; it must not, unless it `keeps`.
    /// With a `request_id`, the client is told that one.
    fn head(
        &mut self,
        head: &ResponseHead,
        framing: Framing,
        request_id: Option<&str>,
        keeps: bool,
    ) -> bool;

    /// Prepares a piece of the body.
    fn data(&mut self, data: &[u8]);

    /// Prepares the end of the message.
    fn end(&mut self, trailers: &Fields);

    /// Bytes that are prepared and not sent.
    fn pending(&self) -> usize;

    /// Bytes of the body that were prepared since its head, sent or not.
    fn body_bytes(&self) -> u64;

    /// Sends what is prepared.
    async fn flush(&mut self, watch: &Watch) -> Result<(), Cut>;

    /// Sends an interim response other than 100, if the client knows such.
    async fn interim(&mut self, head: &ResponseHead, watch: &Watch) -> Result<(), Cut>;

    /// Asks for the body that the client holds back.
    async fn invite(&mut self, watch: &Watch) -> Result<(), Cut>;

    /// Sends an answer of our own, whole, in place of whatever was prepared; without its body if
    /// it is `bodiless`.
    async fn own(
        &mut self,
        answer: &Rendered,
        bodiless: bool,
        keeps: bool,
        watch: &Watch,
    ) -> Result<(), Cut>;

    /// The bare connection, if it can change its protocol.
    fn bare(&mut self) -> Option<&mut Sink<'s>>;
}
