//! Connections to upstreams: kept by each worker for itself, the one used last first, so that the
//! others can grow old and be closed.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use policy::document::Upstream;
use tokio::net::TcpStream;

use super::buffer::Buffer;
use super::stream::Cut;
use crate::limits::{
    UPSTREAM_DOWN, UPSTREAM_IDLE, UPSTREAM_IDLE_MAX, UPSTREAM_NAME, UPSTREAM_TRIES_MAX,
};
use crate::ticker::{Ticker, Watch};
use crate::transport::Transport;
use crate::worker::{Lane, Worker};

/// A connection to an upstream.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) transport: Transport,
    pub(crate) buffer: Buffer,
    /// It has carried an exchange before: the upstream may be closing it right now.
    pub(crate) reused: bool,
}

/// One upstream and the idle connections to it.
#[derive(Debug)]
pub(crate) struct Pool {
    target: Upstream,
    idle: RefCell<Vec<Idle>>,
    addresses: RefCell<Vec<SocketAddr>>,
    /// When the addresses are to be looked up again.
    stale_at: Cell<u32>,
    /// Until when it is passed over.
    down_until: Cell<u32>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    close_at: u32,
}

impl Pool {
    pub(crate) fn new(target: Upstream) -> Self {
        let literal = target.host.parse::<IpAddr>().ok();
        let addresses = literal.map(|address| SocketAddr::new(address, target.port));
        Self {
            // an address needs no look-up, now or later
            stale_at: Cell::new(if literal.is_some() { u32::MAX } else { 0 }),
            addresses: RefCell::new(addresses.into_iter().collect()),
            target,
            idle: RefCell::default(),
            down_until: Cell::new(0),
        }
    }

    pub(crate) fn target(&self) -> &Upstream {
        &self.target
    }

    /// An idle connection on which nothing has happened since it was put back.
    fn take(&self) -> Option<Link> {
        let mut idle = self.idle.borrow_mut();
        std::iter::from_fn(|| idle.pop())
            .map(|idle| idle.link)
            .find_map(|mut link| link.transport.is_quiet().then_some(link))
    }

    /// Keeps a connection for the next exchange.
    pub(crate) fn put_back(&self, mut link: Link, ticker: &Ticker) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < UPSTREAM_IDLE_MAX && link.buffer.is_empty() {
            link.buffer.relax();
            link.reused = true;
            idle.push(Idle { link, close_at: ticker.after(UPSTREAM_IDLE) });
        }
    }

    /// Closes what has been idle for too long, or was closed by the upstream.
    pub(crate) fn sweep(&self, ticker: &Ticker) {
        let now = ticker.now();
        let mut idle = self.idle.borrow_mut();
        idle.retain_mut(|idle| idle.close_at > now && idle.link.transport.is_quiet());
    }

    async fn connect(&self, ticker: &Ticker) -> io::Result<Link> {
        if self.stale_at.get() <= ticker.now() {
            self.look_up(ticker).await;
        }
        let addresses = self.addresses.borrow().clone();
        let mut error = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Link {
                        transport: Transport::Plain(stream),
                        buffer: Buffer::new(),
                        reused: false,
                    });
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// Looks the name up; when that fails, the last good addresses stay.
    async fn look_up(&self, ticker: &Ticker) {
        let place = (self.target.host.as_str(), self.target.port);
        if let Ok(found) = tokio::net::lookup_host(place).await {
            let found: Vec<SocketAddr> = found.collect();
            if !found.is_empty() {
                *self.addresses.borrow_mut() = found;
                self.stale_at.set(ticker.after(UPSTREAM_NAME));
            }
        }
    }
}

impl Lane {
    /// A connection to one of the service's upstreams; a `fresh` one has carried nothing yet.
    /// Nothing has been sent, so what cannot be connected to is passed over for any request.
    pub(crate) async fn acquire(
        &self,
        fresh: bool,
        watch: &Watch,
        worker: &Worker,
    ) -> Result<(Rc<Pool>, Link), Cut> {
        let mut why = Cut::Gone;
        for _ in 0..self.upstreams.len().min(UPSTREAM_TRIES_MAX) {
            let Some(pool) = self.pick(&worker.ticker) else { break };
            if !fresh && let Some(link) = pool.take() {
                return Ok((Rc::clone(pool), link));
            }
            watch.arm(worker.timeouts.connect);
            why = match watch.within(pool.connect(&worker.ticker)).await {
                Ok(Ok(link)) => {
                    pool.down_until.set(0);
                    return Ok((Rc::clone(pool), link));
                }
                Ok(Err(_)) => Cut::Gone,
                Err(late) => late.into(),
            };
            pool.down_until.set(worker.ticker.after(UPSTREAM_DOWN));
        }
        Err(why)
    }

    /// The next upstream in turn that is not known to be down; when all are, the next one.
    fn pick(&self, ticker: &Ticker) -> Option<&Rc<Pool>> {
        let count = self.upstreams.len();
        let first = self.next.get() % count.max(1);
        let up = |at: &usize| self.upstreams[*at % count].down_until.get() <= ticker.now();
        let chosen = (first..first + count).find(up).unwrap_or(first);
        self.next.set(chosen + 1);
        self.upstreams.get(chosen % count.max(1))
    }
}
