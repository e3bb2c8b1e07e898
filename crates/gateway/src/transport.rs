//! A connection's bytes, in the clear or under TLS: what everything above it reads and writes.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio_rustls::TlsStream;

/// A connection to a client or to an upstream.
#[derive(Debug)]
pub(crate) enum Transport {
    /// TCP as it is.
    Plain(TcpStream),
    /// TLS after its handshake. Both halves use one state, so they borrow it in turn; they belong
    /// to one task, and no borrow lasts over an await.
    Secure(Box<RefCell<TlsStream<TcpStream>>>),
}

/// What comes in over a [`Transport`].
#[derive(Debug)]
pub(crate) enum Reader<'s> {
    Plain(ReadHalf<'s>),
    Secure(&'s RefCell<TlsStream<TcpStream>>),
}

/// What goes out over a [`Transport`].
#[derive(Debug)]
pub(crate) enum Writer<'s> {
    Plain(WriteHalf<'s>),
    Secure(&'s RefCell<TlsStream<TcpStream>>),
}

impl Transport {
    /// A connection whose handshake is over.
    pub(crate) fn secure(stream: impl Into<TlsStream<TcpStream>>) -> Self {
        Self::Secure(Box::new(RefCell::new(stream.into())))
    }

    /// Both directions, to be used side by side.
    pub(crate) fn split(&mut self) -> (Reader<'_>, Writer<'_>) {
        match self {
            Self::Plain(stream) => {
                let (read, write) = stream.split();
                (Reader::Plain(read), Writer::Plain(write))
            }
            Self::Secure(stream) => (Reader::Secure(stream), Writer::Secure(stream)),
        }
    }

    /// Whether the other end has neither closed the connection nor sent anything unasked. Either
    /// would be taken for the answer to the next request.
    pub(crate) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match self {
            Self::Plain(stream) => {
                if stream.poll_read_ready(&mut context).is_pending() {
                    return true;
                }
                let peeked = stream.try_read(&mut [0]);
                matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
            }
            // what TLS says to itself, such as a session ticket, is no answer
            Self::Secure(stream) => {
                let mut byte = [0];
                let mut read = ReadBuf::new(&mut byte);
                Pin::new(stream.get_mut()).poll_read(&mut context, &mut read).is_pending()
            }
        }
    }

    /// Closing the connection from now on resets it, so that nobody takes what was sent for a
    /// whole answer.
    pub(crate) fn break_off(&self) {
        // if it cannot be reset it is closed, which is the most that can be done
        let _ = match self {
            Self::Plain(stream) => stream.set_zero_linger(),
            Self::Secure(stream) => stream.borrow().get_ref().0.set_zero_linger(),
        };
    }
}

impl Reader<'_> {
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => Pin::new(half).poll_read(context, into),
            Self::Secure(stream) => Pin::new(&mut *stream.borrow_mut()).poll_read(context, into),
        }
    }
}

impl Writer<'_> {
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(half) => Pin::new(half).poll_write(context, bytes),
            Self::Secure(stream) => Pin::new(&mut *stream.borrow_mut()).poll_write(context, bytes),
        }
    }

    /// TLS takes bytes that the system has not taken yet.
    pub(crate) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Secure(stream) => Pin::new(&mut *stream.borrow_mut()).poll_flush(context),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => Pin::new(half).poll_shutdown(context),
            Self::Secure(stream) => Pin::new(&mut *stream.borrow_mut()).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Secure(stream) => Pin::new(stream.get_mut()).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secure(stream) => Pin::new(stream.get_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Secure(stream) => Pin::new(stream.get_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secure(stream) => Pin::new(stream.get_mut()).poll_shutdown(context),
        }
    }
}
