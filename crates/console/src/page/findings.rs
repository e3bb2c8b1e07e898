//! Findings: what should be done next?

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::row::FindingRow;
use super::{Ask, Frame, Pages, ROWS_MAX, html, query_text};
use crate::filter::{FINDING_KEYS, Filter};
use crate::shown::{Shown, count};
use crate::view::is_open;

/// The page's query. Without a filter the page shows what is open.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    q: String,
    page: Option<usize>,
    /// `all` shows suppressed and resolved findings too.
    #[serde(default)]
    show: String,
}

/// Findings with one property, and the filter for it.
struct Tally {
    word: &'static str,
    filter: &'static str,
    count: String,
}

#[derive(Template)]
#[template(path = "findings.html")]
struct Page {
    frame: Frame,
    gateways: Vec<String>,
    q: Shown,
    error: Option<String>,
    tallies: Vec<Tally>,
    total: String,
    matching: String,
    filtered: bool,
    everything: bool,
    closed: String,
    rows: Vec<FindingRow>,
    pages: Pages,
}

/// `GET /findings`.
pub(crate) async fn show(ask: Ask, query: Result<Query<ListQuery>, QueryRejection>) -> Response {
    let Query(query) = query.unwrap_or_default();
    let view = &ask.view;
    let (filter, error) = match Filter::parse(&query.q, &FINDING_KEYS) {
        Ok(filter) => (filter, None),
        Err(why) => (Filter::default(), Some(why)),
    };
    // whoever asks for a status means it
    let everything = query.show == "all" || query.q.contains("status:");
    let all = &view.snapshot.findings;
    let rows: Vec<_> = all
        .iter()
        .filter(|finding| everything || is_open(finding.status))
        .filter(|finding| filter.admits_finding(finding))
        .collect();
    let closed = all.iter().filter(|finding| !is_open(finding.status)).count();
    let link = format!("q={}&show={}", query_text(&query.q), query_text(&query.show));
    let pages = Pages::new(query.page, rows.len(), link);
    let shown = rows.iter().skip(pages.skipped()).take(ROWS_MAX);
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = Page {
        frame: Frame::new(&ask, "Findings", "findings"),
        gateways: ask.app.settings.gateways.clone(),
        q: Shown::new(&query.q),
        error,
        tallies: tallies(&ask),
        total: count(all.len() as u64),
        matching: count(rows.len() as u64),
        filtered: !filter.is_empty(),
        everything,
        closed: count(closed as u64),
        rows: shown.map(|finding| FindingRow::of(view.at, finding)).collect(),
        pages,
    };
    html(status, &page)
}

fn tallies(ask: &Ask) -> Vec<Tally> {
    let filters = [
        ("critical", "severity%3Acritical"),
        ("high", "severity%3Ahigh"),
        ("medium", "severity%3Amedium"),
        ("low", "severity%3Alow"),
        ("info", "severity%3Ainfo"),
    ];
    let tally = |(word, filter): (&'static str, &'static str)| {
        let open = ask.view.open_findings();
        let number = open.filter(|finding| finding.severity.as_str() == word).count();
        (number > 0).then(|| Tally { word, filter, count: count(number as u64) })
    };
    filters.into_iter().filter_map(tally).collect()
}
