//! Observations, endpoints and findings to keep.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use analysis::findings::{Finding, Fingerprint, Recommendation, Status};
use analysis::snapshot::{Endpoint, EndpointState, Protocol};
use exchange::data_class::DataClasses;
use exchange::decision::Disposition;
use exchange::endpoint::{EndpointId, Method, PathTemplate, SeenPath, SeenSegment};
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation};
use exchange::principal::{Principal, Proof};
use exchange::rule::{Family, RuleId, Severity};
use exchange::signal::Location;
use store::{Options, Store};
use tempfile::TempDir;

/// Microseconds of one day.
pub(crate) const DAY: i64 = 86_400_000_000;

/// A directory that goes away with its database.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("palisade.db")
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.path(), Options::default()).unwrap()
    }
}

/// The `number`th observation, at its own moment.
pub(crate) fn observation(number: u64) -> Observation {
    Observation {
        at: Moment::from_micros(number as i64),
        duration_us: number,
        service: Arc::from("shop"),
        host: Arc::from("shop.test"),
        method: Method::Get,
        path: SeenPath(vec![SeenSegment::Word("orders".into())]),
        operation: None,
        principal: Principal { id: None, proof: Proof::None },
        client: None,
        parameters: Vec::new(),
        status: Some(200),
        request: BodySeen::default(),
        response: BodySeen::default(),
        signals: Vec::new(),
        disposition: Disposition::Allowed,
    }
}

/// Observations with these numbers.
pub(crate) fn batch(numbers: std::ops::Range<u64>) -> Vec<Observation> {
    numbers.map(observation).collect()
}

/// An endpoint with this template.
pub(crate) fn endpoint(template: &str) -> Endpoint {
    let template = PathTemplate::parse(template);
    Endpoint {
        id: EndpointId::of("shop.test", Method::Get, &template),
        service: Arc::from("shop"),
        host: Arc::from("shop.test"),
        method: Method::Get,
        template,
        operation: None,
        state: EndpointState::Shadow,
        protocol: Protocol::Http,
        exchanges: 7,
        principals: 2,
        statuses: vec![(200, 7)],
        authentication: vec![(Proof::None, 7)],
        authentication_2xx: vec![(Proof::None, 7)],
        data_in: DataClasses::NONE,
        data_out: DataClasses::NONE,
        parameters: Vec::new(),
        fields: Vec::new(),
        grounds: Vec::new(),
        first_seen: Some(Moment::from_micros(1)),
        last_seen: Some(Moment::from_micros(9)),
    }
}

/// A finding about that endpoint.
pub(crate) fn finding(template: &str) -> Finding {
    let template = PathTemplate::parse(template);
    let id = EndpointId::of("shop.test", Method::Get, &template);
    Finding {
        fingerprint: Fingerprint(id.0),
        rule: RuleId::new(Family::Auth, 1),
        title: "reached without a credential".to_owned(),
        severity: Severity::High,
        confidence: 0.9,
        owasp: "API2:2023".into(),
        cwe: vec![306],
        endpoint: Some(id),
        service: Arc::from("shop"),
        host: Arc::from("shop.test"),
        method: Method::Get,
        template,
        location: Location::Exchange,
        principals: Vec::new(),
        principals_total: 0,
        exchanges: 7,
        first_seen: Moment::from_micros(1),
        last_seen: Moment::from_micros(9),
        detected_at: Moment::from_micros(5),
        evidence: BTreeMap::new(),
        recommendation: Recommendation::NoPolicy { why: "nothing blocks this yet".to_owned() },
        status: Status::New,
    }
}
