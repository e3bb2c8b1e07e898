//! What a refused client sees: `application/problem+json` (RFC 9457), never a value from traffic.

use exchange::decision::{Denial, Problem, ProblemError};
use exchange::limits::VIOLATIONS_MAX;
use serde_json::{Value, json};
use wire::Framing;
use wire::serialize::{Connection, own_response};

use crate::limits::RETRY_AFTER_S;

/// What problem types begin with.
const TYPE_BASE: &str = "https://palisade.dev/problems/";

/// The media type of problem details.
const PROBLEM_JSON: &str = "application/problem+json";

/// An answer of our own.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    slug: &'static str,
    title: &'static str,
    detail: String,
    errors: Vec<Value>,
    allow: Option<String>,
    /// The seconds of `Retry-After`.
    after_s: Option<u32>,
    /// Nothing that follows the request on its connection may be read.
    pub(crate) closes: bool,
}

impl Answer {
    /// What a decision of the inspection means for the client. A decision without grounds is a
    /// failure of ours.
    pub(crate) fn to_denial(denial: Option<&Denial>) -> Self {
        let Some(denial) = denial else { return Self::to_problem(Problem::InspectionFailed) };
        let mut answer = Self::to_problem(denial.problem);
        answer.closes = denial.refusal.is_some();
        answer.errors = denial.errors.iter().take(VIOLATIONS_MAX).map(error).collect();
        if denial.problem == Problem::UndocumentedMethod {
            let names: Vec<&str> = denial.allow.iter().map(|method| method.as_str()).collect();
            answer.allow = Some(names.join(", "));
        }
        answer
    }

    fn to_problem(problem: Problem) -> Self {
        let detail = match problem {
            Problem::BodyMediaType => "The contract declares other media types for this body.",
            Problem::BodyTooLarge => "The body has more bytes than are accepted here.",
            Problem::ContractViolation => "See `errors` for what was expected, and where.",
            Problem::InspectionFailed => "Nothing was forwarded. Try again later.",
            Problem::MalformedRequest => "The request is malformed or ambiguous.",
            Problem::PathAmbiguous => "Send the path in its canonical form.",
            Problem::ResponseViolation => "The server's answer was withheld.",
            Problem::UndocumentedMethod => "The path is declared, with the methods in `Allow`.",
            Problem::UndocumentedOperation => "The contract declares no such path.",
            Problem::ClientCertificate => "Use a certificate that this API admits.",
            Problem::UnknownHost => "The host in the request is not served here.",
        };
        Self {
            status: problem.status(),
            slug: problem.slug(),
            title: problem.title(),
            detail: detail.to_owned(),
            errors: Vec::new(),
            allow: None,
            after_s: (problem.status() == 503).then_some(RETRY_AFTER_S),
            closes: false,
        }
    }

    /// What bytes that could not be read mean for the client.
    pub(crate) fn to_bytes(status: u16, message: &str) -> Self {
        let slug = Problem::MalformedRequest.slug();
        let title = Problem::MalformedRequest.title();
        Self { closes: true, ..Self::plain(status, slug, title, message) }
    }

    /// The kind of problem that it tells of, if any.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        Some(self.slug).filter(|slug| !slug.is_empty())
    }

    /// The upstream cannot be reached, or what it sent cannot be forwarded.
    pub(crate) fn bad_gateway() -> Self {
        let message = "The server could not be reached, or its answer could not be forwarded.";
        Self::plain(502, "bad-gateway", "The server behind the gateway failed", message)
    }

    /// The upstream did not answer in time.
    pub(crate) fn gateway_timeout() -> Self {
        let message = "The server did not answer in time.";
        Self::plain(504, "gateway-timeout", "The server behind the gateway is too slow", message)
    }

    /// Only a stored answer was wanted, and there is none (RFC 9111 §5.2.1.7).
    pub(crate) fn not_stored() -> Self {
        let message = "The request asks for a stored answer only, and none is stored.";
        Self::plain(504, "not-stored", "There is no stored answer", message)
    }

    /// The client did not send in time.
    pub(crate) fn request_timeout() -> Self {
        let message = "The request did not arrive in time.";
        Self::plain(408, "request-timeout", "The request took too long", message)
    }

    /// There are too many clients.
    pub(crate) fn overloaded() -> Self {
        let message = "There are too many connections. Try again later.";
        let plain = Self::plain(503, "overloaded", "The gateway is busy", message);
        Self { after_s: Some(RETRY_AFTER_S), ..plain }
    }

    /// No upstream can be given the request now; perhaps after so many seconds.
    pub(crate) fn unavailable(after_s: u32) -> Self {
        let message = "The server cannot take more requests now. Try again later.";
        let title = "The server behind the gateway is spared";
        let plain = Self::plain(503, "upstream-unavailable", title, message);
        Self { after_s: Some(after_s), ..plain }
    }

    /// What proves to an authority that a name is ours.
    pub(crate) fn token(text: &str) -> Self {
        Self::plain(200, "", "", text)
    }

    /// An authority asks for what nobody has ordered.
    pub(crate) fn unknown_token() -> Self {
        let message = "No certificate is being ordered with this token.";
        Self::plain(404, "unknown-token", "There is no such token", message)
    }

    /// The methods that the gateway passes on: no refusal, and nothing to say about it.
    pub(crate) fn methods() -> Self {
        let allow = Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS".to_owned());
        Self { allow, ..Self::plain(200, "", "", "") }
    }

    fn plain(status: u16, slug: &'static str, title: &'static str, detail: &str) -> Self {
        let detail = detail.to_owned();
        let (errors, allow) = (Vec::new(), None);
        Self { status, slug, title, detail, errors, allow, after_s: None, closes: false }
    }

    /// The answer to the exchange that `ulid` names.
    pub(crate) fn render(&self, ulid: &str) -> Rendered {
        if self.status == 200 {
            let mut fields: Vec<_> =
                self.allow.iter().map(|methods| ("Allow", methods.clone())).collect();
            if !self.detail.is_empty() {
                // RFC 8555 §8.3
                fields.push(("Content-Type", "application/octet-stream".to_owned()));
            }
            return Rendered { status: 200, fields, body: self.detail.clone() };
        }
        let mut problem = json!({
            "type": format!("{TYPE_BASE}{}", self.slug),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": format!("urn:palisade:exchange:{ulid}"),
        });
        if !self.errors.is_empty() {
            problem["errors"] = Value::from(self.errors.clone());
        }
        let mut fields = vec![
            ("Content-Type", PROBLEM_JSON.to_owned()),
            ("Cache-Control", "no-store".to_owned()),
        ];
        if let Some(allow) = &self.allow {
            fields.push(("Allow", allow.clone()));
        }
        if let Some(after_s) = self.after_s {
            fields.push(("Retry-After", after_s.to_string()));
        }
        Rendered { status: self.status, fields, body: problem.to_string() }
    }
}

/// An answer of our own in the form in which a client gets it.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Rendered {
    /// Appends the answer as HTTP/1.1. `bodiless`: it answers HEAD.
    pub(crate) fn write(&self, bodiless: bool, connection: Connection, out: &mut Vec<u8>) {
        let fields: Vec<(&str, &[u8])> =
            self.fields.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        let framing = Framing::Length(self.body.len() as u64);
        own_response(self.status, reason(self.status), &fields, framing, connection, out);
        if !bodiless {
            out.extend_from_slice(self.body.as_bytes());
        }
    }
}

fn error(error: &ProblemError) -> Value {
    json!({
        "in": error.location.place(),
        "pointer": error.location.name(),
        "keyword": error.keyword,
        "detail": error.detail,
    })
}

/// The reason phrases of RFC 9110 for the statuses that are ours.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
