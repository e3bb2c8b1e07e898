//! Clients that speak HTTP/2: each stream is one exchange.

pub(crate) mod head;
pub(super) mod inflow;
pub(super) mod onward;
mod reply;

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use exchange::message::Scheme;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use wire::request;
use wire::{Fields, HeadLimits, Parsed, Profile, Refusal};

use self::reply::{Frames, Line};
use super::buffer::Buffer;
use super::stream::Source;
use super::{After, Channel, drive};
use crate::limits::{
    H2_CONNECTION_WINDOW, H2_EXCHANGES_MAX, H2_HEAD_BYTES, H2_PENDING_RESETS_MAX, H2_RESETS_MAX,
    H2_RESETS_PERIOD, H2_SEND_BYTES, H2_STREAM_WINDOW, H2_STREAMS_MAX,
};
use crate::ticker::Watch;
use crate::tls::Secured;
use crate::transport::Transport;
use crate::worker::Worker;

/// What the streams of a connection have in common.
struct Shared {
    worker: Rc<Worker>,
    address: IpAddr,
    security: (Scheme, Option<Rc<Secured>>),
    watch: Watch,
    /// Exchanges under way.
    active: Cell<usize>,
    /// Streams that the client gave up in this period, and when it began.
    resets: Cell<usize>,
    resets_since: Cell<u32>,
}

/// Serves a client until one side has had enough.
pub(crate) async fn serve(
    worker: Rc<Worker>,
    transport: Transport,
    address: IpAddr,
    security: (Scheme, Option<Rc<Secured>>),
) {
    let watch = worker.ticker.enroll();
    watch.arm(worker.timeouts.request_head);
    let handshake = settings().handshake::<_, Bytes>(transport);
    let Ok(Ok(connection)) = watch.within(handshake).await else { return };
    let resets_since = Cell::new(worker.ticker.now());
    let (active, resets) = (Cell::new(0), Cell::new(0));
    let shared = Rc::new(Shared { worker, address, security, watch, active, resets, resets_since });
    // how a connection ended is known to its streams
    let _ = shared.accept(connection).await;
}

/// The limits of a connection; `h2` closes one that floods it with empty or tiny frames.
fn settings() -> Builder {
    let mut builder = Builder::new();
    builder
        .initial_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .max_concurrent_streams(H2_STREAMS_MAX)
        .max_header_list_size(H2_HEAD_BYTES)
        .max_concurrent_reset_streams(H2_PENDING_RESETS_MAX)
        .max_pending_accept_reset_streams(H2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(Some(H2_RESETS_MAX))
        .max_send_buffer_size(H2_SEND_BYTES);
    builder
}

impl Shared {
    /// Takes streams as they come. Polling the connection is also what moves the frames of all
    /// its streams.
    async fn accept(
        self: &Rc<Self>,
        mut connection: Connection<Transport, Bytes>,
    ) -> Result<(), h2::Error> {
        let mut taken = 0;
        let mut leaving = false;
        self.watch.arm(self.worker.timeouts.idle);
        while let Some(accepted) = std::future::poll_fn(|context| {
            if self.resets.get() > H2_RESETS_MAX {
                connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
                self.resets.set(0);
            }
            let ends = self.worker.is_closing() || taken >= H2_EXCHANGES_MAX;
            let polled = connection.poll_accept(context);
            match polled {
                Poll::Pending if !leaving && (ends || self.is_idle(context)) => {
                    leaving = true;
                    connection.graceful_shutdown();
                    self.watch.arm(self.worker.timeouts.stall);
                    connection.poll_accept(context)
                }
                Poll::Pending if leaving && self.is_idle(context) => Poll::Ready(None),
                polled => polled,
            }
        })
        .await
        {
            let (request, respond) = accepted?;
            taken += 1;
            let stream = Stream::new(self);
            tokio::task::spawn_local(stream.run(request, respond));
        }
        Ok(())
    }

    /// Whether no exchange is under way, and none has been for too long.
    fn is_idle(&self, context: &Context<'_>) -> bool {
        self.watch.is_late(context) && self.active.get() == 0
    }

    /// The client gave up a stream: each costs us more than it costs the client.
    fn reset(&self) {
        let ticker = &self.worker.ticker;
        if self.resets_since.get() <= ticker.now() {
            self.resets_since.set(ticker.after(H2_RESETS_PERIOD));
            self.resets.set(0);
        }
        self.resets.set(self.resets.get() + 1);
    }
}

/// One exchange of a connection.
struct Stream(Rc<Shared>);

impl Stream {
    fn new(shared: &Rc<Shared>) -> Self {
        shared.active.set(shared.active.get() + 1);
        Self(Rc::clone(shared))
    }

    async fn run(self, request: Request<RecvStream>, respond: SendResponse<Bytes>) {
        let (parts, body) = request.into_parts();
        let bodiless = body.is_end_stream();
        let line = Rc::new(RefCell::new(Line::new(respond)));
        let mut buffer = Buffer::new();
        let source = Source::of_stream(body, &mut buffer);
        let frames = Frames::new(Rc::clone(&line), &parts);
        let shared = &self.0;
        let worker = Rc::clone(&shared.worker);
        let mut channel =
            Channel::new(worker, shared.address, shared.security.clone(), source, frames);
        let served = {
            let mut serving = pin!(channel.serve_stream(&parts, bodiless));
            // who gives up a stream must not keep the upstream busy with it
            std::future::poll_fn(|context| match serving.as_mut().poll(context) {
                Poll::Ready(after) => Poll::Ready(Some(after)),
                Poll::Pending if line.borrow_mut().is_reset(context) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        drop(channel);
        match served {
            Some(After::Keep | After::Close) => {}
            Some(After::Reset) => line.borrow_mut().reset(Reason::INTERNAL_ERROR),
            None => shared.reset(),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let shared = &self.0;
        shared.active.set(shared.active.get() - 1);
        shared.watch.arm(shared.worker.timeouts.idle);
    }
}

impl<'s> Channel<'s, Frames> {
    async fn serve_stream(&mut self, parts: &http::request::Parts, bodiless: bool) -> After {
        let refusal = match self.read_head(parts, bodiless) {
            Ok(()) => return drive::exchange(self).await,
            Err(refusal) => refusal,
        };
        self.note_refused(refusal);
        let bodiless = parts.method == http::Method::HEAD;
        self.answer_refused(refusal, bodiless).await.unwrap_or(After::Reset)
    }

    /// Reads the head as if it had come over HTTP/1.1: there is one reader, and one set of rules.
    fn read_head(&mut self, parts: &http::request::Parts, bodiless: bool) -> Result<(), Refusal> {
        let mut bytes = std::mem::take(&mut self.request_out);
        head::write(parts, bodiless, &mut bytes)?;
        let limits = HeadLimits::request();
        let parsed = request::parse_head(&bytes, &limits, Profile::Observe, &mut self.head)?;
        let whole = parsed == Parsed::Complete { head_len: bytes.len() };
        self.request_out = bytes;
        if whole { Ok(()) } else { Err(Refusal::RequestLine) }
    }
}

/// The fields that are forwarded. What cannot stand in HTTP/2 could not stand in HTTP/1.1 either,
/// and has been refused.
pub(super) fn header_map(fields: &Fields) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.end_to_end() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}
