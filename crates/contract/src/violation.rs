//! How a request or a response departs from its operation: a place and a keyword, never a value.

use exchange::limits;
use exchange::signal::Location;

/// The part of the contract that was not kept.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum ViolationClass {
    /// A body that departs from its schema.
    BodySchema,
    /// A body that is not what its media type says.
    BodySyntax,
    /// A media type that is not declared.
    MediaType,
    /// A body that is required is missing.
    MissingBody,
    /// A parameter in path, query, header or cookie.
    Parameter,
    /// A status that is not declared.
    Status,
    /// A body where none is declared.
    UndeclaredBody,
}

/// One departure from the contract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Where.
    pub location: Location,
    /// The keyword that was not met: one of JSON Schema's, or `undeclared`, `repeated`,
    /// `contentType`, `json`, `duplicate`, `form`, `status`, `style`.
    pub keyword: Box<str>,
    /// What was expected; quotes the contract, never the traffic.
    pub detail: Box<str>,
    /// The part of the contract that was not kept.
    pub class: ViolationClass,
}

/// Adds a violation, unless [`limits::VIOLATIONS_MAX`] are there already.
pub(crate) fn push(
    out: &mut Vec<Violation>,
    class: ViolationClass,
    location: Location,
    keyword: &str,
    detail: impl Into<Box<str>>,
) {
    if out.len() < limits::VIOLATIONS_MAX {
        out.push(Violation { location, keyword: keyword.into(), detail: detail.into(), class });
    }
}
