//! The two directions of a socket, with deadlines: one read for what has come, one write for what
//! goes.

use std::pin::Pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::buffer::Buffer;
use crate::ticker::{Late, Watch};

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

/// What comes in.
#[derive(Debug)]
pub(crate) struct Source<'s> {
    half: ReadHalf<'s>,
    pub(crate) buffer: &'s mut Buffer,
}

impl<'s> Source<'s> {
    pub(crate) fn new(half: ReadHalf<'s>, buffer: &'s mut Buffer) -> Self {
        Self { half, buffer }
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
        std::future::poll_fn(|context| {
            let mut read = ReadBuf::new(self.buffer.room());
            let polled = Pin::new(&mut self.half).poll_read(context, &mut read);
            let count = read.filled().len();
            match polled {
                Poll::Ready(Ok(())) => {
                    self.buffer.filled_by(count);
                    Poll::Ready(Ok(count))
                }
                Poll::Ready(Err(_)) => Poll::Ready(Err(Cut::Gone)),
                Poll::Pending if given_up() => Poll::Ready(Err(Cut::Gone)),
                Poll::Pending if watch.is_late(context) => Poll::Ready(Err(Cut::Late)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }
}

/// What goes out.
#[derive(Debug)]
pub(crate) struct Sink<'s> {
    half: WriteHalf<'s>,
    /// Bytes that the system has taken.
    pub(crate) taken: u64,
}

impl<'s> Sink<'s> {
    pub(crate) fn new(half: WriteHalf<'s>) -> Self {
        Self { half, taken: 0 }
    }

    /// Writes all of `bytes`.
    pub(crate) async fn write(&mut self, bytes: &[u8], watch: &Watch) -> Result<(), Cut> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = std::future::poll_fn(|context| {
                match Pin::new(&mut self.half).poll_write(context, rest) {
                    Poll::Ready(Ok(count)) if count > 0 => Poll::Ready(Ok(count)),
                    Poll::Ready(_) => Poll::Ready(Err(Cut::Gone)),
                    Poll::Pending if watch.is_late(context) => Poll::Ready(Err(Cut::Late)),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await?;
            self.taken += count as u64;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        // the other end may be gone, and then it need not be told
        let _ =
            std::future::poll_fn(|context| Pin::new(&mut self.half).poll_shutdown(context)).await;
    }
}
