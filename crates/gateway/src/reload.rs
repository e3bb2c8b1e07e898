//! What is in force, and the slot in which it is replaced between exchanges.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use inspect::Inspector;
use policy::Service;
use policy::document::Upstreams;

use crate::access_log::AccessLog;
use crate::cache::Store;
use crate::error::GatewayError;
use crate::tls::Connector;
use crate::upstream::Probed;

/// What an exchange needs to know from the settings. Replaced as one, so that no exchange sees the
/// policy of one file and the upstreams of another.
#[derive(Debug)]
pub struct Arrangement {
    inspector: Arc<Inspector>,
    upstreams: Vec<Upstreams>,
    probed: Vec<Vec<Arc<Probed>>>,
    /// What is stored under one policy must not answer under another.
    stores: Vec<Option<Arc<Store>>>,
    connectors: Vec<Option<Arc<Connector>>>,
    access_log: Option<Arc<AccessLog>>,
}

impl Arrangement {
    /// A policy's inspector with the upstreams of each of its services, in the policy's order.
    ///
    /// # Errors
    /// [`GatewayError::NoUpstream`] for the first service without any.
    pub fn new(
        inspector: Arc<Inspector>,
        mut upstreams: Vec<Upstreams>,
    ) -> Result<Self, GatewayError> {
        let services = &inspector.policy().services;
        upstreams.resize_with(services.len(), Upstreams::default);
        match services.iter().zip(&upstreams).find(|(_, upstreams)| upstreams.targets.is_empty()) {
            Some((service, _)) => {
                Err(GatewayError::NoUpstream { service: service.name.as_ref().to_owned() })
            }
            None => {
                let probed = |upstreams: &Upstreams| {
                    upstreams.targets.iter().map(|_| Arc::default()).collect()
                };
                let probed = upstreams.iter().map(probed).collect();
                let store = |service: &Service| {
                    service.cache.map(|settings| Arc::new(Store::new(settings)))
                };
                let stores = services.iter().map(store).collect();
                let (connectors, access_log) = (Vec::new(), None);
                Ok(Self { inspector, upstreams, probed, stores, connectors, access_log })
            }
        }
    }

    /// Takes over what the checks of `before` have shown of the upstreams that are checked in the
    /// same way.
    fn adopt(&mut self, before: &Self) {
        let names = |arrangement: &Self| -> Vec<Arc<str>> {
            let services = arrangement.inspector.policy().services.iter();
            services.map(|service| Arc::clone(&service.name)).collect()
        };
        let known = names(before);
        for (index, name) in names(self).iter().enumerate() {
            let Some(old) = known.iter().position(|known| known == name) else { continue };
            let (upstreams, others) = (&self.upstreams[index], &before.upstreams[old]);
            if upstreams.health != others.health {
                continue;
            }
            for (target, probed) in upstreams.targets.iter().zip(&mut self.probed[index]) {
                if let Some(at) = others.targets.iter().position(|other| other == target) {
                    *probed = Arc::clone(&before.probed[old][at]);
                }
            }
        }
    }

    /// The same with TLS to the upstreams of these services, in the policy's order.
    #[must_use]
    pub fn with_connectors(self, connectors: Vec<Option<Arc<Connector>>>) -> Self {
        Self { connectors, ..self }
    }

    /// The same with an access log.
    #[must_use]
    pub fn with_access_log(self, access_log: Option<Arc<AccessLog>>) -> Self {
        Self { access_log, ..self }
    }

    /// Where exchanges are written down.
    pub(crate) fn access_log(&self) -> Option<&Arc<AccessLog>> {
        self.access_log.as_ref()
    }

    /// How the upstreams of a service are reached over TLS, where the settings say it.
    #[must_use]
    pub fn connector(&self, service: usize) -> Option<&Arc<Connector>> {
        self.connectors.get(service)?.as_ref()
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
    pub fn upstreams(&self) -> &[Upstreams] {
        &self.upstreams
    }

    /// What the checks show of each of these upstreams.
    pub(crate) fn probed(&self) -> &[Vec<Arc<Probed>>] {
        &self.probed
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

    pub(crate) fn replace(&self, mut arrangement: Arrangement) {
        arrangement.adopt(&self.0.load());
        self.0.store(Arc::new(arrangement));
    }
}
