//! One finding: what shows it, what is usual, what is not known, and what to do.

use std::time::{SystemTime, UNIX_EPOCH};

use analysis::findings::{EvidenceValue, Finding, Fingerprint, Recommendation, Status};
use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use exchange::moment::Moment;
use exchange::principal::Proof;
use serde::Deserialize;
use store::{HistoryEntry, Triage};

use super::row::{FindingRow, status_words};
use super::{Ask, Frame, html, missing, refusal};
use crate::command::Command;
use crate::shown::{Shown, When, count, ratio, share};

/// Characters of a reason.
const REASON_MAX: usize = 500;

/// Shown where there is no such finding.
const GONE: &str = "There is no such finding, or it was forgotten.";

const STATUSES: [Status; 4] =
    [Status::New, Status::InProgress, Status::Suppressed, Status::Resolved];

struct EvidenceRow {
    name: Shown,
    value: Shown,
}

struct HistoryRow {
    when: When,
    what: &'static str,
    status: &'static str,
    by: Shown,
    reason: Shown,
}

struct Choice {
    value: &'static str,
    words: &'static str,
    current: bool,
}

/// What to do: lines of the settings, or why there are none.
enum Advice {
    Policy { policy: Shown, lines: usize, grounds: Shown },
    NoPolicy { why: Shown },
}

#[derive(Template)]
#[template(path = "finding.html")]
struct Page {
    frame: Frame,
    row: FindingRow,
    title: Shown,
    template: Shown,
    owasp: Shown,
    cwe: Vec<u16>,
    host: Shown,
    place: &'static str,
    place_name: Shown,
    endpoint: Option<String>,
    exchanges: String,
    principals_total: String,
    principals: Vec<String>,
    first: When,
    detected: When,
    evidence: Vec<EvidenceRow>,
    normal: Vec<String>,
    unknown: Vec<String>,
    advice: Advice,
    choices: Vec<Choice>,
    was: &'static str,
    reason: Shown,
    error: Option<String>,
    history: Result<Vec<HistoryRow>, String>,
}

/// `GET /findings/{fingerprint}`.
pub(crate) async fn show(ask: Ask, Path(fingerprint): Path<String>) -> Response {
    let Some(finding) = find(&ask, &fingerprint) else {
        return missing("/findings", GONE);
    };
    page(&ask, &finding, None).await
}

/// What the form for another status sends.
#[derive(Debug, Deserialize)]
pub(crate) struct StatusForm {
    token: String,
    /// The status that the page showed: another one now means that somebody was faster.
    was: String,
    status: String,
    reason: String,
}

/// `POST /findings/{fingerprint}/status`.
pub(crate) async fn set_status(
    ask: Ask,
    Path(fingerprint): Path<String>,
    Form(form): Form<StatusForm>,
) -> Response {
    if form.token != ask.session.form_token {
        return refusal("/findings", StatusCode::FORBIDDEN, super::FORM_OF_OTHERS);
    }
    let Some(finding) = find(&ask, &fingerprint) else {
        return missing("/findings", GONE);
    };
    let rejected = |status, why: &str| Some((status, why.to_owned(), form.reason.clone()));
    let chosen = STATUSES.into_iter().find(|status| status.as_str() == form.status);
    let Some(status) = chosen else {
        let why = "Choose one of the statuses.";
        return page(&ask, &finding, rejected(StatusCode::UNPROCESSABLE_ENTITY, why)).await;
    };
    if form.was != finding.status.as_str() {
        let why = "Somebody else changed the status meanwhile. Look again, then decide.";
        return page(&ask, &finding, rejected(StatusCode::CONFLICT, why)).await;
    }
    let reason = form.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let why = format!("Say why, in at most {REASON_MAX} characters.");
        return page(&ask, &finding, rejected(StatusCode::UNPROCESSABLE_ENTITY, &why)).await;
    }
    let triage = Triage {
        fingerprint: finding.fingerprint,
        status,
        reason: reason.to_owned(),
        by: "operator".to_owned(),
        at: now(),
    };
    match ask.app.ask(|reply| Command::Triage { triage, reply }).await {
        Ok(true) => {
            let to = format!("/findings/{}", finding.fingerprint);
            (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
        }
        Ok(false) => missing("/findings", GONE),
        Err(why) => {
            let why = format!("The status could not be kept: {why}");
            page(&ask, &finding, rejected(StatusCode::SERVICE_UNAVAILABLE, &why)).await
        }
    }
}

fn find(ask: &Ask, fingerprint: &str) -> Option<Finding> {
    ask.view.finding(Fingerprint::parse(fingerprint)?).cloned()
}

/// The page; with what was wrong with a form, and what was typed into it.
async fn page(
    ask: &Ask,
    finding: &Finding,
    rejected: Option<(StatusCode, String, String)>,
) -> Response {
    let fingerprint = finding.fingerprint;
    let history = ask.app.ask(|reply| Command::History { fingerprint, reply }).await;
    let now = ask.view.at;
    let (status, error, reason) = match rejected {
        Some((status, error, reason)) => (status, Some(error), reason),
        None => (StatusCode::OK, None, String::new()),
    };
    let row = FindingRow::of(now, finding);
    let page = Page {
        frame: Frame::new(ask, row.title.to_string(), "findings"),
        row,
        title: Shown::new(&finding.title),
        template: Shown::new(&finding.template),
        owasp: Shown::new(&finding.owasp),
        cwe: finding.cwe.clone(),
        host: Shown::new(&finding.host),
        place: finding.location.place(),
        place_name: Shown::new(finding.location.name()),
        endpoint: finding.endpoint.map(|id| id.to_string()),
        exchanges: count(finding.exchanges),
        principals_total: count(finding.principals_total),
        principals: finding.principals.iter().map(ToString::to_string).collect(),
        first: When::new(now, finding.first_seen),
        detected: When::new(now, finding.detected_at),
        evidence: evidence(finding),
        normal: normal(ask, finding),
        unknown: unknown(ask, finding),
        advice: advice(&finding.recommendation),
        choices: choices(finding.status),
        was: finding.status.as_str(),
        reason: Shown::new(reason),
        error,
        history: history.map(|entries| entries.iter().rev().map(|e| history_row(now, e)).collect()),
    };
    html(status, &page)
}

fn evidence(finding: &Finding) -> Vec<EvidenceRow> {
    let value = |value: &EvidenceValue| match value {
        EvidenceValue::Count(number) => count(*number),
        EvidenceValue::Number(number) => ((number * 1e3).round() / 1e3).to_string(),
        EvidenceValue::Word(word) => word.to_string(),
        EvidenceValue::Words(words) => words.join(", "),
    };
    finding
        .evidence
        .iter()
        .map(|(name, shown)| EvidenceRow {
            name: Shown::new(name.replace('_', " ")),
            value: Shown::new(value(shown)),
        })
        .collect()
}

/// What is usual at the endpoint: the ground to judge the finding on.
fn normal(ask: &Ask, finding: &Finding) -> Vec<String> {
    let endpoint = finding.endpoint.and_then(|id| ask.view.endpoint(id));
    let Some(endpoint) = endpoint else {
        return vec!["No endpoint is known here, so nothing is usual.".to_owned()];
    };
    if endpoint.exchanges == 0 {
        return vec!["Nothing was ever asked of this endpoint.".to_owned()];
    }
    let mut lines = vec![format!(
        "{} exchanges by {} callers in all; this finding is about {} of the exchanges.",
        count(endpoint.exchanges),
        count(endpoint.principals),
        ratio(finding.exchanges, endpoint.exchanges),
    )];
    let accepted: u64 = endpoint.authentication_2xx.iter().map(|(_, number)| number).sum();
    let bare = endpoint.authentication_2xx.iter().find(|(proof, _)| *proof == Proof::None);
    let shown = accepted - bare.map_or(0, |(_, number)| *number);
    if accepted > 0 {
        lines.push(format!(
            "{} of {} successful answers went to callers who showed a credential.",
            count(shown),
            count(accepted),
        ));
    }
    lines
}

/// What the finding cannot tell.
fn unknown(ask: &Ask, finding: &Finding) -> Vec<String> {
    let mut lines = vec![
        "Whether this is intended. The owner of the service can tell.".to_owned(),
        format!(
            "Whether it is true beyond doubt: the rule is {} sure.",
            share(f64::from(finding.confidence))
        ),
    ];
    let coverage = ask.view.snapshot.coverage;
    let seen = coverage.request_bodies.min(coverage.response_bodies);
    if seen < 1.0 {
        lines.push(format!(
            "What was in bodies that were not inspected: {} of request bodies and {} of response \
             bodies were.",
            share(coverage.request_bodies),
            share(coverage.response_bodies),
        ));
    }
    if finding.principals.is_empty() {
        lines.push("Who called: no caller is recorded with it.".to_owned());
    }
    lines
}

fn advice(recommendation: &Recommendation) -> Advice {
    match recommendation {
        Recommendation::Policy { policy, grounds } => Advice::Policy {
            policy: Shown::lines(policy),
            lines: policy.lines().count(),
            grounds: Shown::new(grounds),
        },
        Recommendation::NoPolicy { why } => Advice::NoPolicy { why: Shown::new(why) },
    }
}

fn choices(current: Status) -> Vec<Choice> {
    STATUSES
        .into_iter()
        .map(|status| Choice {
            value: status.as_str(),
            words: status_words(status),
            current: status == current,
        })
        .collect()
}

fn history_row(now: Moment, entry: &HistoryEntry) -> HistoryRow {
    HistoryRow {
        when: When::new(now, entry.at),
        what: entry.what.as_str(),
        status: status_words(entry.status),
        by: Shown::new(&entry.by),
        reason: Shown::new(&entry.reason),
    }
}

/// The clock, for what people do.
fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
