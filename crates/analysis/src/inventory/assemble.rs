//! The inventory at one moment: templates decided, errors given to the endpoints they belong to,
//! what was learned set beside what is declared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contract::Contract;
use contract::Security;
use exchange::endpoint::{EndpointId, Method, PathTemplate, TemplateSegment};
use exchange::kind::ValueKind;
use exchange::limits;

use super::decide::{Decided, templates};
use super::template::{Key, keys};
use super::{Inventory, Scope, Tally, words};
use crate::sketch::Counts;
use crate::snapshot::SegmentGrounds;

/// Exchanges of a service for each of its declared operations before it counts as seen at work:
/// otherwise everything would be unused in the first second after a start.
const EXCHANGES_PER_OPERATION: u64 = 4;

/// One endpoint with all that is known of it.
#[derive(Debug)]
pub(crate) struct Known<'a> {
    pub(crate) id: EndpointId,
    pub(crate) service: Arc<str>,
    pub(crate) host: Arc<str>,
    pub(crate) method: Method,
    pub(crate) template: PathTemplate,
    pub(crate) tally: Tally,
    /// What is declared, where it is.
    pub(crate) declared: Option<&'a contract::Operation>,
    /// Its index in the service's contract.
    index: Option<u32>,
    /// The service has a contract.
    pub(crate) has_contract: bool,
    /// The operation was used, on this host or another.
    pub(crate) used: bool,
    /// So much of the service's traffic was seen that an operation's silence says something.
    pub(crate) silence_counts: bool,
    pub(crate) kinds: Vec<Counts<ValueKind>>,
    pub(crate) grounds: Vec<SegmentGrounds>,
}

impl Known<'_> {
    /// Something that was seen and is not declared, of which no more is known.
    pub(crate) fn undeclared(
        id: EndpointId,
        (service, host): (Arc<str>, Arc<str>),
        (method, template): (Method, PathTemplate),
        tally: Tally,
    ) -> Self {
        Self {
            id,
            service,
            host,
            method,
            template,
            tally,
            declared: None,
            index: None,
            has_contract: false,
            used: true,
            silence_counts: false,
            kinds: Vec::new(),
            grounds: Vec::new(),
        }
    }

    /// What the contract demands of callers.
    pub(crate) fn security(&self) -> Option<&Security> {
        self.declared.map(|operation| &operation.security)
    }

    /// True for endpoints where callers get their credentials: a password goes in, or the path
    /// says so.
    pub(crate) fn issues_credentials(&self) -> bool {
        use exchange::data_class::DataClass::Password;
        self.tally.sensitivity.incoming.has(Password) || self.has_word(words::issues_credentials)
    }

    /// True when a literal segment is such a word.
    pub(crate) fn has_word(&self, wanted: impl Fn(&str) -> bool) -> bool {
        self.template.0.iter().any(|segment| match segment {
            TemplateSegment::Literal(word) => wanted(word),
            TemplateSegment::Parameter(_) => false,
        })
    }

    /// True for what browsers fetch to show: pages and what belongs to them.
    pub(crate) fn is_for_people(&self) -> bool {
        let media = self.tally.media.as_slice();
        !media.is_empty() && media.iter().all(|(media, _)| media.is_for_people())
    }
}

/// The inventory at one moment.
#[derive(Debug, Default)]
pub(crate) struct Assembly<'a> {
    /// Endpoints by service, host, template and method.
    pub(crate) known: Vec<Known<'a>>,
    /// What belongs to no endpoint, by service and host.
    pub(crate) unrouted: Vec<(Arc<str>, Arc<str>, Tally)>,
    /// Endpoints that were left out because there are too many.
    pub(crate) overflow: u64,
}

/// Contracts by service.
pub(crate) type Contracts = BTreeMap<Arc<str>, Arc<Contract>>;

/// Puts everything together.
pub(crate) fn assemble<'a>(inventory: &Inventory, contracts: &'a Contracts) -> Assembly<'a> {
    let mut assembly = Assembly::default();
    for (service, host, scope) in inventory.scopes() {
        let contract = contracts.get(service).map(|contract| &**contract);
        assembly.scope(service, host, scope, contract);
    }
    assembly.add_unseen(contracts);
    assembly.mark_used();
    assembly.known.sort_by(|a, b| {
        let order = |known: &Known<'_>| (Arc::clone(&known.service), Arc::clone(&known.host));
        order(a).cmp(&order(b)).then_with(|| (&a.template, a.method).cmp(&(&b.template, b.method)))
    });
    if assembly.known.len() > limits::ENDPOINTS_MAX {
        assembly.overflow = (assembly.known.len() - limits::ENDPOINTS_MAX) as u64;
        assembly.known.truncate(limits::ENDPOINTS_MAX);
    }
    assembly
}

/// Anything but "there is no such thing" shows that an operation is there.
fn was_used(tally: &Tally) -> bool {
    let denied: u64 = [404, 405, 501].iter().map(|status| tally.statuses.get(*status)).sum();
    tally.exchanges > denied
}

impl<'a> Assembly<'a> {
    fn scope(
        &mut self,
        service: &Arc<str>,
        host: &Arc<str>,
        scope: &Scope,
        contract: Option<&'a Contract>,
    ) {
        let (mut decided, route) = templates(&scope.tree.root);
        let mut lost = Tally::default();
        for probe in scope.probes.iter() {
            let path: Vec<Key<'_>> = keys(&probe.path).collect();
            match route.find(probe.method, &path).and_then(|at| decided.get_mut(at)) {
                Some(found) => found.tally.merge(&probe.tally),
                None => lost.merge(&probe.tally),
            }
        }
        if lost.exchanges > 0 {
            self.unrouted.push((Arc::clone(service), Arc::clone(host), lost));
        }
        let operations = contract.map_or(&[][..], Contract::operations);
        let mut declared = scope.declared.clone();
        for one in decided {
            match operations.iter().position(|operation| covers(operation, &one)) {
                Some(at) => declared.entry(at as u32).or_default().merge(&one.tally),
                None => self.push(service, host, one, contract.is_some()),
            }
        }
        for (index, tally) in declared {
            if let Some(operation) = operations.get(index as usize) {
                self.push_declared(service, host, (index, operation), tally);
            }
        }
    }

    fn push(&mut self, service: &Arc<str>, host: &Arc<str>, one: Decided, has_contract: bool) {
        let id = EndpointId::of(host, one.method, &one.template);
        let place = (Arc::clone(service), Arc::clone(host));
        let known = Known::undeclared(id, place, (one.method, one.template), one.tally);
        let learned = Known { has_contract, kinds: one.kinds, grounds: one.grounds, ..known };
        self.known.push(learned);
    }

    fn push_declared(
        &mut self,
        service: &Arc<str>,
        host: &Arc<str>,
        (index, operation): (u32, &'a contract::Operation),
        tally: Tally,
    ) {
        self.known.push(Known {
            id: EndpointId::of(host, operation.method, &operation.template),
            service: Arc::clone(service),
            host: Arc::clone(host),
            method: operation.method,
            template: operation.template.clone(),
            tally,
            declared: Some(operation),
            index: Some(index),
            has_contract: true,
            used: false,
            silence_counts: false,
            kinds: Vec::new(),
            grounds: Vec::new(),
        });
    }

    /// Operations that nobody ever asked for, on any host.
    fn add_unseen(&mut self, contracts: &'a Contracts) {
        let asked = self.operations(|_| true);
        for (service, contract) in contracts {
            for (index, operation) in (0_u32..).zip(contract.operations()) {
                if !asked.contains(&(Arc::clone(service), index)) {
                    self.push_declared(service, &"".into(), (index, operation), Tally::default());
                }
            }
        }
    }

    /// An operation that is used on one host is not unused on another.
    fn mark_used(&mut self) {
        let used = self.operations(|known| was_used(&known.tally));
        let mut services: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
        for known in &self.known {
            let (exchanges, operations) = services.entry(Arc::clone(&known.service)).or_default();
            *exchanges += known.tally.exchanges;
            *operations += u64::from(known.declared.is_some());
        }
        for known in &mut self.known {
            let (exchanges, operations) = services.get(&known.service).copied().unwrap_or_default();
            known.silence_counts = exchanges >= EXCHANGES_PER_OPERATION * operations;
        }
        for known in &mut self.known {
            if let Some(index) = known.index {
                known.used = used.contains(&(Arc::clone(&known.service), index));
            }
        }
    }

    fn operations(&self, wanted: impl Fn(&Known<'_>) -> bool) -> BTreeSet<(Arc<str>, u32)> {
        let wanted = self.known.iter().filter(|known| wanted(known));
        wanted.filter_map(|known| Some((Arc::clone(&known.service), known.index?))).collect()
    }
}

/// True when the declared operation has all paths of the learned template: possible only for what
/// was learned before the contract came.
fn covers(operation: &contract::Operation, learned: &Decided) -> bool {
    let (theirs, mine) = (&operation.template.0, &learned.template.0);
    operation.method == learned.method
        && theirs.len() == mine.len()
        && theirs.iter().zip(mine).all(|(declared, learned)| match declared {
            TemplateSegment::Literal(_) => declared == learned,
            TemplateSegment::Parameter(_) => true,
        })
}
