//! One endpoint: what it takes and gives, who calls it, and why it is one.

use std::collections::BTreeSet;

use analysis::snapshot::{Basis, Direction, Endpoint, Field, SegmentGrounds};
use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use exchange::endpoint::{EndpointId, TemplateSegment};

use super::row::{Caller, DataWord, EndpointRow, FindingRow, callers, data_words};
use super::{Ask, Frame, html, missing};
use crate::shown::{Shown, When, compact, count, ratio, share};

/// Fields on the page; the rest is counted.
const FIELDS_SHOWN_MAX: usize = 200;

struct GroundsRow {
    segment: Shown,
    because: String,
    values: String,
    confidence: String,
}

struct ParameterRow {
    place: &'static str,
    name: Shown,
    kind: String,
    exchanges: String,
    share: String,
    data: Vec<DataWord>,
}

struct FieldRow {
    pointer: Shown,
    kind: Shown,
    required: bool,
    occurrences: String,
    data: Vec<DataWord>,
}

/// The fields of one direction.
struct FieldTable {
    title: &'static str,
    rows: Vec<FieldRow>,
    more: usize,
}

struct StatusRow {
    status: u16,
    exchanges: String,
    share: String,
}

#[derive(Template)]
#[template(path = "endpoint.html")]
struct Page {
    frame: Frame,
    row: EndpointRow,
    template: Shown,
    host: Shown,
    operation: Option<Shown>,
    declared: bool,
    protocol: &'static str,
    first: Option<When>,
    grounds: Vec<GroundsRow>,
    parameters: Vec<ParameterRow>,
    fields: [FieldTable; 2],
    callers: Vec<Caller>,
    statuses: Vec<StatusRow>,
    data_in: Vec<DataWord>,
    data_out: Vec<DataWord>,
    findings: Vec<FindingRow>,
}

/// `GET /inventory/{id}`.
pub(crate) async fn show(ask: Ask, Path(id): Path<String>) -> Response {
    let view = &ask.view;
    let id = u64::from_str_radix(&id, 16).ok().map(EndpointId);
    let Some(endpoint) = id.and_then(|id| view.endpoint(id)) else {
        let why = "This endpoint is not in the inventory, or was merged into another.";
        return missing("/inventory", why);
    };
    let row = EndpointRow::of(view.at, endpoint);
    let findings = view.snapshot.findings.iter();
    let status = |(status, exchanges): &(u16, u64)| StatusRow {
        status: *status,
        exchanges: compact(*exchanges),
        share: ratio(*exchanges, endpoint.exchanges),
    };
    let page = Page {
        frame: Frame::new(&ask, format!("{} {}", row.method, row.template), "inventory"),
        template: Shown::new(&endpoint.template),
        host: Shown::new(&endpoint.host),
        operation: endpoint.operation.as_ref().filter(|name| !name.is_empty()).map(Shown::new),
        declared: endpoint.operation.is_some(),
        protocol: endpoint.protocol.as_str(),
        first: endpoint.first_seen.map(|first| When::new(view.at, first)),
        grounds: grounds(endpoint),
        parameters: parameters(endpoint),
        fields: [
            field_table(endpoint, Direction::Request, "Fields of requests"),
            field_table(endpoint, Direction::Response, "Fields of responses"),
        ],
        callers: callers(endpoint),
        statuses: endpoint.statuses.iter().map(status).collect(),
        data_in: data_words(endpoint.data_in),
        data_out: data_words(endpoint.data_out),
        findings: findings
            .filter(|finding| finding.endpoint == Some(endpoint.id))
            .map(|finding| FindingRow::of(view.at, finding))
            .collect(),
        row,
    };
    html(StatusCode::OK, &page)
}

fn grounds(endpoint: &Endpoint) -> Vec<GroundsRow> {
    let row = |grounds: &SegmentGrounds| {
        let segment = match endpoint.template.0.get(usize::from(grounds.segment)) {
            Some(TemplateSegment::Literal(text)) => text.to_string(),
            Some(TemplateSegment::Parameter(name)) => format!("{{{name}}}"),
            None => grounds.segment.to_string(),
        };
        GroundsRow {
            segment: Shown::new(segment),
            because: because(grounds),
            values: kinds(grounds),
            confidence: share(f64::from(grounds.confidence)),
        }
    };
    endpoint.grounds.iter().map(row).collect()
}

fn because(grounds: &SegmentGrounds) -> String {
    match grounds.basis {
        Basis::Declared => "The contract declares it.".to_owned(),
        Basis::Kind => "What stands here looks like values, not like words.".to_owned(),
        Basis::Statistics => format!(
            "{} different words here behave alike; {} of calls used a word that no other call \
             used. Words beside them that stayed apart: {}.",
            count(u64::from(grounds.distinct)),
            share(f64::from(grounds.unseen)),
            count(u64::from(grounds.literals)),
        ),
    }
}

fn kinds(grounds: &SegmentGrounds) -> String {
    let kinds = grounds.kinds.iter();
    let words = kinds.map(|(kind, number)| format!("{} {}", compact(*number), kind.as_str()));
    let words: Vec<_> = words.collect();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

fn parameters(endpoint: &Endpoint) -> Vec<ParameterRow> {
    endpoint
        .parameters
        .iter()
        .map(|parameter| {
            let (kind, format) = parameter.schema();
            ParameterRow {
                place: parameter.place.as_str(),
                name: Shown::new(&parameter.name),
                kind: format.map_or(kind.to_owned(), |format| format!("{kind} ({format})")),
                exchanges: compact(parameter.exchanges),
                share: ratio(parameter.exchanges, endpoint.exchanges),
                data: data_words(parameter.data),
            }
        })
        .collect()
}

fn field_table(endpoint: &Endpoint, direction: Direction, title: &'static str) -> FieldTable {
    let fields: Vec<_> =
        endpoint.fields.iter().filter(|field| field.direction == direction).collect();
    let rows: Vec<_> = fields.iter().take(FIELDS_SHOWN_MAX).map(|field| field_row(field)).collect();
    FieldTable { title, more: fields.len() - rows.len(), rows }
}

fn field_row(field: &Field) -> FieldRow {
    let mut words: BTreeSet<String> = field.types.iter().map(ToString::to_string).collect();
    if let Some((_, Some(format))) = field.kind.map(exchange::kind::ValueKind::schema) {
        words.remove("string");
        words.insert(format!("string ({format})"));
    }
    FieldRow {
        pointer: Shown::new(if field.pointer.is_empty() { "(root)" } else { &field.pointer }),
        kind: Shown::new(words.into_iter().collect::<Vec<_>>().join(" | ")),
        required: field.required,
        occurrences: compact(field.occurrences),
        data: data_words(field.data),
    }
}
