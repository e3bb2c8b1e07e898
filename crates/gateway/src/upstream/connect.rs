//! From an upstream's name to a connection: look-ups that nobody waits for twice, the last good
//! addresses when there are no new ones, one attempt after the other.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;

use policy::document::Upstream;
use rustix::io::Errno;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::limits::{UPSTREAM_ADDRESSES_MAX, UPSTREAM_NAME, UPSTREAM_NAME_FAILED};
use crate::ticker::Ticker;

type Looking = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>>>>;

/// Where an upstream is, as far as one worker knows.
pub(crate) struct Names {
    host: String,
    port: u16,
    look_up: Box<dyn Fn(String, u16) -> Looking>,
    addresses: RefCell<Vec<SocketAddr>>,
    /// When the addresses are to be looked up again.
    stale_at: Cell<u32>,
    looking: Cell<bool>,
    looked: Notify,
}

impl Names {
    /// The name of `target`, looked up as the system does.
    pub(crate) fn new(target: &Upstream) -> Rc<Self> {
        Self::with(target, |host, port| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((host.as_str(), port)).await?;
                Ok(found.take(UPSTREAM_ADDRESSES_MAX).collect())
            })
        })
    }

    fn with(target: &Upstream, look_up: impl Fn(String, u16) -> Looking + 'static) -> Rc<Self> {
        let literal = target.host.parse::<IpAddr>().ok();
        let address = literal.map(|address| SocketAddr::new(address, target.port));
        Rc::new(Self {
            host: target.host.clone(),
            port: target.port,
            look_up: Box::new(look_up),
            // an address needs no look-up, now or later
            stale_at: Cell::new(if literal.is_some() { u32::MAX } else { 0 }),
            addresses: RefCell::new(address.into_iter().collect()),
            looking: Cell::new(false),
            looked: Notify::new(),
        })
    }

    /// The addresses, those that worked last first. Waits only if there are none yet; none after
    /// that if the name cannot be looked up.
    pub(crate) async fn addresses(self: &Rc<Self>, ticker: &Rc<Ticker>) -> Vec<SocketAddr> {
        if self.stale_at.get() <= ticker.now() && !self.looking.replace(true) {
            tokio::task::spawn_local(Rc::clone(self).look(Rc::clone(ticker)));
        }
        while self.looking.get() && self.addresses.borrow().is_empty() {
            self.looked.notified().await;
        }
        self.addresses.borrow().clone()
    }

    /// Looks the name up; when that fails, the last good addresses stay.
    async fn look(self: Rc<Self>, ticker: Rc<Ticker>) {
        let again = match (self.look_up)(self.host.clone(), self.port).await {
            Ok(found) if !found.is_empty() => {
                self.adopt(found);
                UPSTREAM_NAME
            }
            _ => UPSTREAM_NAME_FAILED,
        };
        self.stale_at.set(ticker.after(again));
        self.looking.set(false);
        self.looked.notify_waiters();
    }

    /// Takes new addresses; the one that worked last stays first if it is among them.
    fn adopt(&self, mut found: Vec<SocketAddr>) {
        let mut addresses = self.addresses.borrow_mut();
        if let Some(at) = addresses.first().and_then(|good| found.iter().position(|a| a == good)) {
            found.swap(0, at);
        }
        *addresses = found;
    }

    /// This address could be connected to: it is tried first from now on.
    pub(crate) fn prefer(&self, address: SocketAddr) {
        let mut addresses = self.addresses.borrow_mut();
        if let Some(at) = addresses.iter().position(|known| *known == address) {
            addresses.swap(0, at);
        }
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}:{} at {:?}", self.host, self.port, self.addresses.borrow())
    }
}

/// Connects to one address.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether an attempt failed for want of something of ours, such as ports or descriptors: no fault
/// of the upstream.
pub(crate) fn is_exhaustion(error: &io::Error) -> bool {
    let ours = [
        Errno::ADDRNOTAVAIL,
        Errno::ADDRINUSE,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
    ];
    Errno::from_io_error(error).is_some_and(|errno| ours.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use policy::document::upstreams::{Protocol, Scheme};

    use super::*;
    use crate::ticker::ticks;

    fn named(host: &str) -> Upstream {
        let (scheme, protocol) = (Scheme::Http, Protocol::Http1);
        Upstream { scheme, protocol, host: host.to_owned(), port: 80 }
    }

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 80))
    }

    /// A name whose look-ups end as listed, and the count of those that were made.
    fn answering(answers: Vec<Option<Vec<u8>>>) -> (Rc<Names>, Rc<Cell<usize>>) {
        let (count, answers) = (Rc::new(Cell::new(0)), RefCell::new(VecDeque::from(answers)));
        let counted = Rc::clone(&count);
        let names = Names::with(&named("shop.internal"), move |_, _| {
            counted.set(counted.get() + 1);
            let answer = answers.borrow_mut().pop_front().flatten();
            Box::pin(async move {
                tokio::task::yield_now().await;
                let found = answer.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                Ok(found.into_iter().map(address).collect())
            })
        });
        (names, count)
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, test);
    }

    fn pass(ticker: &Ticker, period: std::time::Duration) {
        (0..=ticks(period)).for_each(|_| ticker.advance());
    }

    async fn settle() {
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn the_last_good_addresses_serve_while_the_name_cannot_be_looked_up() {
        run(async {
            let ticker = Rc::new(Ticker::default());
            let (names, count) = answering(vec![Some(vec![1, 2]), None, None, Some(vec![3])]);
            assert_eq!(names.addresses(&ticker).await, [address(1), address(2)]);
            for _ in 0..2 {
                pass(&ticker, UPSTREAM_NAME);
                assert_eq!(names.addresses(&ticker).await, [address(1), address(2)]);
                settle().await;
                assert_eq!(names.addresses(&ticker).await, [address(1), address(2)]);
            }
            pass(&ticker, UPSTREAM_NAME);
            assert_eq!(names.addresses(&ticker).await, [address(1), address(2)], "nobody waits");
            settle().await;
            assert_eq!(names.addresses(&ticker).await, [address(3)]);
            assert_eq!(count.get(), 4);
        });
    }

    #[test]
    fn many_requests_make_one_look_up() {
        run(async {
            let ticker = Rc::new(Ticker::default());
            let (names, count) = answering(vec![None, None, Some(vec![1])]);
            for round in 1..=2 {
                let asking = (0..100).map(|_| {
                    let (names, ticker) = (Rc::clone(&names), Rc::clone(&ticker));
                    tokio::task::spawn_local(async move { names.addresses(&ticker).await })
                });
                for asked in asking.collect::<Vec<_>>() {
                    assert_eq!(asked.await.unwrap(), []);
                }
                assert_eq!(names.addresses(&ticker).await, [], "it is not looked up at once");
                assert_eq!(count.get(), round);
                pass(&ticker, UPSTREAM_NAME_FAILED);
            }
            assert_eq!(names.addresses(&ticker).await, [address(1)]);
        });
    }

    #[test]
    fn the_address_that_worked_stays_first() {
        run(async {
            let ticker = Rc::new(Ticker::default());
            let (names, _) = answering(vec![Some(vec![1, 2, 3]), Some(vec![3, 1, 2])]);
            names.addresses(&ticker).await;
            names.prefer(address(2));
            assert_eq!(names.addresses(&ticker).await, [address(2), address(1), address(3)]);
            pass(&ticker, UPSTREAM_NAME);
            names.addresses(&ticker).await;
            settle().await;
            assert_eq!(names.addresses(&ticker).await.first(), Some(&address(2)));
        });
    }

    #[test]
    fn want_of_ports_or_descriptors_is_no_fault_of_the_upstream() {
        let ours = [Errno::ADDRNOTAVAIL, Errno::MFILE, Errno::NFILE];
        assert!(ours.iter().all(|errno| is_exhaustion(&io::Error::from(*errno))));
        let theirs = [Errno::CONNREFUSED, Errno::HOSTUNREACH, Errno::TIMEDOUT, Errno::CONNRESET];
        assert!(!theirs.iter().any(|errno| is_exhaustion(&io::Error::from(*errno))));
    }
}
