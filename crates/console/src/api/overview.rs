//! The numbers of the first page.

use serde::Serialize;

use crate::page::overview::{Numbers, Window};
use crate::view::View;

#[derive(Debug, Serialize)]
pub(crate) struct Overview<'v> {
    at: String,
    revision: &'v str,
    exchanges: u64,
    would_block: u64,
    blocked: u64,
    open_findings: usize,
    endpoints: usize,
    coverage: Coverage,
    traffic: Vec<Hour>,
    services: Vec<Service<'v>>,
    health: Health<'v>,
}

#[derive(Debug, Serialize)]
struct Coverage {
    request_bodies: f64,
    response_bodies: f64,
}

#[derive(Debug, Serialize)]
struct Hour {
    hour: String,
    exchanges: u64,
    would_block: u64,
    blocked: u64,
    client_errors: u64,
    server_errors: u64,
}

#[derive(Debug, Serialize)]
struct Service<'v> {
    name: &'v str,
    mode: &'static str,
    undocumented: &'static str,
    contract: bool,
}

#[derive(Debug, Serialize)]
struct Health<'v> {
    queues: Vec<Queue>,
    sinks: Vec<Sink<'v>>,
}

#[derive(Debug, Serialize)]
struct Queue {
    name: &'static str,
    length: u64,
    capacity: u64,
    dropped: u64,
}

#[derive(Debug, Serialize)]
struct Sink<'v> {
    name: &'static str,
    trouble: Option<&'v str>,
}

impl<'v> Overview<'v> {
    pub(crate) fn of(view: &'v View) -> Self {
        let numbers = Numbers::of(view, Window::Day);
        let coverage = view.snapshot.coverage;
        Self {
            at: view.at.to_string(),
            revision: &view.revision,
            exchanges: numbers.exchanges,
            would_block: numbers.would_block,
            blocked: numbers.blocked,
            open_findings: numbers.open,
            endpoints: view.snapshot.endpoints.len(),
            coverage: Coverage {
                request_bodies: coverage.request_bodies,
                response_bodies: coverage.response_bodies,
            },
            traffic: hours(view),
            services: services(view),
            health: health(view),
        }
    }
}

fn hours(view: &View) -> Vec<Hour> {
    Window::Day
        .hours(view)
        .map(|hour| Hour {
            hour: hour.hour.to_string(),
            exchanges: hour.exchanges,
            would_block: hour.detected,
            blocked: hour.blocked,
            client_errors: hour.client_errors,
            server_errors: hour.server_errors,
        })
        .collect()
}

fn services(view: &View) -> Vec<Service<'_>> {
    view.services
        .iter()
        .map(|service| Service {
            name: &service.name,
            mode: service.mode.as_str(),
            undocumented: service.undocumented.as_str(),
            contract: service.contract,
        })
        .collect()
}

fn health(view: &View) -> Health<'_> {
    let queue = |queue: &crate::view::Queue| Queue {
        name: queue.name,
        length: queue.length,
        capacity: queue.capacity,
        dropped: queue.dropped,
    };
    let sinks = view.health.sinks.iter();
    Health {
        queues: view.health.queues.iter().map(queue).collect(),
        sinks: sinks
            .map(|sink| Sink { name: sink.name, trouble: sink.trouble.as_deref() })
            .collect(),
    }
}
