//! What the engine wants done with an exchange, and what was really done.

use serde::{Deserialize, Serialize};
use wire::Refusal;

use crate::endpoint::Method;
use crate::rule::RuleId;
use crate::signal::Location;

/// What the engine wants.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Action {
    /// Pass.
    Allow,
    /// Refuse.
    Deny,
    /// Pass, and remember that it would be refused under `block`.
    Observe,
}

/// The engine's action with its grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why, and what the client is told. `None` for [`Action::Allow`].
    pub denial: Option<Denial>,
}

impl Decision {
    /// Pass.
    pub const ALLOW: Self = Self { action: Action::Allow, denial: None };
}

/// The kinds of refusal, each with one status and one problem type.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Problem {
    /// The body's media type is not declared: 415.
    BodyMediaType,
    /// A body is larger than it may be: 413.
    BodyTooLarge,
    /// The client's certificate is not one of those that are admitted: 403.
    ClientCertificate,
    /// The request does not conform to the contract: 400.
    ContractViolation,
    /// Inspection failed, and the service fails closed: 503.
    InspectionFailed,
    /// The request has more than one reading: 400.
    MalformedRequest,
    /// The path has two readings: 400.
    PathAmbiguous,
    /// The response does not conform to the contract: 502.
    ResponseViolation,
    /// The method is not declared for this path: 405.
    UndocumentedMethod,
    /// The operation is not declared: 404.
    UndocumentedOperation,
    /// No service answers for this host: 421.
    UnknownHost,
}

impl Problem {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ContractViolation | Self::MalformedRequest | Self::PathAmbiguous => 400,
            Self::ClientCertificate => 403,
            Self::UndocumentedOperation => 404,
            Self::UndocumentedMethod => 405,
            Self::BodyTooLarge => 413,
            Self::BodyMediaType => 415,
            Self::UnknownHost => 421,
            Self::ResponseViolation => 502,
            Self::InspectionFailed => 503,
        }
    }

    /// The last part of the problem's `type`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::BodyMediaType => "unsupported-media-type",
            Self::BodyTooLarge => "body-too-large",
            Self::ClientCertificate => "client-certificate",
            Self::ContractViolation => "contract-violation",
            Self::InspectionFailed => "inspection-failed",
            Self::MalformedRequest => "malformed-request",
            Self::PathAmbiguous => "ambiguous-path",
            Self::ResponseViolation => "response-violation",
            Self::UndocumentedMethod => "undocumented-method",
            Self::UndocumentedOperation => "undocumented-operation",
            Self::UnknownHost => "misdirected-request",
        }
    }

    /// The problem's `title`, for the client.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::BodyMediaType => "The media type of the body is not supported",
            Self::BodyTooLarge => "The body is too large",
            Self::ClientCertificate => "The client certificate is not admitted",
            Self::ContractViolation => "The request does not conform to the API's contract",
            Self::InspectionFailed => "The request could not be inspected",
            Self::MalformedRequest => "The request cannot be read",
            Self::PathAmbiguous => "The path has more than one reading",
            Self::ResponseViolation => "The answer does not conform to the API's contract",
            Self::UndocumentedMethod => "The method is not part of the API's contract",
            Self::UndocumentedOperation => "The operation is not part of the API's contract",
            Self::UnknownHost => "No service is configured for this host",
        }
    }
}

/// Why an exchange is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Denial {
    /// What kind of refusal.
    pub problem: Problem,
    /// What was doubtful about the request's bytes, where that is the reason: nothing that follows
    /// them on their connection may be read.
    pub refusal: Option<Refusal>,
    /// The rules that ask for it.
    pub rules: Vec<RuleId>,
    /// What the client may know: at most [`crate::limits::VIOLATIONS_MAX`], no values.
    pub errors: Vec<ProblemError>,
    /// The methods that are declared; for [`Problem::UndocumentedMethod`].
    pub allow: Vec<Method>,
}

impl Denial {
    /// A refusal of that kind, with nothing more to say about it.
    #[must_use]
    pub const fn of(problem: Problem) -> Self {
        Self { problem, refusal: None, rules: Vec::new(), errors: Vec::new(), allow: Vec::new() }
    }
}

/// One entry of a problem's `errors`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProblemError {
    /// Where: place, and name or pointer.
    pub location: Location,
    /// The contract's keyword, as in `required`.
    pub keyword: Box<str>,
    /// What was expected, in words, without the value that was found.
    pub detail: Box<str>,
}

/// What really happened to an exchange.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Passed, nothing noticed that asks for more.
    Allowed,
    /// Refused.
    Blocked,
    /// Passed after a change to its content.
    Corrected,
    /// Passed; under `block` it would have been refused.
    Detected,
    /// Not finished: the client or the upstream went away.
    Dropped,
}

impl Disposition {
    /// All, in alphabetical order.
    pub const ALL: [Self; 5] =
        [Self::Allowed, Self::Blocked, Self::Corrected, Self::Detected, Self::Dropped];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Blocked => "blocked",
            Self::Corrected => "corrected",
            Self::Detected => "detected",
            Self::Dropped => "dropped",
        }
    }
}
