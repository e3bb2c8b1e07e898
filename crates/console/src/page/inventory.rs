//! The inventory: what do we have?

use std::cmp::Reverse;

use analysis::snapshot::{Endpoint, EndpointState};
use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::row::EndpointRow;
use super::{Ask, Frame, Pages, ROWS_MAX, html, query_text};
use crate::filter::{ENDPOINT_KEYS, Filter};
use crate::shown::{Shown, count};

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    #[default]
    Path,
    Exchanges,
    Seen,
}

impl Sort {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Exchanges => "exchanges",
            Self::Seen => "seen",
        }
    }
}

/// The page's query. All of it is in the URL, so that a view can be sent as a link.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: Sort,
    page: Option<usize>,
}

/// A state, how many endpoints have it, and the filter for it.
struct Tally {
    word: &'static str,
    count: String,
}

#[derive(Template)]
#[template(path = "inventory.html")]
struct Page {
    frame: Frame,
    gateways: Vec<String>,
    q: Shown,
    link: String,
    sort: Sort,
    error: Option<String>,
    tallies: Vec<Tally>,
    total: String,
    matching: String,
    filtered: bool,
    rows: Vec<EndpointRow>,
    pages: Pages,
}

/// `GET /inventory`.
pub(crate) async fn show(ask: Ask, query: Result<Query<ListQuery>, QueryRejection>) -> Response {
    let Query(query) = query.unwrap_or_default();
    let view = &ask.view;
    let (filter, error) = match Filter::parse(&query.q, &ENDPOINT_KEYS) {
        Ok(filter) => (filter, None),
        Err(why) => (Filter::default(), Some(why)),
    };
    let all = &view.snapshot.endpoints;
    let mut rows: Vec<_> = all.iter().filter(|row| filter.admits_endpoint(row)).collect();
    match query.sort {
        Sort::Path => {}
        Sort::Exchanges => rows.sort_by_key(|row| Reverse(row.exchanges)),
        Sort::Seen => rows.sort_by_key(|row| Reverse(row.last_seen)),
    }
    let link = query_text(&query.q);
    let pages =
        Pages::new(query.page, rows.len(), format!("q={link}&sort={}", query.sort.as_str()));
    let shown = rows.iter().skip(pages.skipped()).take(ROWS_MAX);
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = Page {
        frame: Frame::new(&ask, "Inventory", "inventory"),
        gateways: ask.app.settings.gateways.clone(),
        q: Shown::new(&query.q),
        link,
        sort: query.sort,
        error,
        tallies: tallies(all),
        total: count(all.len() as u64),
        matching: count(rows.len() as u64),
        filtered: !filter.is_empty(),
        rows: shown.map(|row| EndpointRow::of(view.at, row)).collect(),
        pages,
    };
    html(status, &page)
}

fn tallies(endpoints: &[Endpoint]) -> Vec<Tally> {
    let states = [
        EndpointState::Shadow,
        EndpointState::Declared,
        EndpointState::Deprecated,
        EndpointState::Unused,
        EndpointState::Zombie,
    ];
    let tally = |state: EndpointState| {
        let word = state.as_str();
        let number = endpoints.iter().filter(|row| row.state.as_str() == word).count();
        (number > 0).then(|| Tally { word, count: count(number as u64) })
    };
    states.into_iter().filter_map(tally).collect()
}
