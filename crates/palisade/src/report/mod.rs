//! What was read, seen and found: for terminals, scripts and browsers.

use std::path::PathBuf;

use analysis::findings::{Finding, Status};
use analysis::snapshot::{Endpoint, EndpointState, Snapshot};
use exchange::recording::{Place, Tally};
use exchange::rule::Severity;

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod text;

/// Everything that an analysis says.
#[derive(Debug)]
pub(crate) struct Report {
    /// What became of the records.
    pub(crate) read: Tally,
    /// Broken records, with the file they are in.
    pub(crate) places: Vec<(PathBuf, Place)>,
    /// Inventory and findings.
    pub(crate) snapshot: Snapshot,
    /// The learned contract, as YAML, where it is wanted.
    pub(crate) learned: Option<String>,
}

/// Findings that ask for attention: not suppressed, not resolved.
pub(crate) fn open(snapshot: &Snapshot) -> impl Iterator<Item = &Finding> {
    snapshot
        .findings
        .iter()
        .filter(|finding| matches!(finding.status, Status::New | Status::InProgress))
}

/// True when a finding is at or above `failing`.
pub(crate) fn fails(report: &Report, failing: Option<Severity>) -> bool {
    failing.is_some_and(|level| open(&report.snapshot).any(|finding| finding.severity >= level))
}

/// Notes on records that could not be read, and on what is only partly known.
pub(crate) fn notes(report: &Report, mut note: impl FnMut(&str)) {
    for (file, place) in &report.places {
        note(&format!(
            "warning: {}: record {}, byte {}: found {}, expected {}; {}",
            file.display(),
            place.number,
            place.offset,
            place.found,
            place.expected,
            place.skip.remedy()
        ));
    }
    let overflow = report.snapshot.totals.overflow;
    if overflow > 0 {
        note(&format!("warning: {overflow} exchanges were counted only: a bound was reached"));
    }
}

/// `4 findings (1 high, 3 low) in 61 endpoints; failing at ≥ high → exit 1`
pub(crate) fn closing_line(report: &Report, failing: Option<Severity>, code: u8) -> String {
    let total = open(&report.snapshot).count();
    let levels: Vec<String> = by_severity(&report.snapshot)
        .into_iter()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let detail =
        if levels.is_empty() { String::new() } else { format!(" ({})", levels.join(", ")) };
    let failing =
        failing.map_or("never failing".to_owned(), |level| format!("failing at ≥ {level}"));
    let noun = if total == 1 { "finding" } else { "findings" };
    let endpoints = report.snapshot.endpoints.len();
    format!("{total} {noun}{detail} in {endpoints} endpoints; {failing} → exit {code}")
}

/// Open findings by severity, worst first, zeros left out.
pub(crate) fn by_severity(snapshot: &Snapshot) -> Vec<(Severity, usize)> {
    Severity::ALL
        .into_iter()
        .rev()
        .map(|level| (level, open(snapshot).filter(|finding| finding.severity == level).count()))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// Endpoints in this state.
pub(crate) fn in_state(snapshot: &Snapshot, state: EndpointState) -> usize {
    snapshot.endpoints.iter().filter(|endpoint| endpoint.state == state).count()
}

/// The endpoint that a finding is about, if the inventory has it.
pub(crate) fn endpoint_of<'s>(snapshot: &'s Snapshot, finding: &Finding) -> Option<&'s Endpoint> {
    let id = finding.endpoint?;
    snapshot.endpoints.iter().find(|endpoint| endpoint.id == id)
}

/// What a finding rests on, in a sentence of names and numbers.
pub(crate) fn evidence_line(finding: &Finding) -> String {
    use analysis::findings::EvidenceValue;
    let parts: Vec<String> = finding
        .evidence
        .iter()
        .map(|(name, value)| {
            let value = match value {
                EvidenceValue::Count(count) => count.to_string(),
                EvidenceValue::Number(number) => format!("{number:.2}"),
                EvidenceValue::Word(word) => word.to_string(),
                EvidenceValue::Words(words) => words.join(" "),
            };
            format!("{} {value}", name.replace('_', " "))
        })
        .collect();
    parts.join(", ")
}
