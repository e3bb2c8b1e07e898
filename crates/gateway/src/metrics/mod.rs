//! What the gateway counts, and its exposition for Prometheus.
//!
//! Labels come from closed enums and from the names of configured services, so the number of
//! series is bounded by the settings. Every worker counts for itself, in cells that it resolved
//! beforehand; sums are made when somebody asks.

mod count;
mod expose;
mod summary;
mod upstreams;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

pub use summary::Summary;

pub(crate) use count::{ServiceCounts, Skipped, WorkerCounts};
pub(crate) use upstreams::UpstreamCounts;

use crate::access_log::LogCounts;
use crate::cache::Store;
use crate::outlet::Outlet;

/// All counters of one gateway, and the registry in which the program may put its own beside them.
pub struct Metrics {
    registry: Mutex<Registry>,
    counted: Arc<Counted>,
}

/// What the workers and the reloads have counted.
#[derive(Debug)]
struct Counted {
    services: Mutex<BTreeMap<Arc<str>, Vec<Arc<ServiceCounts>>>>,
    /// The caches in force. Those of settings that were replaced go when nobody uses them.
    caches: Mutex<BTreeMap<Arc<str>, Weak<Store>>>,
    workers: Mutex<Vec<Arc<WorkerCounts>>>,
    upstreams: Mutex<Vec<Weak<UpstreamCounts>>>,
    outlet: Outlet,
    access_log: Arc<LogCounts>,
    reloaded: AtomicBool,
    reloaded_at_s: AtomicI64,
    ready: AtomicBool,
}

impl Metrics {
    /// Counters that have counted nothing, for a gateway that uses `outlet`.
    #[must_use]
    pub fn new(outlet: Outlet) -> Self {
        let counted = Arc::new(Counted {
            services: Mutex::default(),
            caches: Mutex::default(),
            workers: Mutex::default(),
            upstreams: Mutex::default(),
            outlet,
            access_log: Arc::default(),
            reloaded: AtomicBool::new(true),
            reloaded_at_s: AtomicI64::new(0),
            ready: AtomicBool::new(false),
        });
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Arc::clone(&counted)));
        Self { registry: Mutex::new(registry), counted }
    }

    /// Adds metrics of the program's own.
    pub fn register(&self, register: impl FnOnce(&mut Registry)) {
        register(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The exposition, in the OpenMetrics text format.
    #[must_use]
    pub fn expose(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::with_capacity(4_096);
        // writing to a String cannot fail, and a collector that does has written what it could
        if let Err(fmt::Error) = encode(&mut text, &registry) {
            tracing::warn!("a metric could not be written");
        }
        text
    }

    /// Notes that settings were taken at this time, in seconds since the epoch.
    pub fn reload_succeeded(&self, at_s: i64) {
        self.counted.reloaded.store(true, Ordering::Relaxed);
        self.counted.reloaded_at_s.store(at_s, Ordering::Relaxed);
    }

    /// Notes that new settings were not taken, and the old ones stay in force.
    pub fn reload_failed(&self) {
        self.counted.reloaded.store(false, Ordering::Relaxed);
    }

    /// Whether the settings that were read last are in force.
    #[must_use]
    pub fn last_reload_succeeded(&self) -> bool {
        self.counted.reloaded.load(Ordering::Relaxed)
    }

    /// Whether new connections are being accepted.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.counted.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.counted.ready.store(ready, Ordering::Relaxed);
    }

    /// The cells of one more worker.
    pub(crate) fn worker(&self) -> Arc<WorkerCounts> {
        let counts = Arc::new(WorkerCounts::default());
        guard(&self.counted.workers).push(Arc::clone(&counts));
        counts
    }

    /// What is counted of the access log, also over reloads.
    pub(crate) fn access_log(&self) -> Arc<LogCounts> {
        Arc::clone(&self.counted.access_log)
    }

    /// The cache of a service, in place of the one it had before.
    pub(crate) fn cache(&self, name: &Arc<str>, store: &Arc<Store>) {
        guard(&self.counted.caches).insert(Arc::clone(name), Arc::downgrade(store));
    }

    /// The cells of worker number `worker` for a service: the same ones after a reload.
    pub(crate) fn service(&self, name: &Arc<str>, worker: usize) -> Arc<ServiceCounts> {
        let mut services = guard(&self.counted.services);
        let cells = services.entry(Arc::clone(name)).or_default();
        if cells.len() <= worker {
            cells.resize_with(worker + 1, Arc::default);
        }
        Arc::clone(&cells[worker])
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counted.fmt(out)
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // held only while a map grows; what it holds is whole
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
