//! Rows that more than one page shows.

use analysis::findings::{Finding, Status};
use analysis::snapshot::Endpoint;
use exchange::data_class::{DataClasses, DataGroup};
use exchange::moment::Moment;
use exchange::principal::Proof;
use exchange::rule::Severity;

use crate::shown::{Shown, When, compact, ratio, share};

/// How bad, as shape, word and colour.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) shape: &'static str,
    pub(crate) word: &'static str,
}

impl Mark {
    pub(crate) const fn of(severity: Severity) -> Self {
        let shape = match severity {
            Severity::Critical => "●",
            Severity::High => "▲",
            Severity::Medium => "◆",
            Severity::Low => "▼",
            Severity::Info => "○",
        };
        Self { shape, word: severity.as_str() }
    }
}

/// A status in words.
pub(crate) const fn status_words(status: Status) -> &'static str {
    match status {
        Status::New => "New",
        Status::InProgress => "In progress",
        Status::Suppressed => "Suppressed",
        Status::Resolved => "Resolved",
    }
}

/// A finding in a list.
pub(crate) struct FindingRow {
    pub(crate) fingerprint: String,
    pub(crate) mark: Mark,
    pub(crate) title: Shown,
    pub(crate) rule: String,
    pub(crate) service: Shown,
    pub(crate) method: &'static str,
    pub(crate) template: Shown,
    pub(crate) exchanges: String,
    pub(crate) confidence: String,
    pub(crate) status: &'static str,
    pub(crate) last: When,
}

impl FindingRow {
    pub(crate) fn of(now: Moment, finding: &Finding) -> Self {
        Self {
            fingerprint: finding.fingerprint.to_string(),
            mark: Mark::of(finding.severity),
            title: Shown::brief(&finding.title),
            rule: finding.rule.to_string(),
            service: Shown::brief(&finding.service),
            method: finding.method.as_str(),
            template: Shown::brief(&finding.template),
            exchanges: compact(finding.exchanges),
            confidence: share(f64::from(finding.confidence)),
            status: status_words(finding.status),
            last: When::new(now, finding.last_seen),
        }
    }
}

/// An endpoint in a list.
pub(crate) struct EndpointRow {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    pub(crate) service: Shown,
    pub(crate) method: &'static str,
    pub(crate) template: Shown,
    pub(crate) host: Shown,
    pub(crate) authentication: Vec<Caller>,
    pub(crate) data: Vec<DataWord>,
    pub(crate) exchanges: String,
    pub(crate) principals: String,
    pub(crate) client_errors: String,
    pub(crate) server_errors: String,
    pub(crate) last: Option<When>,
}

/// How some callers proved themselves.
pub(crate) struct Caller {
    pub(crate) how: &'static str,
    pub(crate) share: String,
    pub(crate) exchanges: String,
    pub(crate) accepted: String,
}

/// A data class, and whether it is one that hurts.
pub(crate) struct DataWord {
    pub(crate) name: &'static str,
    pub(crate) grave: bool,
}

impl EndpointRow {
    pub(crate) fn of(now: Moment, endpoint: &Endpoint) -> Self {
        let answered = |class: u16| {
            let statuses = endpoint.statuses.iter().filter(|(status, _)| status / 100 == class);
            ratio(statuses.map(|(_, count)| count).sum(), endpoint.exchanges)
        };
        Self {
            id: endpoint.id.to_string(),
            state: endpoint.state.as_str(),
            service: Shown::brief(&endpoint.service),
            method: endpoint.method.as_str(),
            template: Shown::brief(&endpoint.template),
            host: Shown::brief(&endpoint.host),
            authentication: callers(endpoint),
            data: data_words(endpoint.data()),
            exchanges: compact(endpoint.exchanges),
            principals: compact(endpoint.principals),
            client_errors: answered(4),
            server_errors: answered(5),
            last: endpoint.last_seen.map(|last| When::new(now, last)),
        }
    }
}

/// How callers proved themselves, most frequent first.
pub(crate) fn callers(endpoint: &Endpoint) -> Vec<Caller> {
    let mut seen: Vec<_> = endpoint.authentication.iter().filter(|(_, count)| *count > 0).collect();
    seen.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let accepted = |proof: Proof| {
        let found = endpoint.authentication_2xx.iter().find(|(known, _)| *known == proof);
        found.map_or(0, |(_, count)| *count)
    };
    seen.into_iter()
        .map(|(proof, count)| Caller {
            how: proof.as_str(),
            share: ratio(*count, endpoint.exchanges),
            exchanges: compact(*count),
            accepted: compact(accepted(*proof)),
        })
        .collect()
}

/// The names of data classes.
pub(crate) fn data_words(data: DataClasses) -> Vec<DataWord> {
    data.iter()
        .map(|class| DataWord {
            name: class.as_str(),
            grave: matches!(
                class.group(),
                DataGroup::Secret | DataGroup::Payment | DataGroup::Health | DataGroup::Identity
            ),
        })
        .collect()
}
