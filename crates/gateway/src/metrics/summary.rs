//! The few numbers that tell a person how a running gateway is doing.

use std::sync::Arc;

use exchange::decision::Disposition;
use policy::Mode;

use super::{Metrics, guard};

/// What a gateway has carried and carries now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Summary {
    /// Open client connections of each worker.
    pub connections: Vec<u64>,
    /// Observations that were dropped because their queue was full.
    pub dropped: u64,
    /// Connections turned away because there were too many.
    pub overloads: u64,
    /// Exchanges by service, in the order of their names.
    pub services: Vec<(Arc<str>, u64)>,
}

impl Metrics {
    /// The numbers as they are now.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let workers = guard(&self.counted.workers);
        let every = || Mode::ALL.into_iter().flat_map(|mode| Disposition::ALL.map(|d| (mode, d)));
        let services = guard(&self.counted.services)
            .iter()
            .map(|(name, cells)| {
                let count = |(mode, disposition)| -> u64 {
                    cells.iter().map(|cell| cell.exchanges(mode, disposition)).sum()
                };
                (Arc::clone(name), every().map(count).sum())
            })
            .collect();
        let outlet = &self.counted.outlet;
        Summary {
            connections: workers.iter().map(|worker| worker.connections.get()).collect(),
            dropped: outlet.plain().dropped + outlet.signalled().dropped,
            overloads: workers.iter().map(|worker| worker.overloads.get()).sum(),
            services,
        }
    }
}
