//! Errors of the API, as RFC 9457 has them.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Problem<'p> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'p str,
}

/// A problem whose type is its status, with one sentence of detail.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let problem = Problem {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail,
    };
    // three texts and a number always have a written form
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
