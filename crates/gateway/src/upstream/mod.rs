//! The upstreams of a service, as one worker uses them: which one gets a request, over which
//! connection, and whether the request may be sent a second time.
//!
//! Nothing here is shared between workers except what the prober says: each judges upstreams by
//! its own requests. State belongs to a service and a target, and stays with them over reloads.

mod balance;
mod circuit;
mod connect;
mod health;
mod pool;
mod prober;
mod retry;
mod room;
mod streams;

use std::cell::Cell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use policy::document::Upstreams;
use policy::document::upstreams::{Balance, CircuitBounds, HashOn, Protocol, Retries};
use wire::RequestHead;

use self::balance::Ring;
use self::circuit::Bounds;
pub(crate) use self::health::Probed;
pub(crate) use self::pool::{Carrier, Flight, Link, Outcome, Pool};
pub(crate) use self::prober::Prober;
use self::retry::RetryBudget;
use self::room::Room;
use self::streams::Found;
use crate::limits::{RETRY_AFTER_S, TICK, Timeouts, UPSTREAM_IDLE, UPSTREAM_TRIES_MAX};
use crate::metrics::Metrics;
use crate::ticker::{Ticker, Watch, ticks};
use crate::tls::Connector;
use crate::transport::Transport;

/// Where a worker stands among the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub(crate) number: usize,
    pub(crate) workers: usize,
}

/// The upstreams of one service.
#[derive(Debug)]
pub(crate) struct Cluster {
    members: Vec<Member>,
    hash_on: Option<(HashOn, Ring)>,
    retries: Retries,
    bounds: Bounds,
    /// This worker's share.
    in_flight_max: u32,
    pending_max: u32,
    idle_ticks: u32,
    pub(crate) timeouts: Timeouts,
    random: Cell<u64>,
    kept: Rc<Kept>,
}

/// What outlives a reload beside the pools.
#[derive(Debug, Default)]
struct Kept {
    room: Rc<Room>,
    budget: RetryBudget,
}

#[derive(Debug)]
struct Member {
    pool: Rc<Pool>,
    probed: Arc<Probed>,
}

/// One request's way to an upstream.
#[derive(Debug)]
pub(crate) struct Route {
    key: u64,
    /// All of the request is here, so that it can be sent twice.
    whole: bool,
    /// Only a connection that has carried nothing will do.
    fresh: bool,
    /// It has been sent twice.
    resent: bool,
    /// Upstreams that could not be connected to.
    tried: [Option<usize>; UPSTREAM_TRIES_MAX],
    attempts: usize,
    /// The upstream that gave no answer.
    avoid: Option<usize>,
    last: usize,
}

/// A connection for one request.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) link: Link,
    pub(crate) flight: Flight,
    idle_ticks: u32,
}

/// Why there is no upstream for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unreachable {
    /// Too many requests are under way, or the system is out of ports or descriptors, or every
    /// circuit is open; the client may come again after so many seconds.
    Busy { after_s: u32 },
    /// None could be connected to.
    Gone,
    /// None could be connected to in time.
    Late,
}

/// What a look at the upstreams gives.
enum Picked {
    At(usize),
    Full,
    Nothing,
    Open { after_s: u32 },
}

impl Cluster {
    /// The upstreams of a service. Pools and what else was known are taken over from `before`.
    pub(crate) fn new(
        service: &Arc<str>,
        (settings, connector): (&Upstreams, Option<&Arc<Connector>>),
        probed: &[Arc<Probed>],
        before: Option<&Self>,
        (timeouts, seat, metrics): (Timeouts, Seat, &Metrics),
    ) -> Self {
        let known = |target| {
            let mut members = before.iter().flat_map(|before| &before.members);
            members.find(|member| member.pool.is_for(target, connector))
        };
        let members = settings.targets.iter().zip(probed).map(|(target, probed)| {
            let pool = match known(target) {
                Some(member) => Rc::clone(&member.pool),
                None => {
                    let counts = metrics.upstream(service, target);
                    Rc::new(Pool::new(target.clone(), connector, counts))
                }
            };
            pool.counts.watch(probed);
            Member { pool, probed: Arc::clone(probed) }
        });
        let names: Vec<String> =
            settings.targets.iter().map(|one| format!("{}:{}", one.host, one.port)).collect();
        let hash_on = match &settings.balance {
            Balance::LeastLoaded => None,
            Balance::Hash(on) => Some((on.clone(), Ring::new(names.iter().map(String::as_str)))),
        };
        let share = |most: u32| most.div_ceil(u32::try_from(seat.workers).unwrap_or(1).max(1));
        let own = &settings.timeouts;
        Self {
            members: members.collect(),
            hash_on,
            retries: settings.retries,
            bounds: bounds(&settings.circuit),
            in_flight_max: share(settings.circuit.in_flight_max),
            pending_max: share(settings.circuit.pending_max),
            idle_ticks: ticks(own.idle.unwrap_or(UPSTREAM_IDLE)),
            timeouts: Timeouts {
                connect: own.connect.unwrap_or(timeouts.connect),
                response_head: own.response_head.unwrap_or(timeouts.response_head),
                stall: own.stall.unwrap_or(timeouts.stall),
                ..timeouts
            },
            // workers take different ways
            random: Cell::new(seat.number as u64),
            kept: before.map_or_else(Rc::default, |before| Rc::clone(&before.kept)),
        }
    }

    /// Closes connections that have been idle for too long.
    pub(crate) fn sweep(&self, ticker: &Ticker) {
        self.members.iter().for_each(|member| member.pool.sweep(ticker, self.idle_ticks));
    }

    /// The way of a request. A `whole` one could be sent twice; what is sent as it comes needs a
    /// connection that has carried nothing, which no upstream can just have closed.
    pub(crate) fn route(
        &self,
        head: &RequestHead,
        client: impl FnOnce() -> Option<IpAddr>,
        whole: bool,
    ) -> Route {
        let key = match &self.hash_on {
            None => 0,
            Some((HashOn::Header(name), _)) if head.fields().get(name).is_some() => {
                balance::hash(head.fields().get(name).unwrap_or_default())
            }
            Some(_) => match client() {
                Some(IpAddr::V4(address)) => balance::hash(&address.octets()),
                Some(IpAddr::V6(address)) => balance::hash(&address.octets()),
                None => 0,
            },
        };
        Route {
            key,
            whole,
            fresh: !whole,
            resent: false,
            tried: [None; UPSTREAM_TRIES_MAX],
            attempts: 0,
            avoid: None,
            last: 0,
        }
    }

    /// A connection for a request. Nothing has been sent, so what cannot be connected to is passed
    /// over for any request.
    pub(crate) async fn acquire(
        &self,
        route: &mut Route,
        watch: &Watch,
        ticker: &Rc<Ticker>,
    ) -> Result<Lease, Unreachable> {
        if !route.resent {
            self.kept.budget.request(ticker.now());
        }
        let mut why = Unreachable::Gone;
        while route.attempts < UPSTREAM_TRIES_MAX {
            let at = match self.pick(route, ticker.now()) {
                Picked::At(at) => at,
                Picked::Open { after_s } => return Err(Unreachable::Busy { after_s }),
                Picked::Nothing => break,
                Picked::Full => {
                    watch.arm(self.timeouts.connect);
                    if self.kept.room.wait(self.pending_max, watch).await {
                        continue;
                    }
                    return Err(Unreachable::Busy { after_s: RETRY_AFTER_S });
                }
            };
            let Some(member) = self.members.get(at) else { break };
            route.last = at;
            let bounds = self.bounds;
            let room = &self.kept.room;
            let may = self.may_lose_one(ticker.now());
            let mut flight = Flight::begin(&member.pool, ticker, room, bounds, may);
            match self.link(route, &flight.pool, watch, ticker).await {
                Ok(link) => return Ok(Lease { link, flight, idle_ticks: self.idle_ticks }),
                Err(Unreachable::Busy { after_s }) => return Err(Unreachable::Busy { after_s }),
                Err(unreachable) => {
                    flight.settle(Outcome::Unreachable);
                    why = unreachable;
                    if let Some(slot) = route.tried.iter_mut().find(|slot| slot.is_none()) {
                        *slot = Some(at);
                    }
                }
            }
        }
        Err(why)
    }

    /// What the upstreams speak: all of a service the same.
    pub(crate) fn protocol(&self) -> Protocol {
        self.members.first().map(|member| member.pool.target.protocol).unwrap_or_default()
    }

    /// What one request can be sent over.
    async fn link(
        &self,
        route: &mut Route,
        pool: &Rc<Pool>,
        watch: &Watch,
        ticker: &Rc<Ticker>,
    ) -> Result<Link, Unreachable> {
        match pool.target.protocol {
            Protocol::Http1 => {
                let known = if route.fresh { None } else { pool.take() };
                match known {
                    Some(link) => Ok(link),
                    None => self.connect(route, pool, watch, ticker).await.map(Link::own),
                }
            }
            // what breaks a connection ends all its streams, so that none is given out afterwards
            Protocol::Http2 => Box::pin(self.share(route, pool, watch, ticker)).await,
        }
    }

    /// A part of a connection of HTTP/2: one that is there, or one that is opened for all who come
    /// meanwhile.
    async fn share(
        &self,
        route: &mut Route,
        pool: &Rc<Pool>,
        watch: &Watch,
        ticker: &Rc<Ticker>,
    ) -> Result<Link, Unreachable> {
        loop {
            watch.arm(self.timeouts.connect);
            match pool.connections.find() {
                Found::Share(share) => return Ok(Link::shared(share)),
                Found::Opening(opening) => {
                    let opened = watch.within(opening.ended()).await;
                    if let Err(why) = opened.unwrap_or(Err(Unreachable::Late)) {
                        route.attempts += 1;
                        return Err(why);
                    }
                }
                Found::Full => {
                    if !self.kept.room.wait(self.pending_max, watch).await {
                        return Err(Unreachable::Busy { after_s: RETRY_AFTER_S });
                    }
                }
                Found::Nothing(opener) => {
                    let opened = match self.connect(route, pool, watch, ticker).await {
                        Ok(transport) => watch.within(streams::open(transport)).await,
                        Err(why) => {
                            opener.failed(why);
                            return Err(why);
                        }
                    };
                    let why = match opened {
                        Ok(Ok(sender)) => return Ok(Link::shared(opener.opened(sender))),
                        Ok(Err(_)) => Unreachable::Gone,
                        Err(_) => Unreachable::Late,
                    };
                    opener.failed(why);
                    return Err(why);
                }
            }
        }
    }

    /// A connection to one of the upstream's addresses.
    async fn connect(
        &self,
        route: &mut Route,
        pool: &Rc<Pool>,
        watch: &Watch,
        ticker: &Rc<Ticker>,
    ) -> Result<Transport, Unreachable> {
        watch.arm(self.timeouts.connect);
        let found = watch.within(pool.names.addresses(ticker)).await;
        let addresses = found.map_err(|_| Unreachable::Late)?;
        if addresses.is_empty() {
            route.attempts += 1;
        }
        let mut why = Unreachable::Gone;
        for address in addresses {
            if route.attempts == UPSTREAM_TRIES_MAX {
                break;
            }
            route.attempts += 1;
            watch.arm(self.timeouts.connect);
            let secured = async { pool.secure(connect::connect(address).await?).await };
            why = match watch.within(secured).await {
                Ok(Ok(transport)) => {
                    pool.names.prefer(address);
                    return Ok(transport);
                }
                Ok(Err(error)) if connect::is_exhaustion(&error) => {
                    Unreachable::Busy { after_s: RETRY_AFTER_S }
                }
                Ok(Err(_)) => Unreachable::Gone,
                Err(_) => Unreachable::Late,
            };
        }
        Err(why)
    }

    /// Whether no answer to a request that was sent is a reason to send it again: once, if that
    /// does no harm, and if not too many others are. `untouched`: nothing of it was sent.
    pub(crate) fn sends_again(
        &self,
        route: &mut Route,
        head: &RequestHead,
        untouched: bool,
    ) -> bool {
        let harmless = untouched
            || (self.retries == Retries::Once && is_idempotent(head) && self.kept.budget.take());
        let again = route.whole && !route.resent && harmless;
        if again {
            (route.resent, route.fresh, route.avoid) = (true, true, Some(route.last));
            if let Some(member) = self.members.get(route.last) {
                member.pool.counts.retries.add(1);
            }
        }
        again
    }

    /// The upstream for a request: among those that may have it and are well, by balance; else the
    /// one that comes back first.
    fn pick(&self, route: &Route, now: u32) -> Picked {
        let has_room = |at: usize| self.members[at].pool.in_flight() < self.in_flight_max;
        let admits = |at: usize| self.members[at].pool.circuit.get().admits(now);
        let untried = |at: usize| !route.tried.contains(&Some(at));
        let open = |at: &usize| untried(*at) && admits(*at) && has_room(*at);
        let all = 0..self.members.len();
        let good = |at: &usize| open(at) && route.avoid != Some(*at) && self.is_well(*at, now);
        if let Some(at) = self.balance(route, all.clone().filter(good), good) {
            return Picked::At(at);
        }
        let back = |at: &usize| {
            let member = &self.members[*at];
            let avoided = route.avoid == Some(*at);
            (avoided, !member.probed.is_well(), member.pool.passive.get().out_until())
        };
        if let Some(at) = all.clone().filter(open).min_by_key(back) {
            return Picked::At(at);
        }
        let mut left = all.clone().filter(|at| untried(*at)).peekable();
        if left.peek().is_none() {
            return Picked::Nothing;
        }
        if left.any(admits) {
            return Picked::Full;
        }
        let opens_in = all.map(|at| self.members[at].pool.circuit.get().opens_in(now)).min();
        let millis = u128::from(opens_in.unwrap_or(0)) * TICK.as_millis();
        let after_s = u32::try_from(millis.div_ceil(1_000)).unwrap_or(u32::MAX);
        Picked::Open { after_s: after_s.max(RETRY_AFTER_S) }
    }

    fn balance(
        &self,
        route: &Route,
        good: impl Iterator<Item = usize> + Clone,
        is_good: impl Fn(&usize) -> bool,
    ) -> Option<usize> {
        let load = |at: usize| self.members.get(at).map_or(0, |member| member.pool.in_flight());
        let count = good.clone().count();
        if let Some((_, ring)) = &self.hash_on {
            let total = good.map(load).sum();
            let fits = |at| is_good(&at) && balance::within_bound(load(at), total, count);
            return ring.pick(route.key, fits);
        }
        if count < 2 {
            return good.clone().next();
        }
        let (state, random) = balance::next_random(self.random.get());
        self.random.set(state);
        let nth = |at| good.clone().nth(at).unwrap_or_default();
        balance::least_of_two(count, random, |at| load(nth(at))).map(nth)
    }

    fn is_well(&self, at: usize, now: u32) -> bool {
        let Some(member) = self.members.get(at) else { return false };
        member.probed.is_well() && !member.pool.passive.get().is_out(now)
    }

    /// Whether an upstream may be passed over for what it says. Half of them must remain: what
    /// looks like many sick servers may be requests that make any server fail.
    fn may_lose_one(&self, now: u32) -> bool {
        let well = (0..self.members.len()).filter(|at| self.is_well(*at, now)).count();
        (well - usize::from(well > 0)) * 2 >= self.members.len()
    }
}

impl Lease {
    /// The connection can carry another exchange.
    pub(crate) fn put_back(self, ticker: &Ticker) {
        self.flight.pool.put_back(self.link, ticker.now().saturating_add(self.idle_ticks));
    }
}

fn bounds(settings: &CircuitBounds) -> Bounds {
    Bounds {
        error_percent: settings.error_percent,
        requests_min: settings.requests_min,
        window: ticks(settings.window),
        open_for: ticks(settings.open_for),
    }
}

/// Whether a request may be carried out twice (RFC 9110 §9.2.2).
fn is_idempotent(head: &RequestHead) -> bool {
    matches!(head.method(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE")
}
