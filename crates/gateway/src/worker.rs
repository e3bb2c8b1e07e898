//! One worker: a thread that has everything it needs to itself.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use exchange::peer::Peer;
use policy::Mode;
use policy::document::{Coding, Upstreams};
use wire::{Fields, NameSet};

use crate::budget::{Memory, Pressure};
use crate::cache::Cache;
use crate::challenges::Challenges;
use crate::limits::Timeouts;
use crate::metrics::{Metrics, ServiceCounts, WorkerCounts};
use crate::outlet::Outlet;
use crate::reload::{Arrangement, Slot};
use crate::ticker::Ticker;
use crate::ulid::Ulids;
use crate::upstream::{Cluster, Seat};

/// What the connections of one worker have in common.
pub(crate) struct Worker {
    pub(crate) seat: Seat,
    pub(crate) ticker: Rc<Ticker>,
    pub(crate) outlet: Outlet,
    pub(crate) counts: Arc<WorkerCounts>,
    pub(crate) timeouts: Timeouts,
    /// No exchange is followed by another on its connection.
    pub(crate) draining: Cell<bool>,
    /// Connections between two exchanges are closed.
    pub(crate) closing_idle: Cell<bool>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) connections_max: usize,
    pub(crate) connections: Cell<usize>,
    /// Held by every TLS handshake that is under way.
    pub(crate) handshakes: Rc<()>,
    pub(crate) ulids: RefCell<Ulids>,
    pub(crate) slot: Arc<Slot>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) table: RefCell<Rc<Table>>,
}

/// The arrangement in force with what a worker holds for it. An exchange keeps its table to the
/// end.
pub(crate) struct Table {
    pub(crate) arrangement: Arc<Arrangement>,
    lanes: Vec<Rc<Lane>>,
    nowhere: Rc<Lane>,
}

/// What a worker holds for one service.
pub(crate) struct Lane {
    pub(crate) mode: Mode,
    pub(crate) on_overflow: Mode,
    /// Fields that only trusted proxies may set, as the settings name them.
    pub(crate) identity: NameSet,
    pub(crate) request_body_bytes_max: usize,
    pub(crate) response_body_bytes_max: usize,
    pub(crate) counts: Arc<ServiceCounts>,
    pub(crate) upstreams: Cluster,
    /// What is stored of answers; none: nothing.
    pub(crate) cache: Option<Cache>,
    /// Codings for clients; none: answers pass as they came.
    pub(crate) codings: Vec<Coding>,
    /// Requests get an id and a place in a trace.
    pub(crate) correlate: bool,
    /// Answers of this worker that are being coded.
    pub(crate) coders: Rc<Cell<usize>>,
}

impl Worker {
    /// Whether no exchange is to be followed by another on its connection.
    pub(crate) fn is_closing(&self) -> bool {
        self.draining.get() || self.memory.pressure() >= Pressure::Saving
    }

    /// The table of the arrangement in force.
    pub(crate) fn table(&self) -> Rc<Table> {
        let current = self.slot.load();
        let mut table = self.table.borrow_mut();
        if !Arc::ptr_eq(&current, &table.arrangement) {
            *table = Rc::new(Table::new(
                Arc::clone(&current),
                Some(&table),
                &self.metrics,
                (self.seat, self.timeouts),
            ));
        }
        Rc::clone(&table)
    }

    /// Closes upstream connections that have been idle for too long.
    pub(crate) fn sweep(&self) {
        let table = Rc::clone(&self.table.borrow());
        table.lanes.iter().for_each(|lane| lane.upstreams.sweep(&self.ticker));
    }
}

impl Table {
    /// A table for `arrangement` that takes over the upstream connections of the one before.
    pub(crate) fn new(
        arrangement: Arc<Arrangement>,
        before: Option<&Self>,
        metrics: &Metrics,
        (seat, timeouts): (Seat, Timeouts),
    ) -> Self {
        let policy = arrangement.inspector().policy();
        let known = |name: &str| {
            let before = before?;
            let services = &before.arrangement.inspector().policy().services;
            before.lanes.get(services.iter().position(|service| service.name.as_ref() == name)?)
        };
        let around = (timeouts, seat, metrics);
        let coders = Rc::new(Cell::new(0));
        let lanes = policy
            .services
            .iter()
            .zip(arrangement.upstreams().iter().zip(arrangement.probed()))
            .zip(arrangement.stores())
            .enumerate()
            .map(|(index, ((service, (upstreams, probed)), store))| {
                let connector = arrangement.connector(index);
                let before = known(&service.name).map(|lane| &lane.upstreams);
                let counts = metrics.service(&service.name, seat.number);
                let cache = store.as_ref().map(|store| {
                    metrics.cache(&service.name, store);
                    Cache::new(Arc::clone(store), service.mode == Mode::Block, Arc::clone(&counts))
                });
                Rc::new(Lane {
                    mode: service.mode,
                    on_overflow: service.on_overflow,
                    identity: policy.identity.clone(),
                    request_body_bytes_max: service.request_body_bytes_max,
                    response_body_bytes_max: service.response_body_bytes_max,
                    counts,
                    upstreams: Cluster::new(
                        &service.name,
                        (upstreams, connector),
                        probed,
                        before,
                        around,
                    ),
                    cache,
                    codings: service.compress.clone(),
                    correlate: service.correlate,
                    coders: Rc::clone(&coders),
                })
            })
            .collect();
        let none = Arc::from("_none");
        let nowhere = Rc::new(Lane {
            mode: Mode::Block,
            on_overflow: Mode::Block,
            identity: NameSet::new(&[]),
            request_body_bytes_max: 0,
            response_body_bytes_max: 0,
            counts: metrics.service(&none, seat.number),
            upstreams: Cluster::new(&none, (&Upstreams::default(), None), &[], None, around),
            cache: None,
            codings: Vec::new(),
            correlate: false,
            coders,
        });
        Self { arrangement, lanes, nowhere }
    }

    /// The lane of a service of the policy; for none, one that leads nowhere.
    pub(crate) fn lane(&self, service: Option<usize>) -> Rc<Lane> {
        Rc::clone(service.and_then(|index| self.lanes.get(index)).unwrap_or(&self.nowhere))
    }

    /// What the policy knows of the client at this address.
    pub(crate) fn peer(&self, address: IpAddr) -> Peer {
        let trusted = &self.arrangement.inspector().policy().trusted;
        Peer {
            address: Some(address),
            trusted: trusted.iter().any(|network| network.contains(&address)),
            ..Peer::default()
        }
    }

    /// The client for whom `peer` sends these fields.
    pub(crate) fn client(&self, peer: &Peer, fields: &Fields) -> Option<IpAddr> {
        let trusted = &self.arrangement.inspector().policy().trusted;
        peer.client(fields, |hop| trusted.iter().any(|network| network.contains(&hop)))
    }
}
