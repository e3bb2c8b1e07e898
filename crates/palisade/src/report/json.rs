//! The report for scripts: one JSON object. Fields may be added, never renamed.

use std::collections::BTreeMap;

use analysis::findings::{EvidenceValue, Finding, Recommendation};
use analysis::snapshot::{Endpoint, Parameter};
use exchange::moment::Moment;
use serde_json::{Map, Value, json};

use super::Report;

/// The version of the form.
const VERSION: u32 = 1;

/// The whole report, on one line.
pub(crate) fn render(report: &Report) -> anyhow::Result<String> {
    let snapshot = &report.snapshot;
    let value = json!({
        "version": VERSION,
        "read": {
            "exchanges": report.read.exchanges,
            "skipped": report.read.skipped,
            "reasons": report.read.reasons,
            "credentials_dropped": report.read.credentials_dropped,
        },
        "endpoints": snapshot.endpoints.iter().map(endpoint).collect::<Vec<_>>(),
        "findings": super::open(snapshot).map(finding).collect::<Vec<_>>(),
        "coverage": {
            "request_bodies": rounded(snapshot.coverage.request_bodies),
            "response_bodies": rounded(snapshot.coverage.response_bodies),
        },
    });
    let mut text = serde_json::to_string(&value)?;
    text.push('\n');
    Ok(text)
}

fn endpoint(endpoint: &Endpoint) -> Value {
    let statuses: BTreeMap<String, u64> =
        endpoint.statuses.iter().map(|(status, count)| (status.to_string(), *count)).collect();
    let authentication: Map<String, Value> = endpoint
        .authentication
        .iter()
        .map(|(proof, count)| (proof.as_str().to_owned(), json!(count)))
        .collect();
    let mut value = json!({
        "id": endpoint.id.to_string(),
        "service": &*endpoint.service,
        "host": &*endpoint.host,
        "method": endpoint.method.as_str(),
        "template": endpoint.template.to_string(),
        "operation": endpoint.operation,
        "state": endpoint.state.as_str(),
        "protocol": endpoint.protocol.as_str(),
        "exchanges": endpoint.exchanges,
        "principals": endpoint.principals,
        "statuses": statuses,
        "authentication": authentication,
        "data": endpoint.data().iter().map(|class| class.as_str()).collect::<Vec<_>>(),
        "parameters": endpoint.parameters.iter().map(parameter).collect::<Vec<_>>(),
    });
    if let Some(fields) = value.as_object_mut() {
        fields.insert("first_seen".to_owned(), moment(endpoint.first_seen));
        fields.insert("last_seen".to_owned(), moment(endpoint.last_seen));
    }
    value
}

fn parameter(parameter: &Parameter) -> Value {
    let (kind, format) = parameter.schema();
    let mut value = Map::new();
    value.insert("in".to_owned(), json!(parameter.place.as_str()));
    value.insert("name".to_owned(), json!(parameter.name));
    value.insert("type".to_owned(), json!(kind));
    if let Some(format) = format {
        value.insert("format".to_owned(), json!(format));
    }
    Value::Object(value)
}

fn finding(finding: &Finding) -> Value {
    let principals: Vec<String> = finding.principals.iter().map(ToString::to_string).collect();
    json!({
        "fingerprint": finding.fingerprint.to_string(),
        "rule": finding.rule.to_string(),
        "title": finding.title,
        "severity": finding.severity.as_str(),
        "confidence": rounded(f64::from(finding.confidence)),
        "owasp": finding.owasp,
        "cwe": finding.cwe,
        "endpoint": finding.endpoint.map(|id| id.to_string()),
        "method": finding.method.as_str(),
        "template": finding.template.to_string(),
        "location": { "in": finding.location.place(), "name": finding.location.name() },
        "status": finding.status.as_str(),
        "principals": principals,
        "principals_total": finding.principals_total,
        "exchanges": finding.exchanges,
        "first_seen": finding.first_seen.to_string(),
        "last_seen": finding.last_seen.to_string(),
        "detected_at": finding.detected_at.to_string(),
        "evidence": evidence(finding),
        "recommendation": recommendation(&finding.recommendation),
    })
}

fn evidence(finding: &Finding) -> Value {
    let fields = finding.evidence.iter().map(|(name, value)| {
        let value = match value {
            EvidenceValue::Count(count) => json!(count),
            EvidenceValue::Number(number) => json!(rounded(*number)),
            EvidenceValue::Word(word) => json!(word),
            EvidenceValue::Words(words) => json!(words),
        };
        (name.to_string(), value)
    });
    Value::Object(fields.collect())
}

fn recommendation(recommendation: &Recommendation) -> Value {
    match recommendation {
        Recommendation::Policy { policy, grounds } => {
            json!({ "policy": policy, "grounds": grounds })
        }
        Recommendation::NoPolicy { why } => json!({ "policy": null, "grounds": why }),
    }
}

fn moment(moment: Option<Moment>) -> Value {
    moment.map_or(Value::Null, |moment| Value::String(moment.to_string()))
}

/// Four decimals say what a share can say.
fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
