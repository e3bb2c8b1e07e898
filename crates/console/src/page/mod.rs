//! Pages: functions from a view to HTML, and the pages that say why there is nothing to show.

pub(crate) mod endpoint;
pub(crate) mod finding;
pub(crate) mod findings;
pub(crate) mod inventory;
pub(crate) mod overview;
mod row;
pub(crate) mod start;

use std::sync::Arc;

use askama::Template;
use axum::Extension;

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use crate::api;
use crate::server::App;
use crate::session::{Session, cookie_value};
use crate::shown::{Shown, compact};
use crate::view::View;

/// Rows of a list on one page.
pub(crate) const ROWS_MAX: usize = 100;

/// What surrounds every page.
pub(crate) struct Frame {
    /// The browser tab's title; also what a screen reader announces.
    title: String,
    /// Which of the pages in the bar this is, or belongs to.
    current: &'static str,
    theme: &'static str,
    form_token: String,
    open: String,
    endpoints: usize,
    findings: usize,
    published: i64,
    /// The time of day at which the view was published.
    clock: String,
    revision: Shown,
    version: &'static str,
}

impl Frame {
    pub(crate) fn new(ask: &Ask, title: impl Into<String>, current: &'static str) -> Self {
        let view = &ask.view;
        Self {
            title: title.into(),
            current,
            theme: ask.theme,
            form_token: ask.session.form_token.clone(),
            open: compact(view.open_findings().count() as u64),
            endpoints: view.snapshot.endpoints.len(),
            findings: view.snapshot.findings.len(),
            published: view.at.micros() / 1_000,
            clock: view.at.to_string().get(11..19).unwrap_or_default().to_owned(),
            revision: Shown::new(&view.revision),
            version: ask.app.settings.version,
        }
    }

    fn is(&self, page: &str) -> bool {
        self.current == page
    }
}

/// What every page is made from: who asks, and the view it is to show.
pub(crate) struct Ask {
    pub(crate) app: Arc<App>,
    pub(crate) session: Session,
    pub(crate) view: Arc<View>,
    theme: &'static str,
}

impl axum::extract::FromRequestParts<Arc<App>> for Ask {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, Self::Rejection> {
        let Extension(session) = Extension::from_request_parts(parts, app)
            .await
            .expect("the guard lets no request without a session reach a page");
        let theme = match cookie_value(&parts.headers, "palisade_theme") {
            Some("dark") => "dark",
            Some("light") => "light",
            _ => "system",
        };
        Ok(Self { app: Arc::clone(app), session, view: app.view(), theme })
    }
}

/// A page that says one thing and nothing about traffic.
#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'n> {
    title: &'n str,
    text: &'n str,
    onward: Option<(&'n str, &'n str)>,
    /// Whether the browser is to go there by itself.
    at_once: bool,
}

/// Writes a page. A template that fails is a mistake of the program; the operator is told what is
/// still true.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            let text = "This page could not be made. Traffic is guarded as before.";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    }
}

/// Refuses a request in the form in which its path is answered.
pub(crate) fn refusal(path: &str, status: StatusCode, why: &str) -> Response {
    if path.starts_with("/api/") {
        return api::problem(status, why);
    }
    let title = status.canonical_reason().unwrap_or("Refused");
    html(status, &Notice { title, text: why, onward: None, at_once: false })
}

/// Tells whoever has no session how to get one.
pub(crate) fn signed_out(app: &App, path: &str) -> Response {
    let text =
        format!("Sign in by opening the start link that Palisade printed. {}", app.settings.relink);
    if path.starts_with("/api/") {
        return api::problem(StatusCode::UNAUTHORIZED, &text);
    }
    let notice = Notice { title: "Not signed in", text: &text, onward: None, at_once: false };
    html(StatusCode::UNAUTHORIZED, &notice)
}

/// There is no such page, endpoint or finding.
pub(crate) async fn not_found(uri: Uri) -> Response {
    missing(uri.path(), "There is nothing at this address.")
}

/// Says that something is not there.
pub(crate) fn missing(path: &str, why: &str) -> Response {
    if path.starts_with("/api/") {
        return api::problem(StatusCode::NOT_FOUND, why);
    }
    let onward = Some(("/", "Overview"));
    let notice = Notice { title: "Not found", text: why, onward, at_once: false };
    html(StatusCode::NOT_FOUND, &notice)
}

/// The address is right, the method is not.
pub(crate) async fn method_not_allowed(uri: Uri) -> Response {
    refusal(uri.path(), StatusCode::METHOD_NOT_ALLOWED, "This address does not take this method.")
}

/// Which page of a list is asked for, and how many there are.
pub(crate) struct Pages {
    number: usize,
    count: usize,
    /// The query of links to other pages, without the number.
    query: String,
}

impl Pages {
    pub(crate) fn new(asked: Option<usize>, rows: usize, query: String) -> Self {
        let count = rows.div_ceil(ROWS_MAX).max(1);
        Self { number: asked.unwrap_or(1).clamp(1, count), count, query }
    }

    pub(crate) fn skipped(&self) -> usize {
        (self.number - 1) * ROWS_MAX
    }
}

/// Text in the form that queries have.
pub(crate) fn query_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Said of a form without this session's token.
pub(crate) const FORM_OF_OTHERS: &str =
    "This form was not made for this session. Go back, reload the page and try again.";
