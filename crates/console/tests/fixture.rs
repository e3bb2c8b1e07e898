//! Views to show: one with everything hostile that traffic can bring, one with nothing.

use std::sync::Arc;

use analysis::findings::{Evidence, EvidenceValue, Finding, Fingerprint, Recommendation, Status};
use analysis::snapshot::{
    Basis, Coverage, Direction, Endpoint, EndpointState, Field, Parameter, ParameterIn, Protocol,
    SegmentGrounds, Snapshot, Totals, TrafficHour,
};
use console::{Health, Queue, ServiceView, Sink, Skipped, View};
use exchange::data_class::{DataClass, DataClasses};
use exchange::decision::Disposition;
use exchange::endpoint::{EndpointId, Method, PathTemplate};
use exchange::kind::ValueKind;
use exchange::moment::Moment;
use exchange::principal::Proof;
use exchange::redact::{Pseudonym, Pseudonymizer};
use exchange::rule::{Family, RuleId, Severity};
use exchange::signal::Location;
use policy::Mode;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

/// 2026-01-15T09:20:00Z.
pub(crate) const NOW: Moment = Moment::from_micros(1_768_468_800_000_000);

/// Texts that traffic can bring into names, paths and hosts.
pub(crate) const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{7*7}}${7*7}<%=7*7%>",
    "safe\u{202e}cod.exe\u{2066}\u{2069}",
    "zero\u{200b}width\u{feff}join",
    "nul\0bell\u{7}esc\u{1b}[31m",
    "😀👩‍👩‍👧‍👦🏴‍☠️",
    "&lt;b&gt;&amp;&#x3c;",
    "</textarea></title></style><svg onload=alert(1)>",
    "שלום العربية 日本語",
];

/// A path longer than any screen.
pub(crate) fn long_path() -> String {
    format!("/{}", "deep".repeat(500))
}

fn before(micros: i64) -> Moment {
    NOW.plus_micros(-micros)
}

fn pseudonym(text: &str) -> Pseudonym {
    Pseudonymizer::new(&[7; 16]).of("subject", text.as_bytes())
}

fn endpoint(service: &str, host: &str, method: Method, path: &str) -> Endpoint {
    let template = PathTemplate::parse(path);
    Endpoint {
        id: EndpointId::of(host, method, &template),
        service: Arc::from(service),
        host: Arc::from(host),
        method,
        template,
        operation: None,
        state: EndpointState::Declared,
        protocol: Protocol::Http,
        exchanges: 184_220,
        principals: 1_904,
        statuses: vec![(200, 181_004), (404, 3_016), (500, 200)],
        authentication: vec![(Proof::None, 0), (Proof::Jwt, 184_220)],
        authentication_2xx: vec![(Proof::None, 0), (Proof::Jwt, 181_004)],
        data_in: DataClasses::NONE,
        data_out: DataClasses::NONE,
        parameters: Vec::new(),
        fields: Vec::new(),
        grounds: Vec::new(),
        first_seen: Some(before(9 * 24 * HOUR)),
        last_seen: Some(before(2_000_000)),
    }
}

/// The endpoints of an honest shop, with something of everything.
fn shop() -> Vec<Endpoint> {
    let host = "api.shop.example";
    let rows = [
        (Method::Get, "/v1/orders", EndpointState::Declared, 48_213),
        (Method::Post, "/v1/orders", EndpointState::Declared, 9_120),
        (Method::Get, "/v1/orders/{orderId}", EndpointState::Declared, 184_220),
        (Method::Get, "/v1/payments/{paymentId}", EndpointState::Declared, 61_204),
        (Method::Post, "/v1/exports/{exportId}/share", EndpointState::Shadow, 41),
        (Method::Get, "/internal/export", EndpointState::Shadow, 18),
        (Method::Get, "/v1/cards/{cardId}/pin", EndpointState::Zombie, 3),
        (Method::Delete, "/v1/users/{userId}", EndpointState::Unused, 0),
        (Method::Get, "/v1/catalog", EndpointState::Deprecated, 1_204_113),
    ];
    let row = |(method, path, state, exchanges): (Method, &str, EndpointState, u64)| {
        let mut row = endpoint("shop", host, method, path);
        row.state = state;
        row.exchanges = exchanges;
        row.operation = (state != EndpointState::Shadow).then(|| "operationName".into());
        row.statuses = vec![(200, exchanges - exchanges / 50), (404, exchanges / 50)];
        row.authentication = vec![(Proof::None, 0), (Proof::Jwt, exchanges)];
        row.authentication_2xx = vec![(Proof::None, 0), (Proof::Jwt, exchanges - exchanges / 50)];
        row.principals = exchanges.div_ceil(96);
        if state == EndpointState::Shadow {
            row.authentication = vec![(Proof::None, exchanges), (Proof::Jwt, 0)];
            row.authentication_2xx = row.authentication.clone();
            row.data_out = DataClasses::from_iter([DataClass::Email, DataClass::Iban]);
        }
        if exchanges == 0 {
            (row.first_seen, row.last_seen, row.statuses) = (None, None, Vec::new());
        }
        row
    };
    let mut rows: Vec<_> = rows.into_iter().map(row).collect();
    explain(&mut rows[2]);
    rows
}

/// Parameters, fields and grounds.
fn explain(endpoint: &mut Endpoint) {
    endpoint.parameters = vec![
        parameter(ParameterIn::Path, "orderId", ValueKind::Uuid, endpoint.exchanges),
        parameter(ParameterIn::Query, "expand", ValueKind::Word, 1_204),
    ];
    endpoint.grounds = vec![SegmentGrounds {
        segment: 2,
        basis: Basis::Statistics,
        distinct: 9_412,
        unseen: 0.82,
        confidence: 0.998,
        literals: 1,
        kinds: vec![(ValueKind::Uuid, 184_201), (ValueKind::Word, 19)],
    }];
    let field = |pointer: &str, kind, data: DataClasses| Field {
        direction: Direction::Response,
        pointer: pointer.into(),
        types: vec!["string".into()],
        kind,
        required: true,
        occurrences: 181_004,
        data,
    };
    endpoint.fields = vec![
        field("/id", Some(ValueKind::Uuid), DataClasses::NONE),
        field("/customer/email", Some(ValueKind::Email), [DataClass::Email].into_iter().collect()),
        field("/items/*/sku", None, DataClasses::NONE),
    ];
    endpoint.data_out = [DataClass::Email].into_iter().collect();
}

fn parameter(place: ParameterIn, name: &str, kind: ValueKind, exchanges: u64) -> Parameter {
    Parameter { place, name: name.into(), kind, exchanges, data: DataClasses::NONE }
}

/// An endpoint whose every name is this text.
fn hostile_endpoint(text: &str) -> Endpoint {
    let mut row = endpoint(text, text, Method::Post, &format!("/{text}/{{{text}}}"));
    row.operation = Some(text.into());
    row.state = EndpointState::Shadow;
    row.parameters = vec![parameter(ParameterIn::Query, text, ValueKind::Word, 3)];
    row.fields = vec![Field {
        direction: Direction::Request,
        pointer: format!("/{text}").into(),
        types: vec![text.into()],
        kind: None,
        required: false,
        occurrences: 3,
        data: DataClasses::NONE,
    }];
    row.grounds = vec![SegmentGrounds {
        segment: 1,
        basis: Basis::Kind,
        distinct: 0,
        unseen: 0.0,
        confidence: 1.0,
        literals: 0,
        kinds: vec![(ValueKind::Token, 3)],
    }];
    row
}

/// A finding about an endpoint.
fn finding(rule: RuleId, severity: Severity, title: &str, endpoint: &Endpoint) -> Finding {
    Finding {
        fingerprint: Fingerprint(endpoint.id.0 ^ u64::from(severity as u8)),
        rule,
        title: title.to_owned(),
        severity,
        confidence: 0.97,
        owasp: "API2:2023".into(),
        cwe: vec![306],
        endpoint: Some(endpoint.id),
        service: Arc::clone(&endpoint.service),
        host: Arc::clone(&endpoint.host),
        method: endpoint.method,
        template: endpoint.template.clone(),
        location: Location::Exchange,
        principals: vec![pseudonym("one"), pseudonym("two")],
        principals_total: 2,
        exchanges: endpoint.exchanges,
        first_seen: before(3 * HOUR),
        last_seen: before(4 * MINUTE),
        detected_at: before(2 * HOUR),
        evidence: Evidence::new(),
        recommendation: Recommendation::NoPolicy { why: "Ask its owner to mend it.".to_owned() },
        status: Status::New,
    }
}

fn shop_findings(shop: &[Endpoint]) -> Vec<Finding> {
    let mut open = finding(
        RuleId::new(Family::Auth, 1),
        Severity::Critical,
        "answers with personal data and asks for no credential",
        &shop[5],
    );
    open.evidence = Evidence::from([
        ("answers_2xx".into(), EvidenceValue::Count(18)),
        ("share_without_credential".into(), EvidenceValue::Number(1.0)),
        ("data".into(), EvidenceValue::Words(vec!["email".into(), "iban".into()])),
    ]);
    open.recommendation = Recommendation::Policy {
        policy: "[policies.require-auth]\nmatch = { operation = \"GET /internal/export\" }\n\
                 require = { any = [\"jwt\"] }\n"
            .to_owned(),
        grounds: "All 18 exchanges would have been refused; no caller showed a credential."
            .to_owned(),
    };
    let shadow = RuleId::new(Family::Spec, 1);
    let mut suppressed =
        finding(shadow, Severity::Low, "is not declared in the contract", &shop[5]);
    suppressed.status = Status::Suppressed;
    let zombie = RuleId::new(Family::Spec, 5);
    vec![
        open,
        finding(shadow, Severity::High, "is not declared in the contract", &shop[4]),
        finding(zombie, Severity::Medium, "has been silent for 34 days", &shop[6]),
        suppressed,
    ]
}

/// A finding whose every text is this one.
fn hostile_finding(text: &str, endpoint: &Endpoint) -> Finding {
    let mut finding = finding(RuleId::new(Family::Data, 1), Severity::High, text, endpoint);
    finding.location = Location::Header(text.into());
    finding.owasp = text.into();
    finding.evidence = Evidence::from([
        (text.into(), EvidenceValue::Word(text.into())),
        ("words".into(), EvidenceValue::Words(vec![text.into()])),
    ]);
    finding.recommendation =
        Recommendation::Policy { policy: format!("# {text}\n{text}"), grounds: text.to_owned() };
    finding
}

fn traffic() -> Vec<TrafficHour> {
    // a day and a night, with one bad hour
    let load = [12, 8, 5, 4, 4, 6, 14, 30, 55, 72, 80, 84, 88, 82, 85, 90, 86, 78, 60, 48, 40, 33];
    let hour = |(index, load): (usize, u64)| TrafficHour {
        hour: before((21 - index as i64) * HOUR + 20 * MINUTE),
        exchanges: load * 1_021,
        client_errors: load * 20,
        server_errors: if index == 13 { load * 90 } else { load },
        blocked: if index > 16 { load * 6 } else { 0 },
        detected: load * 11,
    };
    load.into_iter().enumerate().map(hour).collect()
}

fn health() -> Health {
    Health {
        queues: vec![
            Queue { name: "observations", length: 12, capacity: 65_536, dropped: 0 },
            Queue { name: "observations with signals", length: 0, capacity: 65_536, dropped: 31 },
        ],
        sinks: vec![Sink { name: "store", trouble: None }],
        skipped: vec![Skipped { why: "larger than 1 MiB", bodies: 4_102 }],
    }
}

/// An honest shop together with everything hostile.
pub(crate) fn full() -> View {
    let mut view = honest();
    let snapshot = Arc::make_mut(&mut view.snapshot);
    let long = long_path();
    for text in HOSTILE.iter().copied().chain([long.as_str()]) {
        let endpoint = hostile_endpoint(text);
        snapshot.findings.push(hostile_finding(text, &endpoint));
        snapshot.endpoints.push(endpoint);
    }
    let name = Arc::from(HOSTILE[1]);
    let (mode, undocumented) = (Mode::Disabled, Mode::Block);
    view.services.push(ServiceView { name, mode, undocumented, contract: true });
    view.health.sinks.push(Sink { name: "journal", trouble: Some(long) });
    view
}

/// An honest shop.
pub(crate) fn honest() -> View {
    let endpoints = shop();
    let findings = shop_findings(&endpoints);
    let service = |name: &str, mode, undocumented, contract| ServiceView {
        name: Arc::from(name),
        mode,
        undocumented,
        contract,
    };
    View {
        at: NOW,
        snapshot: Arc::new(Snapshot {
            at: NOW,
            endpoints,
            findings,
            coverage: Coverage { request_bodies: 0.98, response_bodies: 0.61 },
            totals: Totals {
                exchanges: 1_840_213,
                dispositions: Disposition::ALL.map(|disposition| (disposition, 7)).to_vec(),
                first: Some(before(9 * 24 * HOUR)),
                last: Some(before(2_000_000)),
                ..Totals::default()
            },
            traffic: traffic(),
        }),
        services: vec![
            service("shop", Mode::Block, Mode::Observe, true),
            service("legacy", Mode::Observe, Mode::Disabled, false),
        ],
        health: health(),
        revision: "3f1c0a7be2d94411".to_owned(),
    }
}

/// Nothing has happened yet.
pub(crate) fn empty() -> View {
    View { at: NOW, ..View::default() }
}
