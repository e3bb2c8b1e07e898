//! What exists: endpoints seen and declared, first, last, how often, by whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use exchange::data_class::DataClass;
use exchange::endpoint::Method;
use exchange::limits;
use exchange::observation::Observation;
use exchange::rule::{Family, RuleId};
use serde::{Deserialize, Serialize};

pub(crate) mod assemble;
mod authentication;
pub(crate) mod contract;
mod decide;
mod evidence;
mod media;
mod outline;
mod parameter;
mod probe;
mod profile;
mod rows;
mod sensitivity;
mod shape;
mod tally;
mod template;
mod words;

pub(crate) use tally::Tally;
pub(crate) use template::Key;

use crate::findings::correlate::SignalTally;
use probe::Probes;
use template::Tree;

/// All that is known of one host of one service.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Scope {
    tree: Tree,
    probes: Probes,
    /// By index of the operation in the service's contract.
    #[serde(skip)]
    pub(crate) declared: BTreeMap<u32, Tally>,
    preflights: u64,
    overflow: u64,
}

/// Hosts by service.
type Scopes = BTreeMap<Arc<str>, BTreeMap<Arc<str>, Scope>>;

/// All hosts of all services.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Inventory {
    scopes: Scopes,
    hosts: usize,
    /// Exchanges of hosts for which there was no room.
    overflow: u64,
}

impl Inventory {
    /// Adds one exchange.
    pub(crate) fn absorb(&mut self, observation: &Observation) {
        match self.scope_mut(&observation.service, &observation.host) {
            Some(scope) => scope.absorb(observation),
            None => self.overflow += 1,
        }
    }

    /// The host's scope; a new one while there is room.
    pub(crate) fn scope_mut(&mut self, service: &Arc<str>, host: &Arc<str>) -> Option<&mut Scope> {
        let known = self.scopes.get(&**service).is_some_and(|hosts| hosts.contains_key(&**host));
        if !known {
            if self.hosts >= limits::HOSTS_MAX {
                return None;
            }
            self.hosts += 1;
            let hosts = self.scopes.entry(Arc::clone(service)).or_default();
            hosts.insert(Arc::clone(host), Scope::default());
        }
        self.scopes.get_mut(&**service)?.get_mut(&**host)
    }

    /// All scopes with service and host, in their order.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Scope)> {
        self.scopes.iter().flat_map(|(service, hosts)| {
            hosts.iter().map(move |(host, scope)| (service, host, scope))
        })
    }

    /// The same, to change them.
    pub(crate) fn scopes_mut(&mut self) -> impl Iterator<Item = (&Arc<str>, &mut Scope)> {
        self.scopes
            .iter_mut()
            .flat_map(|(service, hosts)| hosts.values_mut().map(move |scope| (service, scope)))
    }

    /// All exchanges of the other one, too. Operations have the same indices on both sides.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflow += other.overflow;
        for (service, host, theirs) in other.scopes() {
            match self.scope_mut(service, host) {
                Some(scope) => scope.merge(theirs),
                None => self.overflow += theirs.exchanges(),
            }
        }
    }

    /// Exchanges that are counted nowhere else because a bound was reached.
    pub(crate) fn overflow(&self) -> u64 {
        let scopes = self.scopes().map(|(_, _, scope)| scope.overflow + scope.probes.overflow);
        self.overflow + scopes.sum::<u64>()
    }

    /// `OPTIONS` requests that belong to no declared operation.
    pub(crate) fn preflights(&self) -> u64 {
        self.scopes().map(|(_, _, scope)| scope.preflights).sum()
    }
}

impl Scope {
    fn absorb(&mut self, observation: &Observation) {
        if let Some(index) = observation.operation {
            self.declared.entry(index.0).or_default().absorb(observation);
        } else if observation.method == Method::Options {
            self.preflights += 1;
        } else if tally::shows_endpoint(observation) {
            if !self.tree.grow(observation) {
                self.overflow += 1;
            }
        } else if let Some(tally) = self.tree.find(observation) {
            tally.absorb(observation);
        } else {
            self.probes.absorb(observation);
        }
    }

    /// Adds what was learned of an operation that the present contract does not have.
    pub(crate) fn graft(&mut self, method: Method, template: &[Key<'_>], tally: &Tally) {
        self.tree.graft(template, method, tally);
    }

    fn merge(&mut self, other: &Self) {
        self.tree.merge(&other.tree);
        self.probes.merge(&other.probes);
        self.preflights += other.preflights;
        self.overflow += other.overflow;
        for (index, tally) in &other.declared {
            self.declared.entry(*index).or_default().merge(tally);
        }
    }

    fn exchanges(&self) -> u64 {
        let (decided, _) = decide::templates(&self.tree.root);
        let learned: u64 = decided.iter().map(|one| one.tally.exchanges).sum();
        let declared: u64 = self.declared.values().map(|tally| tally.exchanges).sum();
        let probes: u64 = self.probes.iter().map(|probe| probe.tally.exchanges).sum();
        learned + declared + probes + self.preflights + self.overflow + self.probes.overflow
    }
}

/// Secrets in answers: PAL-DATA-003.
const SECRET_IN_RESPONSE: RuleId = RuleId::new(Family::Data, 3);

/// True for a secret that an endpoint gives to who asked for one: a token after a login.
pub(crate) fn is_issued(known: &assemble::Known<'_>, signal: &SignalTally) -> bool {
    let session = |word: &str| {
        let classes = [DataClass::Jwt, DataClass::Password];
        classes.iter().any(|class| *word == *class.as_str())
    };
    signal.rule == SECRET_IN_RESPONSE
        && known.issues_credentials()
        && signal.words.iter().all(|word| session(word))
}
