//! The response cache of a service (RFC 9111): what is stored, for whom, and when it is used.
//!
//! - [`key`]: what a stored answer is found by. Whatever reaches the upstream and may be set by a
//!   client is in the key, in `Vary`, or removed on the way.
//! - [`freshness`]: what may be stored and for how long, as `http-cache-semantics` judges it.
//! - [`store`]: the bounded memory, shared by all workers. It belongs to the arrangement in force,
//!   so that another policy begins with an empty one.
//! - [`recorder`]: copies an answer on its way to the client.
//! - [`flights`]: of concurrent misses in one worker, one goes upstream.
//!
//! A stored answer is used as if an upstream had just sent it: request and answer go through the
//! same inspection, and through the same writer, as any other exchange's.

mod directive;
mod entry;
mod flights;
mod freshness;
mod key;
mod recorder;
mod store;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use exchange::message::Scheme;
use exchange::peer::Peer;
use wire::{Framing, NameSet, RequestHead, TargetForm};

use self::directive::Asks;
pub(crate) use self::entry::{Entry, Part};
use self::flights::Flights;
pub(crate) use self::flights::{Joined, Lead};
use self::key::{Hash, Key};
pub(crate) use self::recorder::{Found, Recorder, Verdict};
pub(crate) use self::store::Store;
use crate::metrics::ServiceCounts;

/// What a worker holds of a service's cache.
#[derive(Debug)]
pub(crate) struct Cache {
    store: Arc<Store>,
    flights: Rc<Flights>,
    enforced: bool,
    counts: Arc<ServiceCounts>,
}

/// What a request is to a cache.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A stored answer may do, and its answer may be stored.
    Cacheable(Lookup),
    /// It may change what its target's answers will be: they are forgotten if it succeeds.
    Unsafe(Hash),
    /// Neither.
    Other,
}

/// A request that a stored answer may do for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookup {
    key: Key,
    asks: Asks,
    credentials: bool,
    /// It is HEAD: an answer without a body is not stored.
    head_only: bool,
}

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum Stored {
    /// An answer that does.
    Fresh(Arc<Entry>),
    /// One that the upstream must say is still right.
    Stale(Arc<Entry>),
    /// None.
    Nothing,
}

/// Stored answers that are wrong if an unsafe request succeeds (RFC 9111 §4.4).
#[derive(Debug)]
pub(crate) struct Forgetting {
    store: Arc<Store>,
    target: Hash,
}

impl Forgetting {
    pub(crate) fn forget(self) {
        self.store.invalidate(&self.target);
    }
}

/// How a request for a cacheable answer ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// With a stored answer that another request brought while this one waited.
    Coalesced,
    /// With a stored answer.
    Hit,
    /// With an answer from upstream.
    Miss,
    /// With a stored answer that the upstream said is still right.
    Revalidated,
    /// With a stored answer in place of an error.
    StoodIn,
    /// Not at all: only a stored answer was wanted, and there was none.
    Unavailable,
}

impl Outcome {
    pub(crate) const ALL: [Self; 6] = [
        Self::Coalesced,
        Self::Hit,
        Self::Miss,
        Self::Revalidated,
        Self::StoodIn,
        Self::Unavailable,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Coalesced => "coalesced",
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Revalidated => "revalidated",
            Self::StoodIn => "stale_if_error",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Lookup {
    /// Whether only a stored answer is wanted (RFC 9111 §5.2.1.7).
    pub(crate) const fn only_if_cached(&self) -> bool {
        self.asks.only_if_cached
    }

    /// Whether another request's answer would do.
    pub(crate) const fn coalesces(&self) -> bool {
        self.fills() && !self.asks.no_cache
    }

    /// Whether the answer to this request can be stored for others.
    pub(crate) const fn fills(&self) -> bool {
        !self.head_only && !self.asks.no_store && !self.asks.only_if_cached
    }
}

impl Cache {
    pub(crate) fn new(store: Arc<Store>, enforced: bool, counts: Arc<ServiceCounts>) -> Self {
        Self { store, flights: Rc::default(), enforced, counts }
    }

    /// What a request is to this cache. Requests for a part, with a body, or under conditions that
    /// only the upstream can judge are none of its business. `identity`: fields in which only a
    /// trusted proxy may name the caller.
    pub(crate) fn classify(
        &self,
        head: &RequestHead,
        scheme: Scheme,
        peer: &Peer,
        identity: &NameSet,
    ) -> Kind {
        let head_only = match head.method() {
            "GET" => false,
            "HEAD" => true,
            "OPTIONS" | "TRACE" => return Kind::Other,
            _ => return Kind::Unsafe(key::target(head, scheme, self.enforced)),
        };
        const UPSTREAMS: [&str; 4] = ["range", "if-range", "if-match", "if-unmodified-since"];
        let fields = head.fields();
        if !matches!(head.framing(), Framing::None | Framing::Length(0))
            || head.upgrade().is_some()
            || head.form() == TargetForm::Asterisk
            || UPSTREAMS.iter().any(|name| fields.get(name).is_some())
        {
            return Kind::Other;
        }
        let (key, credentials) = Key::of(head, scheme, self.enforced, peer, identity);
        Kind::Cacheable(Lookup { key, asks: Asks::of(fields), credentials, head_only })
    }

    /// What there is for a request.
    pub(crate) fn lookup(&self, lookup: &Lookup, head: &RequestHead) -> Stored {
        match self.store.find(&lookup.key, head.fields()) {
            Some(entry) if entry.suffices(&lookup.asks, Instant::now()) => Stored::Fresh(entry),
            Some(entry) => Stored::Stale(entry),
            None => Stored::Nothing,
        }
    }

    /// Whether a request goes upstream or waits for another that does.
    pub(crate) fn join(&self, lookup: &Lookup) -> Joined {
        self.flights.join(lookup.key)
    }

    /// What follows the answer to a request that goes upstream now.
    pub(crate) fn record(
        &self,
        lookup: &Lookup,
        stale: Option<Arc<Entry>>,
        lead: Option<Lead>,
    ) -> Recorder {
        Recorder {
            store: Arc::clone(&self.store),
            counts: Arc::clone(&self.counts),
            key: lookup.key,
            asked: freshness::Asked {
                credentials: lookup.credentials,
                no_store: lookup.asks.no_store,
            },
            why: match (&stale, lookup.asks.no_cache) {
                (Some(_), true) => "request",
                (Some(_), false) => "stale",
                (None, _) => "miss",
            },
            stale,
            lead,
            flights: Rc::clone(&self.flights),
            since: Instant::now(),
            copy: None,
            found: None,
        }
    }

    /// What is to be forgotten when a request to `target` succeeds.
    pub(crate) fn forgetting(&self, target: Hash) -> Forgetting {
        Forgetting { store: Arc::clone(&self.store), target }
    }

    pub(crate) fn count(&self, outcome: Outcome) {
        self.counts.cached(outcome);
    }
}
