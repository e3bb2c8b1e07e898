//! New, in progress, suppressed, resolved: what people decided about findings, and what became of
//! them since they were last reported.

use std::collections::BTreeMap;

use exchange::endpoint::EndpointId;
use exchange::limits;
use exchange::moment::Moment;
use serde::{Deserialize, Serialize};

use super::{Finding, Fingerprint, Status};
use crate::change::Change;
use crate::hash::TextHash;
use crate::snapshot::Endpoint;

/// One finding as it was last reported.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Entry {
    status: Status,
    /// When the status was given.
    since: Moment,
    /// As last reported; `None` in an entry that came from another analyst's triage.
    reported: Option<Box<Finding>>,
}

/// What was reported, and what people decided.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Ledger {
    findings: BTreeMap<Fingerprint, Entry>,
    endpoints: BTreeMap<EndpointId, u64>,
}

impl Ledger {
    /// Gives the findings their statuses.
    pub(crate) fn mark(&self, findings: &mut [Finding]) {
        for finding in findings {
            if let Some(entry) = self.findings.get(&finding.fingerprint) {
                let reopened = entry.status == Status::Resolved && finding.last_seen > entry.since;
                finding.status = if reopened { Status::New } else { entry.status };
            }
        }
    }

    /// Resolved findings that are no longer found, as they were.
    pub(crate) fn resolved<'a>(
        &'a self,
        present: &'a [Finding],
    ) -> impl Iterator<Item = &'a Finding> {
        let gone = |finding: &Finding| {
            present.iter().all(|other| other.fingerprint != finding.fingerprint)
        };
        self.findings
            .values()
            .filter(|entry| entry.status == Status::Resolved)
            .filter_map(|entry| entry.reported.as_deref())
            .filter(move |finding| gone(finding))
    }

    /// A person's decision. `None`: there is no such finding.
    pub(crate) fn set(&mut self, at: Moment, mark: Fingerprint, status: Status) -> Option<Change> {
        let entry = self.findings.get_mut(&mark)?;
        entry.status = status;
        entry.since = at;
        let finding = entry.reported.as_mut()?;
        finding.status = status;
        let finding = finding.clone();
        Some(match status {
            Status::Resolved => Change::FindingResolved { at, finding },
            Status::InProgress | Status::New | Status::Suppressed => {
                Change::FindingUpdated { at, finding }
            }
        })
    }

    /// Compares with what was reported before, and remembers the new state.
    pub(crate) fn report(
        &mut self,
        now: Moment,
        endpoints: &[Endpoint],
        findings: &[Finding],
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        self.report_endpoints(now, endpoints, &mut changes);
        for finding in findings {
            changes.extend(self.report_finding(now, finding));
        }
        self.resolve_gone(now, findings, &mut changes);
        changes
    }

    fn report_endpoints(&mut self, at: Moment, endpoints: &[Endpoint], changes: &mut Vec<Change>) {
        let mut present = BTreeMap::new();
        for endpoint in endpoints {
            let facts = facts(endpoint);
            present.insert(endpoint.id, facts);
            match self.endpoints.get(&endpoint.id) {
                Some(known) if *known == facts => {}
                Some(_) => {
                    changes.push(Change::EndpointUpdated { at, endpoint: endpoint.clone().into() });
                }
                None => changes
                    .push(Change::EndpointDiscovered { at, endpoint: endpoint.clone().into() }),
            }
        }
        let gone = self.endpoints.keys().filter(|id| !present.contains_key(*id));
        changes.extend(gone.map(|id| Change::EndpointRetired { at, id: *id }));
        self.endpoints = present;
    }

    fn report_finding(&mut self, at: Moment, finding: &Finding) -> Option<Change> {
        let boxed = || Box::new(finding.clone());
        let Some(entry) = self.findings.get_mut(&finding.fingerprint) else {
            if self.findings.len() >= limits::FINDINGS_MAX {
                return None;
            }
            let entry = Entry { status: finding.status, since: at, reported: Some(boxed()) };
            self.findings.insert(finding.fingerprint, entry);
            return Some(Change::FindingOpened { at, finding: boxed() });
        };
        let before = entry.reported.replace(boxed());
        let reopened = entry.status == Status::Resolved && finding.status == Status::New;
        if reopened {
            entry.status = Status::New;
            entry.since = at;
            return Some(Change::FindingReopened { at, finding: boxed() });
        }
        let Some(before) = before else {
            return Some(Change::FindingOpened { at, finding: boxed() });
        };
        let same = before.exchanges == finding.exchanges
            && before.severity == finding.severity
            && before.status == finding.status
            && before.evidence == finding.evidence;
        (!same).then(|| Change::FindingUpdated { at, finding: boxed() })
    }

    fn resolve_gone(&mut self, at: Moment, findings: &[Finding], changes: &mut Vec<Change>) {
        let present: Vec<Fingerprint> = {
            let mut all: Vec<_> = findings.iter().map(|finding| finding.fingerprint).collect();
            all.sort_unstable();
            all
        };
        for (mark, entry) in &mut self.findings {
            let open = entry.status != Status::Resolved;
            let Some(finding) = entry.reported.as_mut().filter(|_| open) else { continue };
            if present.binary_search(mark).is_err() {
                entry.status = Status::Resolved;
                entry.since = at;
                finding.status = Status::Resolved;
                changes.push(Change::FindingResolved { at, finding: finding.clone() });
            }
        }
    }

    /// Both ledgers: of two decisions about one finding, the later. What was reported by one of
    /// them only is reported anew by the next assessment of the whole.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mark, theirs) in &other.findings {
            let mine = self.findings.entry(*mark).or_insert_with(|| theirs.clone());
            let later = (theirs.since, theirs.status) > (mine.since, mine.status);
            if later {
                *mine = theirs.clone();
            }
        }
        self.endpoints.retain(|id, facts| other.endpoints.get(id) == Some(facts));
    }
}

/// A number that changes when there is something new to show: not with every exchange, but with
/// every doubling.
fn facts(endpoint: &Endpoint) -> u64 {
    let magnitude = u64::BITS - endpoint.exchanges.leading_zeros();
    let mut hash = TextHash::new(b'f')
        .text(endpoint.state.as_str())
        .text(endpoint.protocol.as_str())
        .text(endpoint.operation.as_deref().unwrap_or_default())
        .mark(magnitude as u8);
    for (proof, count) in &endpoint.authentication_2xx {
        hash = hash.text(proof.as_str()).mark(u8::from(*count > 0));
    }
    for class in endpoint.data().iter() {
        hash = hash.text(class.as_str());
    }
    for parameter in &endpoint.parameters {
        hash = hash.text(&parameter.name).text(parameter.kind.as_str());
    }
    for field in &endpoint.fields {
        hash = hash.text(&field.pointer).mark(u8::from(field.required));
        hash = field.types.iter().fold(hash, |hash, name| hash.text(name));
    }
    hash.finish()
}
