//! Connections of HTTP/2 to an upstream: those of one worker, which its requests share.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use tokio::sync::Notify;

use super::Unreachable;
use crate::limits::{
    H2_HEAD_BYTES, H2_SEND_BYTES, H2_STREAM_WINDOW, H2_STREAMS_MAX, H2_UPSTREAM_CONNECTIONS_MAX,
    H2_UPSTREAM_WINDOW,
};
use crate::transport::Transport;

/// The connections to one upstream.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: RefCell<Vec<Rc<Connection>>>,
    /// Another is being opened; requests wait for it rather than open one each.
    opening: RefCell<Option<Rc<Opening>>>,
}

#[derive(Debug)]
struct Connection {
    sender: SendRequest<Bytes>,
    /// Requests that share it.
    under_way: Cell<usize>,
    /// It has carried requests since it was last looked at; it has carried any.
    used: Cell<bool>,
    reused: Cell<bool>,
    close_at: Cell<u32>,
    /// It takes no more requests.
    retired: Cell<bool>,
}

/// One request's part of a connection.
#[derive(Debug)]
pub(crate) struct Share {
    connection: Rc<Connection>,
    /// The connection had carried a request before.
    pub(super) reused: bool,
}

/// A connection that is being opened.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    failed: Cell<Option<Unreachable>>,
    ended: Notify,
}

/// Who opens a connection, for all that wait. Dropping it leaves the task to another.
#[derive(Debug)]
pub(crate) struct Opener<'c> {
    connections: &'c Connections,
    opening: Rc<Opening>,
}

/// What a look at the connections gives.
pub(crate) enum Found<'c> {
    Share(Share),
    /// Another request is opening one.
    Opening(Rc<Opening>),
    /// There is none: open one.
    Nothing(Opener<'c>),
    /// All carry as many requests as they may, and there are as many as there may be.
    Full,
}

impl Connections {
    /// A share of a connection that takes another request: the one with the most of them, so that
    /// the others can grow old and be closed.
    pub(crate) fn find(&self) -> Found<'_> {
        let mut open = self.open.borrow_mut();
        open.retain(|connection| connection.lives());
        let free = open.iter().filter(|connection| connection.has_room());
        if let Some(connection) = free.max_by_key(|connection| connection.under_way.get()) {
            return Found::Share(Share::of(connection));
        }
        let mut opening = self.opening.borrow_mut();
        if let Some(opening) = &*opening {
            return Found::Opening(Rc::clone(opening));
        }
        if open.len() >= H2_UPSTREAM_CONNECTIONS_MAX {
            return Found::Full;
        }
        let begun = Rc::new(Opening::default());
        *opening = Some(Rc::clone(&begun));
        Found::Nothing(Opener { connections: self, opening: begun })
    }

    /// Closes what has been idle for longer than `idle_ticks`, or was closed by the upstream.
    pub(super) fn sweep(&self, now: u32, idle_ticks: u32) {
        self.open.borrow_mut().retain(|connection| {
            if connection.under_way.get() > 0 || connection.used.replace(false) {
                connection.close_at.set(now.saturating_add(idle_ticks));
            }
            connection.close_at.get() > now && connection.lives()
        });
    }
}

impl Connection {
    /// Whether it takes requests: the upstream has neither closed it nor said that it will.
    fn lives(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let ready = self.sender.clone().poll_ready(&mut context);
        !self.retired.get() && !matches!(ready, Poll::Ready(Err(_)))
    }

    fn has_room(&self) -> bool {
        let allowed = self.sender.current_max_send_streams();
        self.under_way.get() < allowed.min(H2_STREAMS_MAX as usize)
    }
}

impl Share {
    fn of(connection: &Rc<Connection>) -> Self {
        connection.under_way.set(connection.under_way.get() + 1);
        connection.used.set(true);
        let reused = connection.reused.replace(true);
        Self { connection: Rc::clone(connection), reused }
    }

    /// What sends the request.
    pub(crate) fn sender(&self) -> SendRequest<Bytes> {
        self.connection.sender.clone()
    }

    /// The connection takes no more requests: nothing may come over it any more.
    pub(crate) fn retire(&self) {
        self.connection.retired.set(true);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.connection.under_way.set(self.connection.under_way.get() - 1);
    }
}

impl Opening {
    /// Waits until it has ended; what went wrong if it failed.
    pub(crate) async fn ended(&self) -> Result<(), Unreachable> {
        self.ended.notified().await;
        self.failed.get().map_or(Ok(()), Err)
    }
}

impl Opener<'_> {
    /// The connection is there. Returns its first share.
    pub(crate) fn opened(self, sender: SendRequest<Bytes>) -> Share {
        let connection = Rc::new(Connection {
            sender,
            under_way: Cell::new(0),
            used: Cell::new(true),
            reused: Cell::new(false),
            close_at: Cell::new(u32::MAX),
            retired: Cell::new(false),
        });
        self.connections.open.borrow_mut().push(Rc::clone(&connection));
        Share::of(&connection)
    }

    /// All that wait for it cannot be served.
    pub(crate) fn failed(self, why: Unreachable) {
        self.opening.failed.set(Some(why));
    }
}

impl Drop for Opener<'_> {
    fn drop(&mut self) {
        self.connections.opening.borrow_mut().take();
        self.opening.ended.notify_waiters();
    }
}

/// Greets the upstream. The connection lives until nobody can share it any more, or it breaks,
/// which its requests are told.
pub(super) async fn open(transport: Transport) -> Result<SendRequest<Bytes>, h2::Error> {
    let (sender, connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_UPSTREAM_WINDOW)
        .max_header_list_size(H2_HEAD_BYTES)
        .max_send_buffer_size(H2_SEND_BYTES)
        .handshake(transport)
        .await?;
    tokio::task::spawn_local(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an upstream's connection broke");
        }
    });
    Ok(sender)
}
