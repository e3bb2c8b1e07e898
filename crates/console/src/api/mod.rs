//! The JSON API: what the pages show, for tools. Described by `asset/openapi.json`.

mod endpoint;
mod finding;
mod overview;
mod problem;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::filter::{ENDPOINT_KEYS, FINDING_KEYS, Filter};
use crate::server::App;
use crate::session::hex;

pub(crate) use problem::problem;

/// Rows of one answer unless asked for less.
const LIMIT_MAX: usize = 500;

const DESCRIPTION: &str = include_str!("../../asset/openapi.json");

/// The parameters of lists.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// The filter, as in the filter bar.
    #[serde(default)]
    q: String,
    /// The `next` of the answer before.
    cursor: Option<String>,
    /// Rows wanted.
    limit: Option<usize>,
}

/// `GET /api/v1/endpoints`.
pub(crate) async fn endpoints(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let view = app.view();
    let filter = match understand(query, &ENDPOINT_KEYS) {
        Ok(filter) => filter,
        Err(why) => return problem(StatusCode::BAD_REQUEST, &why),
    };
    let rows = view.snapshot.endpoints.iter();
    let (rows, total, next) = filter.page(rows, |filter, row| filter.admits_endpoint(row));
    let endpoints = rows.into_iter().map(endpoint::Endpoint::of).collect();
    tagged(&headers, &endpoint::List { endpoints, total, next })
}

/// `GET /api/v1/findings`.
pub(crate) async fn findings(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Response {
    let view = app.view();
    let filter = match understand(query, &FINDING_KEYS) {
        Ok(filter) => filter,
        Err(why) => return problem(StatusCode::BAD_REQUEST, &why),
    };
    let rows = view.snapshot.findings.iter();
    let (rows, total, next) = filter.page(rows, |filter, row| filter.admits_finding(row));
    let findings = rows.into_iter().map(finding::Finding::of).collect();
    tagged(&headers, &finding::List { findings, total, next })
}

/// `GET /api/v1/overview`.
pub(crate) async fn overview(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    tagged(&headers, &overview::Overview::of(&app.view()))
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn description(headers: HeaderMap) -> Response {
    respond(&headers, DESCRIPTION.as_bytes().to_vec())
}

/// The part of a list that was asked for.
struct Slice {
    filter: Filter,
    start: usize,
    limit: usize,
}

impl Slice {
    /// The rows of this part, how many there are in all, and the cursor of the next part.
    fn page<'r, R>(
        &self,
        rows: impl Iterator<Item = &'r R>,
        admits: impl Fn(&Filter, &R) -> bool,
    ) -> (Vec<&'r R>, usize, Option<String>) {
        let mut total = 0;
        let mut kept = Vec::new();
        for row in rows.filter(|row| admits(&self.filter, row)) {
            if total >= self.start && kept.len() < self.limit {
                kept.push(row);
            }
            total += 1;
        }
        let end = self.start.saturating_add(kept.len());
        (kept, total, (end < total).then(|| end.to_string()))
    }
}

/// What a list's query asks for; the error is a sentence for whoever asks.
fn understand(
    query: Result<Query<ListQuery>, QueryRejection>,
    keys: &'static [&'static str],
) -> Result<Slice, String> {
    let bad = |why: &str| Err(why.to_owned());
    let query = match query {
        Ok(Query(query)) => query,
        Err(_) => return bad("The query takes `q`, `cursor` and `limit`, a number, and no more."),
    };
    let start = match query.cursor.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(start)) => start,
        Some(Err(_)) => return bad("The cursor must be the `next` of an answer."),
    };
    let limit = query.limit.unwrap_or(100).clamp(1, LIMIT_MAX);
    let filter = Filter::parse(&query.q, keys)?;
    Ok(Slice { filter, start, limit })
}

/// A JSON answer with its tag, or 304 when the asker has it.
fn tagged(headers: &HeaderMap, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => respond(headers, body),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "The answer has no written form."),
    }
}

fn respond(headers: &HeaderMap, body: Vec<u8>) -> Response {
    let tag = entity_tag(&body);
    let caching = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "no-cache".to_owned())];
    if is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// The tag of these bytes.
pub(crate) fn entity_tag(bytes: &[u8]) -> String {
    let digest = hex(&Sha256::digest(bytes));
    format!("\"{}\"", digest.get(..32).unwrap_or_default())
}

/// True when `If-None-Match` names the tag.
pub(crate) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag || known.trim() == "*")
}
