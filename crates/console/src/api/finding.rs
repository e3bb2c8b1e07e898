//! A finding, with the names that an analysis uses.

use analysis::findings::{self, Evidence, Recommendation};
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct List<'v> {
    pub(crate) findings: Vec<Finding<'v>>,
    pub(crate) total: usize,
    pub(crate) next: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Finding<'v> {
    fingerprint: String,
    rule: String,
    title: &'v str,
    severity: &'static str,
    confidence: f32,
    owasp: &'v str,
    cwe: &'v [u16],
    endpoint: Option<String>,
    service: &'v str,
    host: &'v str,
    method: &'static str,
    template: String,
    location: Location<'v>,
    principals: Vec<String>,
    principals_total: u64,
    exchanges: u64,
    first_seen: String,
    last_seen: String,
    detected_at: String,
    evidence: &'v Evidence,
    recommendation: Advice<'v>,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct Location<'v> {
    r#in: &'static str,
    name: &'v str,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Advice<'v> {
    Policy { policy: &'v str, grounds: &'v str },
    NoPolicy { why: &'v str },
}

impl<'v> Finding<'v> {
    pub(crate) fn of(finding: &'v findings::Finding) -> Self {
        let recommendation = match &finding.recommendation {
            Recommendation::Policy { policy, grounds } => Advice::Policy { policy, grounds },
            Recommendation::NoPolicy { why } => Advice::NoPolicy { why },
        };
        let (place, name) = (finding.location.place(), finding.location.name());
        Self {
            fingerprint: finding.fingerprint.to_string(),
            rule: finding.rule.to_string(),
            title: &finding.title,
            severity: finding.severity.as_str(),
            confidence: finding.confidence,
            owasp: &finding.owasp,
            cwe: &finding.cwe,
            endpoint: finding.endpoint.map(|id| id.to_string()),
            service: &finding.service,
            host: &finding.host,
            method: finding.method.as_str(),
            template: finding.template.to_string(),
            location: Location { r#in: place, name },
            principals: finding.principals.iter().map(ToString::to_string).collect(),
            principals_total: finding.principals_total,
            exchanges: finding.exchanges,
            first_seen: finding.first_seen.to_string(),
            last_seen: finding.last_seen.to_string(),
            detected_at: finding.detected_at.to_string(),
            evidence: &finding.evidence,
            recommendation,
            status: finding.status.as_str(),
        }
    }
}
