//! What is in force, and the slot in which it is replaced between exchanges.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use inspect::Inspector;
use policy::Service;
use policy::document::Upstream;

use crate::cache::Store;
use crate::error::GatewayError;

/// What an exchange needs to know from the settings. Replaced as one, so that no exchange sees the
/// policy of one file and the upstreams of another.
#[derive(Debug)]
pub struct Arrangement {
    inspector: Arc<Inspector>,
    upstreams: Vec<Vec<Upstream>>,
    /// What is stored under one policy must not answer under another.
    stores: Vec<Option<Arc<Store>>>,
}

impl Arrangement {
    /// A policy's inspector with the upstreams of each of its services, in the policy's order.
    ///
    /// # Errors
    /// [`GatewayError::NoUpstream`] for the first service without any.
    pub fn new(
        inspector: Arc<Inspector>,
        mut upstreams: Vec<Vec<Upstream>>,
    ) -> Result<Self, GatewayError> {
        let services = &inspector.policy().services;
        upstreams.resize_with(services.len(), Vec::new);
        match services.iter().zip(&upstreams).find(|(_, upstreams)| upstreams.is_empty()) {
            Some((service, _)) => {
                Err(GatewayError::NoUpstream { service: service.name.as_ref().to_owned() })
            }
            None => {
                let store = |service: &Service| {
                    service.cache.map(|settings| Arc::new(Store::new(settings)))
                };
                let stores = services.iter().map(store).collect();
                Ok(Self { inspector, upstreams, stores })
            }
        }
    }

    /// The inspector.
    #[must_use]
    pub fn inspector(&self) -> &Arc<Inspector> {
        &self.inspector
    }

    /// The caches of the services that have one.
    pub(crate) fn stores(&self) -> &[Option<Arc<Store>>] {
        &self.stores
    }

    /// The upstreams of each service of the policy.
    #[must_use]
    pub fn upstreams(&self) -> &[Vec<Upstream>] {
        &self.upstreams
    }
}

/// Where workers look for the arrangement in force, once per exchange.
#[derive(Debug)]
pub(crate) struct Slot(ArcSwap<Arrangement>);

impl Slot {
    pub(crate) fn new(arrangement: Arrangement) -> Self {
        Self(ArcSwap::from_pointee(arrangement))
    }

    pub(crate) fn load(&self) -> Guard<Arc<Arrangement>> {
        self.0.load()
    }

    pub(crate) fn replace(&self, arrangement: Arrangement) {
        self.0.store(Arc::new(arrangement));
    }
}
