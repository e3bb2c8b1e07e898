//! The one writer of everything that is learned.

use std::collections::BTreeSet;
use std::sync::Arc;

use contract::Contract;
use contract::emit::LearnedContract;

use exchange::endpoint::{EndpointId, Method, PathTemplate};
use exchange::moment::Moment;
use exchange::observation::Observation;
use exchange::rule::RuleCard;

use crate::change::Change;
use crate::findings::draft::Draft;
use crate::findings::lifecycle::Ledger;
use crate::findings::{Finding, Fingerprint, Status};
use crate::inventory::assemble::{Assembly, Contracts, Known, assemble};
use crate::inventory::{self, Inventory, Tally};
use crate::posture::Surroundings;
use crate::snapshot::{Endpoint, Snapshot, Totals};
use crate::traffic::Traffic;
use crate::{drift, posture};

/// A service and what is declared for it.
#[derive(Clone, Debug)]
pub struct DeclaredService {
    /// Its name, as in the observations.
    pub name: Arc<str>,
    /// Its contract.
    pub contract: Arc<Contract>,
}

/// Learns from observations what exists, and says what is wrong with it.
///
/// Absorbing is cheap and decides nothing; [`Analyst::assess`] and [`Analyst::snapshot`] look at
/// all that was learned. Analysts of parts of the traffic merge into the analyst of the whole.
#[derive(Clone, Debug, Default)]
pub struct Analyst {
    pub(crate) contracts: Contracts,
    pub(crate) inventory: Inventory,
    pub(crate) traffic: Traffic,
    pub(crate) ledger: Ledger,
    cards: Vec<&'static RuleCard>,
}

impl Analyst {
    /// An analyst that has seen nothing.
    #[must_use]
    pub fn new(declared: Vec<DeclaredService>) -> Self {
        let contracts = declared.into_iter().map(|one| (one.name, one.contract)).collect();
        Self { contracts, ..Self::default() }
    }

    /// Takes titles and categories of detectors' rules from their cards. Without them, findings
    /// that come of signals are titled with the rule's number.
    #[must_use]
    pub fn with_cards(mut self, cards: &[&'static RuleCard]) -> Self {
        self.cards = cards.to_vec();
        self
    }

    /// Learns from one exchange.
    pub fn absorb(&mut self, observation: &Observation) {
        self.traffic.absorb(observation);
        self.inventory.absorb(observation);
    }

    /// [`Analyst::assess`] and then [`Analyst::snapshot`], for one look at all that was learned.
    pub fn review(&mut self, now: Moment) -> (Vec<Change>, Snapshot) {
        let (endpoints, mut findings, left_out) = self.examine(now);
        let changes = self.ledger.report(now, &endpoints, &findings);
        self.ledger.mark(&mut findings);
        (changes, self.shown(now, endpoints, findings, left_out))
    }

    /// Looks at all that was learned, and says what is different from the last time.
    pub fn assess(&mut self, now: Moment) -> Vec<Change> {
        let (endpoints, findings, _) = self.examine(now);
        self.ledger.report(now, &endpoints, &findings)
    }

    /// All that is known, for those who show it.
    #[must_use]
    pub fn snapshot(&self, now: Moment) -> Snapshot {
        let (endpoints, findings, left_out) = self.examine(now);
        self.shown(now, endpoints, findings, left_out)
    }

    fn shown(
        &self,
        now: Moment,
        endpoints: Vec<Endpoint>,
        mut findings: Vec<Finding>,
        left_out: (u64, u64),
    ) -> Snapshot {
        let resolved: Vec<Finding> = self.ledger.resolved(&findings).cloned().collect();
        findings.extend(resolved);
        findings.sort_by(|a, b| {
            let worst = |one: &Finding| (one.severity, one.last_seen);
            b.confidence
                .total_cmp(&a.confidence)
                .then(worst(b).1.cmp(&worst(a).1))
                .then(a.fingerprint.cmp(&b.fingerprint))
        });
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Snapshot {
            at: now,
            endpoints,
            findings,
            coverage: self.traffic.coverage(),
            totals: self.totals(left_out),
            traffic: self.traffic.hours(),
        }
    }

    /// Endpoints, findings with their statuses, and (unrouted exchanges, endpoints left out).
    fn examine(&self, now: Moment) -> (Vec<Endpoint>, Vec<Finding>, (u64, u64)) {
        let assembly = assemble(&self.inventory, &self.contracts);
        let endpoints = assembly.known.iter().map(|known| known.row(now)).collect();
        let mut findings = self.findings(&assembly, now);
        self.ledger.mark(&mut findings);
        let unrouted = assembly.unrouted.iter().map(|(_, _, tally)| tally.exchanges).sum();
        (endpoints, findings, (unrouted, assembly.overflow))
    }

    fn findings(&self, assembly: &Assembly<'_>, now: Moment) -> Vec<Finding> {
        let mut findings = Vec::new();
        let neighbours = assembly.known.chunk_by(|a, b| a.service == b.service && a.host == b.host);
        for endpoints in neighbours {
            let surroundings = Surroundings::of(endpoints);
            for known in endpoints {
                drift::examine(known, now, &mut findings);
                posture::examine(known, surroundings, now, &mut findings);
                for signal in self.signals(known) {
                    findings.push(signal.finding(known, now));
                }
            }
        }
        for (service, host, tally) in &assembly.unrouted {
            let nowhere = nowhere(service, host, tally);
            findings.extend(self.signals(&nowhere).map(|signal| signal.stray(&nowhere, now)));
        }
        findings
    }

    /// What detectors noticed at one endpoint, but for what the rules here decide by themselves,
    /// and for secrets that are given to who asked for them.
    fn signals<'a>(&'a self, known: &'a Known<'_>) -> impl Iterator<Item = Draft<'a>> {
        let own = |signal| drift::CATALOG.iter().chain(posture::CATALOG).any(|c| c.id == signal);
        known
            .tally
            .signals
            .iter()
            .filter(move |signal| !own(signal.rule))
            .filter(move |signal| !inventory::is_issued(known, signal))
            .map(|signal| {
                let card = self.cards.iter().find(|card| card.id == signal.rule);
                Draft::of_signal(signal, card.copied())
            })
    }

    fn totals(&self, (unrouted, left_out): (u64, u64)) -> Totals {
        Totals {
            exchanges: self.traffic.exchanges,
            dispositions: self.traffic.dispositions(),
            unrouted,
            preflights: self.inventory.preflights(),
            overflow: self.inventory.overflow() + left_out,
            principals: self.traffic.principals.estimate(),
            first: self.traffic.span.first(),
            last: self.traffic.span.last(),
        }
    }

    /// The analyst of both parts of the traffic. Contracts and cards are this one's.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        let mut other = other;
        if !same_contracts(&self.contracts, &other.contracts) {
            other.redeclare_as(self.contracts.clone());
        }
        self.inventory.merge(&other.inventory);
        self.traffic.merge(&other.traffic);
        self.ledger.merge(&other.ledger);
        self
    }

    /// Puts other contracts in the place of the present ones. What was learned stays: operations
    /// are found again by method and template, and what is declared no longer becomes something
    /// that was seen.
    pub fn redeclare(&mut self, declared: Vec<DeclaredService>) {
        self.redeclare_as(declared.into_iter().map(|one| (one.name, one.contract)).collect());
    }

    fn redeclare_as(&mut self, contracts: Contracts) {
        let before = crate::state::declared(&self.inventory, &self.contracts);
        for (_, scope) in self.inventory.scopes_mut() {
            scope.declared.clear();
        }
        self.contracts = contracts;
        crate::state::redeclare(&mut self.inventory, &self.contracts, before);
    }

    /// A person's decision about a finding. `None`: there is no such finding.
    pub fn set_status(
        &mut self,
        fingerprint: Fingerprint,
        status: Status,
        at: Moment,
    ) -> Option<Change> {
        self.ledger.set(at, fingerprint, status)
    }

    /// What the traffic shows to be the contract of a service.
    #[must_use]
    pub fn learned_contract(&self, service: &str, now: Moment) -> LearnedContract {
        let assembly = assemble(&self.inventory, &self.contracts);
        let mine = assembly.known.iter().filter(|known| *known.service == *service);
        inventory::contract::learn(service, now, mine)
    }

    /// Services that are declared or were seen, sorted.
    #[must_use]
    pub fn services(&self) -> Vec<Arc<str>> {
        let seen = self.inventory.scopes().map(|(service, _, _)| service);
        let all: BTreeSet<&Arc<str>> = self.contracts.keys().chain(seen).collect();
        all.into_iter().cloned().collect()
    }

    /// When the last exchange was: what is `now` for a recording.
    #[must_use]
    pub fn last(&self) -> Option<Moment> {
        self.traffic.span.last()
    }
}

fn same_contracts(mine: &Contracts, theirs: &Contracts) -> bool {
    mine.len() == theirs.len()
        && mine.iter().zip(theirs).all(|((service, contract), (other, another))| {
            service == other && Arc::ptr_eq(contract, another)
        })
}

/// A place for what was noticed where no endpoint is.
fn nowhere<'a>(service: &Arc<str>, host: &Arc<str>, tally: &Tally) -> Known<'a> {
    let template = PathTemplate::default();
    Known::undeclared(
        EndpointId::of(host, Method::Other, &template),
        (Arc::clone(service), Arc::clone(host)),
        (Method::Other, template),
        tally.clone(),
    )
}
