//! What the console shows: the analyst's snapshot and the product's own health, at one moment.

use std::sync::Arc;

use analysis::findings::{Finding, Fingerprint, Status};
use analysis::snapshot::{Endpoint, Snapshot};
use exchange::endpoint::EndpointId;
use exchange::moment::Moment;
use policy::Mode;

/// Everything that the pages show.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When it was published, by the clock.
    pub at: Moment,
    /// Inventory and findings.
    pub snapshot: Arc<Snapshot>,
    /// The services of the policy in force.
    pub services: Vec<ServiceView>,
    /// How the product itself is.
    pub health: Health,
    /// The policy revision in force.
    pub revision: String,
}

/// One service of the policy in force.
#[derive(Clone, Debug)]
pub struct ServiceView {
    /// Its name.
    pub name: Arc<str>,
    /// The mode in force for what violates the contract.
    pub mode: Mode,
    /// The mode in force for what the contract does not name.
    pub undocumented: Mode,
    /// Whether there is a contract.
    pub contract: bool,
}

/// How the product itself is.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Queues between its parts.
    pub queues: Vec<Queue>,
    /// Where observations and findings go.
    pub sinks: Vec<Sink>,
    /// Bodies that were not inspected, by reason.
    pub skipped: Vec<Skipped>,
}

/// A queue between two parts.
#[derive(Clone, Copy, Debug)]
pub struct Queue {
    /// Its name.
    pub name: &'static str,
    /// What waits.
    pub length: u64,
    /// What can wait.
    pub capacity: u64,
    /// What was dropped because it was full.
    pub dropped: u64,
}

/// Where observations and findings go.
#[derive(Clone, Debug)]
pub struct Sink {
    /// Its name.
    pub name: &'static str,
    /// What is wrong, with the remedy; `None`: nothing.
    pub trouble: Option<String>,
}

/// Bodies that were not inspected.
#[derive(Clone, Copy, Debug)]
pub struct Skipped {
    /// Why.
    pub why: &'static str,
    /// How many.
    pub bodies: u64,
}

impl View {
    /// The endpoint of this identity.
    pub(crate) fn endpoint(&self, id: EndpointId) -> Option<&Endpoint> {
        self.snapshot.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    /// The finding of this identity.
    pub(crate) fn finding(&self, fingerprint: Fingerprint) -> Option<&Finding> {
        self.snapshot.findings.iter().find(|finding| finding.fingerprint == fingerprint)
    }

    /// Findings that somebody should look at, worst first.
    pub(crate) fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        self.snapshot.findings.iter().filter(|finding| is_open(finding.status))
    }
}

/// True while a finding asks for somebody's attention.
pub(crate) const fn is_open(status: Status) -> bool {
    matches!(status, Status::New | Status::InProgress)
}
