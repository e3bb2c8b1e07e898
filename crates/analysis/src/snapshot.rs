//! What the console and reports read: the inventory and the findings at one moment, sorted.

use std::fmt;
use std::sync::Arc;

use exchange::data_class::DataClasses;
use exchange::decision::Disposition;
use exchange::endpoint::{EndpointId, Method, PathTemplate};
use exchange::kind::ValueKind;
use exchange::moment::Moment;
use exchange::principal::Proof;
use serde::{Deserialize, Serialize};

use crate::findings::Finding;

/// The inventory and the findings at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Snapshot {
    /// The moment that was handed in.
    pub at: Moment,
    /// Endpoints by service, host, template and method; declared but unused ones among them.
    pub endpoints: Vec<Endpoint>,
    /// Findings, worst first: severity, confidence, last seen, fingerprint. Suppressed and
    /// resolved ones are among them, with their status.
    pub findings: Vec<Finding>,
    /// How much of the bodies was seen.
    pub coverage: Coverage,
    /// Counts over everything absorbed.
    pub totals: Totals,
    /// Traffic by the hour, oldest first, hours without traffic left out; at most
    /// [`exchange::limits::TRAFFIC_HOURS_MAX`] of them.
    pub traffic: Vec<TrafficHour>,
}

/// One endpoint as seen, declared, or both.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Endpoint {
    /// Hash of host, method and template; 16 hexadecimal digits when displayed.
    pub id: EndpointId,
    /// The service of the settings, or `default`.
    pub service: Arc<str>,
    /// The host; empty for an operation that was declared and never seen.
    pub host: Arc<str>,
    /// The method.
    pub method: Method,
    /// The template; print it for the text.
    pub template: PathTemplate,
    /// The contract's `operationId`, or empty text when it is declared without one; `None`:
    /// not declared.
    pub operation: Option<Box<str>>,
    /// How what is seen and what is declared relate.
    pub state: EndpointState,
    /// The application protocol.
    pub protocol: Protocol,
    /// Exchanges, whatever their outcome.
    pub exchanges: u64,
    /// Distinct principals: exact up to [`exchange::limits::PRINCIPALS_EXACT_MAX`], an estimate
    /// beyond (standard error 9 %).
    pub principals: u64,
    /// Exchanges by status, ascending; those without a response are not among them.
    pub statuses: Vec<(u16, u64)>,
    /// Exchanges by how the caller proved itself, in the order of [`Proof::ALL`], zeros included.
    /// All exchanges count, whatever their outcome.
    pub authentication: Vec<(Proof, u64)>,
    /// The same for exchanges that were answered 2xx: the ground of the authentication rules,
    /// since a 401 without a credential is how it should be.
    pub authentication_2xx: Vec<(Proof, u64)>,
    /// Data classes seen in requests, bodies and parameters.
    pub data_in: DataClasses,
    /// Data classes seen in responses.
    pub data_out: DataClasses,
    /// Path parameters in their order, then those of query and form by place and name.
    pub parameters: Vec<Parameter>,
    /// Fields learned from JSON bodies of accepted requests and 2xx responses.
    pub fields: Vec<Field>,
    /// Why the template has its parameters, one entry for each.
    pub grounds: Vec<SegmentGrounds>,
    /// The first exchange; `None` when there was none.
    pub first_seen: Option<Moment>,
    /// The last exchange.
    pub last_seen: Option<Moment>,
}

impl Endpoint {
    /// All data classes: what an analysis lists as `data`.
    #[must_use]
    pub const fn data(&self) -> DataClasses {
        self.data_in.with(self.data_out)
    }
}

/// How what is seen and what is declared relate.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Declared and seen; also: seen, where no contract tells what is declared.
    Declared,
    /// Declared as deprecated, and seen.
    Deprecated,
    /// Seen with success, where no contract exists for the service.
    Seen,
    /// Seen with success, not declared although the service has a contract.
    Shadow,
    /// Declared, not seen.
    Unused,
    /// Silent for [`crate::drift::ZOMBIE_DAYS`] days.
    Zombie,
}

impl EndpointState {
    /// The word for it, as in an endpoint's `state`. An endpoint of a service without a contract
    /// is seen and not declared, which is what `shadow` says.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Deprecated => "deprecated",
            Self::Seen | Self::Shadow => "shadow",
            Self::Unused => "unused",
            Self::Zombie => "zombie",
        }
    }
}

impl fmt::Display for EndpointState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// The application protocol of an endpoint.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// GraphQL over HTTP.
    Graphql,
    /// gRPC.
    Grpc,
    /// Plain HTTP.
    Http,
    /// SOAP.
    Soap,
}

impl Protocol {
    /// The word for it, as in an endpoint's `protocol`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Graphql => "graphql",
            Self::Grpc => "grpc",
            Self::Http => "http",
            Self::Soap => "soap",
        }
    }
}

/// Where a parameter of an endpoint is.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterIn {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a form-encoded body.
    Form,
}

impl ParameterIn {
    /// The word for it, as in a parameter's `in`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Path => "path",
            Self::Query => "query",
        }
    }
}

/// A parameter that an endpoint takes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Parameter {
    /// Where.
    pub place: ParameterIn,
    /// Its name.
    pub name: Box<str>,
    /// What its values look like, where all look alike; use [`Parameter::schema`].
    pub kind: ValueKind,
    /// Exchanges that had it.
    pub exchanges: u64,
    /// Sensitive data recognised in it.
    pub data: DataClasses,
}

impl Parameter {
    /// `(type, format)` as JSON Schema names them.
    #[must_use]
    pub const fn schema(&self) -> (&'static str, Option<&'static str>) {
        self.kind.schema()
    }
}

/// Which message a field is in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// In requests.
    Request,
    /// In responses.
    Response,
}

/// A field that was learned from JSON bodies.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Field {
    /// In which message.
    pub direction: Direction,
    /// JSON pointer from the root; elements of arrays and the members of maps are `*`.
    pub pointer: Box<str>,
    /// JSON types by name, in the usual order of JSON Schema.
    pub types: Vec<Box<str>>,
    /// What its strings look like, where all look alike.
    pub kind: Option<ValueKind>,
    /// True when every object that could have it had it.
    pub required: bool,
    /// How often it occurred.
    pub occurrences: u64,
    /// Sensitive data recognised in it.
    pub data: DataClasses,
}

/// Why one segment of a template is a parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SegmentGrounds {
    /// The segment, counted from 0.
    pub segment: u16,
    /// What decided.
    pub basis: Basis,
    /// Distinct words that became one parameter; 0 where only values were seen.
    pub distinct: u32,
    /// Share of the exchanges on these words that were the only one on their word: how open the
    /// set still is.
    pub unseen: f32,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// Siblings that stayed literal.
    pub literals: u32,
    /// What the values looked like, most frequent first.
    pub kinds: Vec<(ValueKind, u64)>,
}

/// What made a segment a parameter.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The contract says so.
    Declared,
    /// Its values look like values: numbers, UUIDs, hashes and so on.
    Kind,
    /// Words that behave alike under the same parent.
    Statistics,
}

/// Share of the bodies that were there and were looked at, from 0 to 1; 1 where there were none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Of requests.
    pub request_bodies: f64,
    /// Of responses.
    pub response_bodies: f64,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { request_bodies: 1.0, response_bodies: 1.0 }
    }
}

/// Counts over everything absorbed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Exchanges.
    pub exchanges: u64,
    /// Exchanges by what happened to them, in the order of [`Disposition::ALL`], zeros included.
    pub dispositions: Vec<(Disposition, u64)>,
    /// Exchanges that belong to no endpoint: nobody ever got a good answer there.
    pub unrouted: u64,
    /// Questions of browsers whether they may ask (`OPTIONS`), where not declared.
    pub preflights: u64,
    /// Exchanges that were counted here and nowhere else because a bound was reached.
    pub overflow: u64,
    /// Distinct principals, as in [`Endpoint::principals`].
    pub principals: u64,
    /// The first exchange.
    pub first: Option<Moment>,
    /// The last exchange.
    pub last: Option<Moment>,
}

/// The traffic of one hour.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct TrafficHour {
    /// Its beginning.
    pub hour: Moment,
    /// Exchanges.
    pub exchanges: u64,
    /// Answered 4xx.
    pub client_errors: u64,
    /// Answered 5xx, or not at all.
    pub server_errors: u64,
    /// Refused.
    pub blocked: u64,
    /// Passed, but would be refused under `block`.
    pub detected: u64,
}
