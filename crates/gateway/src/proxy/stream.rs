//! The two directions of a connection, with deadlines: one read for what has come, one write for
//! what goes.

use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::HeaderMap;
use tokio::io::ReadBuf;
use wire::{Fields, Refusal};

use super::buffer::Buffer;
use super::h2::inflow::Frames;
use super::h2::onward::Outflow;
use crate::ticker::{Late, Watch};
use crate::transport::{Reader, Writer};

/// Why a socket gave nothing, or took nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// The other end is gone.
    Gone,
    /// The deadline passed.
    Late,
    /// The other end says that it has done nothing with the request.
    Unprocessed,
}

impl From<Late> for Cut {
    fn from(Late: Late) -> Self {
        Self::Late
    }
}

/// Where bytes come from.
#[derive(Debug)]
pub(crate) enum Inflow<'s> {
    /// A connection of HTTP/1.1: heads and framed bodies, one after the other.
    Connection(Reader<'s>),
    /// A stream of HTTP/2: one message, and its end.
    Stream(Box<Frames>),
    /// A stored message of HTTP/1.1, head and body.
    Memory([Bytes; 2]),
}

/// What comes in.
#[derive(Debug)]
pub(crate) struct Source<'s> {
    inflow: Inflow<'s>,
    pub(crate) buffer: &'s mut Buffer,
}

impl<'s> Source<'s> {
    pub(crate) fn new(reader: Reader<'s>, buffer: &'s mut Buffer) -> Self {
        Self { inflow: Inflow::Connection(reader), buffer }
    }

    /// The body of a request that came over HTTP/2.
    pub(crate) fn of_stream(stream: RecvStream, buffer: &'s mut Buffer) -> Self {
        Self { inflow: Inflow::Stream(Box::new(Frames::of_body(stream))), buffer }
    }

    /// A response that comes over HTTP/2.
    pub(crate) fn of_response(response: ResponseFuture, buffer: &'s mut Buffer) -> Self {
        Self { inflow: Inflow::Stream(Box::new(Frames::of_response(response))), buffer }
    }

    /// A message from memory.
    pub(crate) fn of_memory(head: Bytes, body: Bytes, buffer: &'s mut Buffer) -> Self {
        Self { inflow: Inflow::Memory([head, body]), buffer }
    }

    /// Whether the end of input is the end of the message rather than of the connection.
    pub(crate) fn ends_with_message(&self) -> bool {
        matches!(self.inflow, Inflow::Stream(_))
    }

    /// Whether it is known that nothing more comes.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(&self.inflow, Inflow::Stream(frames) if frames.has_ended())
    }

    /// What follows the body of a message in frames, once that has come to its end.
    pub(crate) async fn trailers(&mut self, watch: &Watch) -> Result<Result<Fields, Refusal>, Cut> {
        let Inflow::Stream(frames) = &mut self.inflow else { return Ok(Ok(Fields::new())) };
        watch.within(std::future::poll_fn(|context| frames.poll_trailers(context))).await?
    }

    /// Reads once and says how many bytes came; none when the other end has finished sending, or
    /// when the buffer is full.
    pub(crate) async fn fill(&mut self, watch: &Watch) -> Result<usize, Cut> {
        self.fill_unless(watch, || false).await
    }

    /// Like [`Source::fill`], and gone when `given_up` holds while nothing has come.
    pub(crate) async fn fill_unless(
        &mut self,
        watch: &Watch,
        given_up: impl Fn() -> bool,
    ) -> Result<usize, Cut> {
        std::future::poll_fn(|context| match self.poll_fill(context) {
            Poll::Ready(filled) => Poll::Ready(filled),
            Poll::Pending if given_up() => Poll::Ready(Err(Cut::Gone)),
            Poll::Pending if watch.is_late(context) => Poll::Ready(Err(Cut::Late)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        let room = self.buffer.room();
        let count = match &mut self.inflow {
            Inflow::Connection(reader) => {
                let mut read = ReadBuf::new(room);
                let polled = reader.poll_read(context, &mut read);
                let count = read.filled().len();
                std::task::ready!(polled).map(|()| count).map_err(|_| Cut::Gone)
            }
            Inflow::Memory(parts) => Ok(copy(parts, room)),
            Inflow::Stream(frames) => std::task::ready!(frames.poll_read(context, room)),
        };
        if let Ok(count) = count {
            self.buffer.filled_by(count);
        }
        Poll::Ready(count)
    }
}

/// Moves what fits from the front of `parts`.
fn copy(parts: &mut [Bytes], room: &mut [u8]) -> usize {
    let mut copied = 0;
    for part in parts {
        let count = part.len().min(room.len() - copied);
        room[copied..copied + count].copy_from_slice(&part.split_to(count));
        copied += count;
    }
    copied
}

/// Where bytes go.
#[derive(Debug)]
enum Way<'s> {
    Connection(Writer<'s>),
    /// The body of a request over HTTP/2.
    Stream(Outflow),
}

/// What goes out.
#[derive(Debug)]
pub(crate) struct Sink<'s> {
    way: Way<'s>,
    /// Bytes that the system has taken.
    pub(crate) taken: u64,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(writer: Writer<'s>) -> Self {
        Self { way: Way::Connection(writer), taken: 0 }
    }

    /// The body of a request over HTTP/2 behind its head of `head_bytes`; none if that was all.
    pub(crate) fn of_stream(stream: Option<SendStream<Bytes>>, head_bytes: usize) -> Self {
        Self { way: Way::Stream(Outflow::new(stream)), taken: head_bytes as u64 }
    }

    /// The message has been written; over HTTP/1.1 its bytes say so, and its trailers are in them.
    pub(crate) fn end(&mut self, trailers: impl FnOnce() -> Option<HeaderMap>) {
        if let Way::Stream(stream) = &mut self.way {
            stream.end(trailers());
        }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&mut self, bytes: &[u8], watch: &Watch) -> Result<(), Cut> {
        let mut written = 0;
        std::future::poll_fn(|context| {
            let polled = self.poll_write_all(context, bytes, &mut written);
            match polled {
                Poll::Pending if watch.is_late(context) => Poll::Ready(Err(Cut::Late)),
                polled => polled,
            }
        })
        .await
    }

    fn poll_write_all(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        written: &mut usize,
    ) -> Poll<Result<(), Cut>> {
        while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
            let count =
                match &mut self.way {
                    Way::Connection(writer) => std::task::ready!(writer.poll_write(context, rest))
                        .map_err(|_| Cut::Gone)?,
                    Way::Stream(stream) => std::task::ready!(stream.poll_write(context, rest))
                        .map_err(|_| Cut::Gone)?,
                };
            if count == 0 {
                return Poll::Ready(Err(Cut::Gone));
            }
            *written += count;
            self.taken += count as u64;
        }
        match &mut self.way {
            Way::Connection(writer) => writer.poll_flush(context).map_err(|_| Cut::Gone),
            Way::Stream(_) => Poll::Ready(Ok(())),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self, watch: &Watch) {
        let Way::Connection(writer) = &mut self.way else { return };
        // the other end may be gone, and then it need not be told
        let _ = watch.within(std::future::poll_fn(|context| writer.poll_shutdown(context))).await;
    }
}
