//! The first page: is anything wrong, and is it really on?

use std::collections::BTreeMap;

use analysis::snapshot::{EndpointState, TrafficHour};
use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use exchange::moment::Moment;
use exchange::rule::Severity;
use serde::Deserialize;

use super::row::FindingRow;
use super::{Ask, Frame, html};
use crate::shown::{Shown, compact, count, share};
use crate::view::View;

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Newest findings on the page.
const NEWEST_MAX: usize = 8;

/// The time that numbers and chart are about.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
pub(crate) enum Window {
    #[default]
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
}

impl Window {
    const fn hours_long(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 7 * 24,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Day => "last 24 hours",
            Self::Week => "last 7 days",
        }
    }

    /// Every hour of the window, oldest first; those without traffic are zero.
    pub(crate) fn hours(self, view: &View) -> impl Iterator<Item = TrafficHour> {
        let seen: BTreeMap<i64, TrafficHour> = view
            .snapshot
            .traffic
            .iter()
            .map(|hour| (hour.hour.micros().div_euclid(MICROS_PER_HOUR), *hour))
            .collect();
        let current = view.at.micros().div_euclid(MICROS_PER_HOUR);
        (current - self.hours_long() + 1..=current).map(move |number| {
            let hour = Moment::from_micros(number * MICROS_PER_HOUR);
            seen.get(&number).copied().unwrap_or(TrafficHour { hour, ..TrafficHour::default() })
        })
    }
}

/// The numbers at the top.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) exchanges: u64,
    pub(crate) would_block: u64,
    pub(crate) blocked: u64,
    pub(crate) open: usize,
    pub(crate) critical: usize,
}

impl Numbers {
    pub(crate) fn of(view: &View, window: Window) -> Self {
        let mut numbers = Self::default();
        for hour in window.hours(view) {
            numbers.exchanges += hour.exchanges;
            numbers.would_block += hour.detected;
            numbers.blocked += hour.blocked;
        }
        for finding in view.open_findings() {
            numbers.open += 1;
            numbers.critical += usize::from(finding.severity == Severity::Critical);
        }
        numbers
    }
}

/// One hour of the chart and its table.
struct HourRow {
    exact: String,
    label: String,
    seconds: i64,
    allowed: u64,
    would_block: u64,
    blocked: u64,
    failed: u64,
}

impl HourRow {
    fn of(hour: TrafficHour) -> Self {
        let TrafficHour { blocked, detected: would_block, server_errors: failed, .. } = hour;
        let exact = hour.hour.to_string();
        // 2026-01-15T09:00:00.000Z
        let part = |range| exact.get(range).unwrap_or_default();
        Self {
            label: format!("{} {}", part(5..10), part(11..16)),
            seconds: hour.hour.micros() / 1_000_000,
            allowed: hour.exchanges.saturating_sub(blocked + would_block + failed),
            would_block,
            blocked,
            failed,
            exact,
        }
    }
}

/// One service, as it is guarded.
struct ServiceRow {
    name: Shown,
    mode: &'static str,
    undocumented: &'static str,
    contract: bool,
    declared: u64,
    seen: u64,
    shadow: u64,
    exchanges: String,
}

struct QueueRow {
    name: &'static str,
    length: String,
    capacity: String,
    dropped: String,
    losing: bool,
}

struct SinkRow {
    name: &'static str,
    trouble: Option<Shown>,
}

struct SkippedRow {
    why: &'static str,
    bodies: String,
}

struct CoverageRow {
    what: &'static str,
    value: String,
    words: String,
    partial: bool,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Page {
    frame: Frame,
    empty: bool,
    gateways: Vec<String>,
    window: Window,
    exchanges: String,
    would_block: String,
    blocked: String,
    open: String,
    critical: String,
    hours: Vec<HourRow>,
    services: Vec<ServiceRow>,
    newest: Vec<FindingRow>,
    coverage: [CoverageRow; 2],
    skipped: Vec<SkippedRow>,
    queues: Vec<QueueRow>,
    sinks: Vec<SinkRow>,
}

/// The page's query; an unknown window is the usual one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OverviewQuery {
    #[serde(default)]
    window: Window,
}

/// `GET /`.
pub(crate) async fn show(
    ask: Ask,
    query: Result<Query<OverviewQuery>, QueryRejection>,
) -> Response {
    let window = query.map(|Query(query)| query.window).unwrap_or_default();
    let view = &ask.view;
    let numbers = Numbers::of(view, window);
    let page = Page {
        frame: Frame::new(&ask, "Overview", "overview"),
        empty: view.snapshot.totals.exchanges == 0,
        gateways: ask.app.settings.gateways.clone(),
        window,
        exchanges: compact(numbers.exchanges),
        would_block: compact(numbers.would_block),
        blocked: compact(numbers.blocked),
        open: compact(numbers.open as u64),
        critical: compact(numbers.critical as u64),
        hours: window.hours(view).map(HourRow::of).collect(),
        services: services(view),
        newest: newest(view),
        coverage: coverage(view),
        skipped: view
            .health
            .skipped
            .iter()
            .filter(|skipped| skipped.bodies > 0)
            .map(|skipped| SkippedRow { why: skipped.why, bodies: count(skipped.bodies) })
            .collect(),
        queues: queues(view),
        sinks: view
            .health
            .sinks
            .iter()
            .map(|sink| SinkRow { name: sink.name, trouble: sink.trouble.as_ref().map(Shown::new) })
            .collect(),
    };
    html(StatusCode::OK, &page)
}

fn services(view: &View) -> Vec<ServiceRow> {
    let row = |service: &crate::view::ServiceView| {
        let mut row = ServiceRow {
            name: Shown::new(&service.name),
            mode: service.mode.as_str(),
            undocumented: service.undocumented.as_str(),
            contract: service.contract,
            declared: 0,
            seen: 0,
            shadow: 0,
            exchanges: String::new(),
        };
        let mut exchanges = 0;
        for endpoint in &view.snapshot.endpoints {
            if endpoint.service != service.name {
                continue;
            }
            let declared = endpoint.operation.is_some();
            row.declared += u64::from(declared);
            row.seen += u64::from(declared && endpoint.exchanges > 0);
            row.shadow += u64::from(endpoint.state == EndpointState::Shadow);
            exchanges += endpoint.exchanges;
        }
        row.exchanges = compact(exchanges);
        row
    };
    view.services.iter().map(row).collect()
}

fn newest(view: &View) -> Vec<FindingRow> {
    let mut open: Vec<_> = view.open_findings().collect();
    open.sort_by_key(|finding| std::cmp::Reverse(finding.detected_at));
    open.iter().take(NEWEST_MAX).map(|finding| FindingRow::of(view.at, finding)).collect()
}

fn coverage(view: &View) -> [CoverageRow; 2] {
    let row = |what, part: f64| CoverageRow {
        what,
        value: format!("{part:.3}"),
        words: share(part),
        partial: part < 1.0,
    };
    let coverage = view.snapshot.coverage;
    [
        row("Request bodies inspected", coverage.request_bodies),
        row("Response bodies inspected", coverage.response_bodies),
    ]
}

fn queues(view: &View) -> Vec<QueueRow> {
    view.health
        .queues
        .iter()
        .map(|queue| QueueRow {
            name: queue.name,
            length: count(queue.length),
            capacity: count(queue.capacity),
            dropped: count(queue.dropped),
            losing: queue.dropped > 0,
        })
        .collect()
}
