//! The report as one page that needs nothing else: no script, no font, no request.

use analysis::findings::{Finding, Recommendation};
use analysis::snapshot::{Endpoint, EndpointState, Snapshot};
use askama::Template;
use exchange::recording::Tally;

use super::text::{grouped, percent};
use super::{by_severity, endpoint_of, evidence_line, in_state, open};

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    at: String,
    numbers: Vec<(String, &'static str)>,
    skipped: String,
    findings: Vec<FindingRow>,
    endpoints: Vec<EndpointRow>,
}

struct FindingRow {
    severity: &'static str,
    mark: &'static str,
    rule: String,
    title: String,
    place: String,
    evidence: String,
    seen: String,
    references: String,
    policy: Option<String>,
    grounds: String,
}

struct EndpointRow {
    state: &'static str,
    method: &'static str,
    host: String,
    template: String,
    exchanges: String,
    principals: String,
    authentication: String,
    data: String,
    statuses: String,
}

/// The page. `read` is `None` for live traffic, which skips nothing.
pub(crate) fn render(snapshot: &Snapshot, read: Option<&Tally>) -> anyhow::Result<String> {
    let mut numbers = vec![
        (grouped(snapshot.totals.exchanges), "exchanges"),
        (snapshot.endpoints.len().to_string(), "endpoints"),
        (in_state(snapshot, EndpointState::Shadow).to_string(), "not declared"),
        (in_state(snapshot, EndpointState::Unused).to_string(), "declared, never seen"),
        (percent(snapshot.coverage.request_bodies), "of request bodies seen"),
        (percent(snapshot.coverage.response_bodies), "of response bodies seen"),
    ];
    for (severity, count) in by_severity(snapshot) {
        let word = match severity.as_str() {
            "critical" => "critical findings",
            "high" => "high findings",
            "medium" => "medium findings",
            "low" => "low findings",
            _ => "notes",
        };
        numbers.push((count.to_string(), word));
    }
    let skipped = read.filter(|read| read.skipped > 0).map(|read| {
        let reasons: Vec<String> =
            read.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        format!("{} records were skipped: {}", grouped(read.skipped), reasons.join(", "))
    });
    let page = Page {
        at: snapshot.at.to_string(),
        numbers,
        skipped: skipped.unwrap_or_default(),
        findings: open(snapshot).map(|finding| finding_row(snapshot, finding)).collect(),
        endpoints: snapshot.endpoints.iter().map(endpoint_row).collect(),
    };
    Ok(page.render()?)
}

fn finding_row(snapshot: &Snapshot, finding: &Finding) -> FindingRow {
    let host = endpoint_of(snapshot, finding).map_or("", |endpoint| &endpoint.host);
    let (policy, grounds) = match &finding.recommendation {
        Recommendation::Policy { policy, grounds } => (Some(policy.clone()), grounds.clone()),
        Recommendation::NoPolicy { why } => (None, why.clone()),
    };
    let cwe: Vec<String> = finding.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    FindingRow {
        severity: finding.severity.as_str(),
        mark: mark(finding.severity.as_str()),
        rule: finding.rule.to_string(),
        title: finding.title.clone(),
        place: format!("{} {host}{}", finding.method, finding.template),
        evidence: evidence_line(finding),
        seen: format!(
            "{} exchanges, {} principals, {} to {}",
            grouped(finding.exchanges),
            grouped(finding.principals_total),
            finding.first_seen,
            finding.last_seen
        ),
        references: format!("{} {}", finding.owasp, cwe.join(" ")).trim().to_owned(),
        policy,
        grounds,
    }
}

/// A shape for each severity, since colour alone tells some people nothing.
fn mark(severity: &str) -> &'static str {
    match severity {
        "critical" => "●",
        "high" => "▲",
        "medium" => "◆",
        "low" => "▼",
        _ => "○",
    }
}

fn endpoint_row(endpoint: &Endpoint) -> EndpointRow {
    let data: Vec<&str> = endpoint.data().iter().map(|class| class.as_str()).collect();
    let authentication: Vec<String> = endpoint
        .authentication
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(proof, count)| format!("{proof} {}", grouped(*count)))
        .collect();
    let statuses: Vec<String> = endpoint
        .statuses
        .iter()
        .map(|(status, count)| format!("{status}: {}", grouped(*count)))
        .collect();
    EndpointRow {
        state: endpoint.state.as_str(),
        method: endpoint.method.as_str(),
        host: endpoint.host.to_string(),
        template: endpoint.template.to_string(),
        exchanges: grouped(endpoint.exchanges),
        principals: grouped(endpoint.principals),
        authentication: authentication.join(", "),
        data: data.join(" "),
        statuses: statuses.join(", "),
    }
}
