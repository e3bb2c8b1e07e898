//! Live updates: one stream per tab, at most one event a second, each the whole of what changed.
//!
//! An event carries the numbers that pages show, in words, and totals by which lists know how many
//! rows are new. It is a state, not a difference: whoever missed some has lost nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::page;
use crate::server::App;
use crate::session::Session;
use crate::shown::compact;
use crate::view::View;

/// The shortest time between two events.
const PACE: Duration = Duration::from_secs(1);

/// How often a silent stream shows that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What an event carries.
#[derive(Debug, Serialize)]
struct Update {
    /// When the view was published, in milliseconds since the epoch.
    at: i64,
    /// Numbers in words, by the name of the place where a page shows them.
    text: [(&'static str, String); 5],
    /// Endpoints in the inventory.
    endpoints: usize,
    /// Findings, whatever their status.
    findings: usize,
}

impl Update {
    fn of(view: &View) -> Self {
        let numbers = page::overview::Numbers::of(view, page::overview::Window::Day);
        Self {
            at: view.at.micros() / 1_000,
            text: [
                ("exchanges", compact(numbers.exchanges)),
                ("would_block", compact(numbers.would_block)),
                ("blocked", compact(numbers.blocked)),
                ("open", compact(numbers.open as u64)),
                ("critical", compact(numbers.critical as u64)),
            ],
            endpoints: view.snapshot.endpoints.len(),
            findings: view.snapshot.findings.len(),
        }
    }
}

/// One open stream.
struct Tab {
    app: Arc<App>,
    session: Session,
    view: watch::Receiver<Arc<View>>,
    /// The event that the browser has already.
    seen: Option<String>,
    first: bool,
    _permit: OwnedSemaphorePermit,
}

/// `GET /api/v1/events`.
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
) -> Response {
    let Ok(permit) = Arc::clone(&app.streams).try_acquire_owned() else {
        let why = "Too many pages are open; close some.";
        return page::refusal("/api/v1/events", StatusCode::SERVICE_UNAVAILABLE, why);
    };
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let view = app.view.clone();
    let tab = Tab { app, session, view, seen, first: true, _permit: permit };
    Sse::new(updates(tab)).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

fn updates(tab: Tab) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(tab, |mut tab| async move {
        loop {
            if !std::mem::take(&mut tab.first) {
                tokio::time::sleep(PACE).await;
                tab.view.changed().await.ok()?;
            }
            if !tab.app.sessions.is_open(&tab.session, Instant::now()) {
                return None;
            }
            let view = Arc::clone(&tab.view.borrow_and_update());
            let id = view.at.micros().to_string();
            if tab.seen.as_ref() == Some(&id) {
                continue;
            }
            let event = Event::default().event("view").id(id.clone()).json_data(Update::of(&view));
            tab.seen = Some(id);
            // numbers and words always have a written form
            return Some((Ok(event.unwrap_or_default()), tab));
        }
    })
}
