//! The heads of request and response, in the one reading on which everything decides.

use wire::{CanonicalPath, Fields, PathOddities, Query};

use crate::endpoint::Method;

/// How the client reached the listener.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Scheme {
    /// In clear text.
    Http,
    /// Over TLS.
    Https,
    /// A recording does not say.
    #[default]
    Unknown,
}

/// A request's head, lent by who parsed it: the connection or the recording's decoder. Live and
/// recorded exchanges are both read into this form.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The method; [`Method::Other`] for what no RFC names.
    pub method: Method,
    /// How the client reached the listener.
    pub scheme: Scheme,
    /// The host that is asked for: lower case, without port, without a trailing dot; empty when
    /// the request names none.
    pub host: &'a str,
    /// The path in the form on which routing and policy decide.
    pub path: &'a CanonicalPath,
    /// What was doubtful about the path as it was sent.
    pub path_oddities: PathOddities,
    /// The query, as it was sent.
    pub query: Query<'a>,
    /// The header fields in their original order and case.
    pub fields: &'a Fields,
}

/// A response's head.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: u16,
    /// The header fields in their original order and case.
    pub fields: &'a Fields,
}

/// The media type of a `Content-Type` value, without parameters; empty when there is none.
/// `Content-Type` is a singleton: with several, the first counts here and framing refuses them.
#[must_use]
pub fn media_type(fields: &Fields) -> &[u8] {
    let value = fields.get("content-type").unwrap_or_default();
    value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}
