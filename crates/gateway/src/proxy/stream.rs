//! The two directions of a connection, with deadlines: one read for what has come, one write for
//! what goes.

use std::task::{Context, Poll};

use bytes::Bytes;
use h2::RecvStream;
use tokio::io::ReadBuf;

use super::buffer::Buffer;
use crate::ticker::{Late, Watch};
use crate::transport::{Reader, Writer};

/// Why a socket gave nothing, or took nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// The other end is gone.
    Gone,
    /// The deadline passed.
    Late,
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
    /// A stream of HTTP/2: the body of one message, and its end.
    Stream(Box<Frames>),
    /// A stored message of HTTP/1.1, head and body.
    Memory([Bytes; 2]),
}

/// The body of an HTTP/2 message.
#[derive(Debug)]
pub(crate) struct Frames {
    stream: RecvStream,
    /// What did not fit when it came.
    rest: Bytes,
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

    /// The body of a message that came over HTTP/2.
    pub(crate) fn of_stream(stream: RecvStream, buffer: &'s mut Buffer) -> Self {
        let frames = Frames { stream, rest: Bytes::new() };
        Self { inflow: Inflow::Stream(Box::new(frames)), buffer }
    }

    /// A message from memory.
    pub(crate) fn of_memory(head: Bytes, body: Bytes, buffer: &'s mut Buffer) -> Self {
        Self { inflow: Inflow::Memory([head, body]), buffer }
    }

    /// Whether the end of input is the end of the message rather than of the connection.
    pub(crate) fn ends_with_message(&self) -> bool {
        matches!(self.inflow, Inflow::Stream(_))
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

impl Frames {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<Result<usize, Cut>> {
        if room.is_empty() {
            return Poll::Ready(Ok(0));
        }
        while self.rest.is_empty() {
            match std::task::ready!(self.stream.poll_data(context)) {
                Some(Ok(data)) => self.rest = data,
                Some(Err(_)) => return Poll::Ready(Err(Cut::Gone)),
                None => return Poll::Ready(Ok(0)),
            }
        }
        let count = self.rest.len().min(room.len());
        let data = self.rest.split_to(count);
        room[..count].copy_from_slice(&data);
        // the other end may send as much again; a stream that is over needs no more
        let _ = self.stream.flow_control().release_capacity(count);
        Poll::Ready(Ok(count))
    }
}

/// What goes out over a connection of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Sink<'s> {
    writer: Writer<'s>,
    /// Bytes that the system has taken.
    pub(crate) taken: u64,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(writer: Writer<'s>) -> Self {
        Self { writer, taken: 0 }
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
            match std::task::ready!(self.writer.poll_write(context, rest)) {
                Ok(count) if count > 0 => {
                    *written += count;
                    self.taken += count as u64;
                }
                _ => return Poll::Ready(Err(Cut::Gone)),
            }
        }
        self.writer.poll_flush(context).map_err(|_| Cut::Gone)
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self, watch: &Watch) {
        // the other end may be gone, and then it need not be told
        let _ =
            watch.within(std::future::poll_fn(|context| self.writer.poll_shutdown(context))).await;
    }
}
