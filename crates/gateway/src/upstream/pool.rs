//! What one worker knows and holds of one upstream: idle connections, those under way, and how it
//! has behaved.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use policy::document::Upstream;
use policy::document::upstreams::{Protocol, Scheme};
use tokio::net::TcpStream;

use super::circuit::{Bounds, Circuit};
use super::connect::Names;
use super::health::Passive;
use super::room::Room;
use super::streams::{Connections, Share};
use crate::limits::UPSTREAM_IDLE_MAX;
use crate::metrics::UpstreamCounts;
use crate::proxy::Buffer;
use crate::ticker::Ticker;
use crate::tls::Connector;
use crate::transport::Transport;

/// What a request is sent over.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) carrier: Carrier,
    pub(crate) buffer: Buffer,
    /// It has carried an exchange before: the upstream may be closing it right now.
    pub(crate) reused: bool,
}

/// What carries a request to an upstream.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// A connection of HTTP/1.1, for one request at a time.
    Own(Transport),
    /// A part of a connection of HTTP/2.
    Shared(Share),
}

impl Link {
    /// A connection that has carried nothing.
    pub(super) fn own(transport: Transport) -> Self {
        let carrier = Carrier::Own(transport);
        Self { carrier, buffer: Buffer::new(), reused: false }
    }

    pub(super) fn shared(share: Share) -> Self {
        let reused = share.reused;
        Self { carrier: Carrier::Shared(share), buffer: Buffer::new(), reused }
    }

    /// Whether its silence may be that of an upstream which has closed an idle connection. Those of
    /// HTTP/2 are left with a word.
    pub(crate) fn may_have_been_closed(&self) -> bool {
        self.reused && matches!(self.carrier, Carrier::Own(_))
    }

    /// Nothing came over it in time: others should not have to find that out, too.
    pub(crate) fn give_up(&self) {
        if let Carrier::Shared(share) = &self.carrier {
            share.retire();
        }
    }

    fn is_quiet(&mut self) -> bool {
        match &mut self.carrier {
            Carrier::Own(transport) => transport.is_quiet(),
            Carrier::Shared(_) => false,
        }
    }
}

/// One upstream of one service. It stays the same over reloads that keep both.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) target: Upstream,
    /// For a target over TLS.
    connector: Option<Arc<Connector>>,
    pub(crate) names: Rc<Names>,
    pub(crate) counts: Arc<UpstreamCounts>,
    pub(crate) circuit: Cell<Circuit>,
    pub(crate) passive: Cell<Passive>,
    in_flight: Cell<u32>,
    /// The connection used last comes last and is taken first, so that the others can grow old
    /// and be closed.
    idle: RefCell<Vec<Idle>>,
    /// Those of HTTP/2.
    pub(super) connections: Connections,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    close_at: u32,
}

impl Pool {
    pub(crate) fn new(
        target: Upstream,
        connector: Option<&Arc<Connector>>,
        counts: Arc<UpstreamCounts>,
    ) -> Self {
        Self {
            names: Names::new(&target),
            target,
            connector: connector.map(Arc::clone),
            counts,
            circuit: Cell::default(),
            passive: Cell::default(),
            in_flight: Cell::new(0),
            idle: RefCell::default(),
            connections: Connections::default(),
        }
    }

    /// Whether this is the pool of `target`, reached in the same way.
    pub(crate) fn is_for(&self, target: &Upstream, connector: Option<&Arc<Connector>>) -> bool {
        self.target == *target
            && self.connector.as_deref().map(Connector::material)
                == connector.map(|one| one.material())
    }

    /// The handshake with a target over TLS. One that cannot prove its name is not spoken to.
    pub(crate) async fn secure(&self, stream: TcpStream) -> io::Result<Transport> {
        match (self.target.scheme, &self.connector) {
            (Scheme::Http, _) => Ok(Transport::Plain(stream)),
            (Scheme::Https, None) => Err(io::Error::from(io::ErrorKind::Unsupported)),
            (Scheme::Https, Some(connector)) => {
                let (host, http2) = (&self.target.host, self.target.protocol == Protocol::Http2);
                let secured = Box::pin(connector.connect(stream, host, http2)).await;
                if let Err(error) = &secured {
                    tracing::warn!(%error, upstream = self.target.host, "no TLS with an upstream");
                }
                Ok(Transport::secure(secured?))
            }
        }
    }

    /// Requests under way.
    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    /// An idle connection on which nothing has happened since it was put back.
    pub(crate) fn take(&self) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        std::iter::from_fn(|| idle.pop())
            .map(|idle| idle.link)
            .find_map(|mut link| link.is_quiet().then_some(link))
    }

    /// Keeps a connection for the next exchange, until `close_at`.
    pub(crate) fn put_back(&self, mut link: Link, close_at: u32) {
        let mut idle = self.idle.borrow_mut();
        let own = matches!(link.carrier, Carrier::Own(_));
        if own && idle.len() < UPSTREAM_IDLE_MAX && link.buffer.is_empty() {
            link.buffer.relax();
            link.reused = true;
            idle.push(Idle { link, close_at });
        }
    }

    /// Closes what has been idle for too long, or was closed by the upstream.
    pub(crate) fn sweep(&self, ticker: &Ticker, idle_ticks: u32) {
        let now = ticker.now();
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|idle| idle.close_at > now && idle.link.is_quiet());
        self.connections.sweep(now, idle_ticks);
    }
}

/// What became of a request as far as its upstream is concerned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// There was an answer.
    Answered,
    /// There was none, or none that can be read.
    Failed,
    /// Something of ours was missing, or the client went away: the upstream is not to blame.
    Unknown,
    /// There was an answer that says the server cannot: 502, 503 or 504.
    Unable,
    /// It could not be connected to.
    Unreachable,
}

/// One request under way to an upstream. Dropping it says [`Outcome::Unknown`].
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) pool: Rc<Pool>,
    ticker: Rc<Ticker>,
    room: Rc<Room>,
    bounds: Bounds,
    /// It may take the upstream out by failing.
    may_take_out: bool,
    /// It tries whether an open circuit can be closed.
    tries: bool,
    settled: bool,
}

impl Flight {
    pub(crate) fn begin(
        pool: &Rc<Pool>,
        ticker: &Rc<Ticker>,
        room: &Rc<Room>,
        bounds: Bounds,
        may_take_out: bool,
    ) -> Self {
        pool.in_flight.set(pool.in_flight() + 1);
        pool.counts.in_flight.set(u64::from(pool.in_flight()));
        let mut circuit = pool.circuit.get();
        let tries = circuit.sent();
        pool.circuit.set(circuit);
        let (pool, ticker, room) = (Rc::clone(pool), Rc::clone(ticker), Rc::clone(room));
        Self { pool, ticker, room, bounds, may_take_out, tries, settled: false }
    }

    /// What became of it; only the first word counts.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let Self { pool, bounds, tries, .. } = &*self;
        let (now, tries) = (self.ticker.now(), *tries);
        let (mut circuit, mut passive) = (pool.circuit.get(), pool.passive.get());
        let opened = match outcome {
            Outcome::Answered | Outcome::Unable => {
                circuit.answered(tries, now, bounds);
                false
            }
            Outcome::Failed | Outcome::Unreachable => circuit.failed(tries, now, bounds),
            Outcome::Unknown => {
                circuit.lost(tries, now);
                false
            }
        };
        let taken_out = match outcome {
            Outcome::Answered => {
                passive.answered();
                false
            }
            Outcome::Failed | Outcome::Unable => passive.failed(self.may_take_out, now),
            Outcome::Unreachable => passive.unreachable(now),
            Outcome::Unknown => false,
        };
        pool.circuit.set(circuit);
        pool.passive.set(passive);
        pool.counts.settled(outcome, opened, taken_out);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.settle(Outcome::Unknown);
        self.pool.in_flight.set(self.pool.in_flight() - 1);
        self.pool.counts.in_flight.set(u64::from(self.pool.in_flight()));
        self.room.leave();
    }
}
