//! Method and path as seen: redacted paths, templates, and the endpoint's identity.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::kind::ValueKind;
use crate::redact::Pseudonym;

/// A request method. Methods are case-sensitive tokens; unknown ones share one name so that an
/// attacker cannot fill tables with them.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// CONNECT.
    Connect,
    /// DELETE.
    Delete,
    /// GET.
    #[default]
    Get,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
    /// Any method that no RFC 9110 or RFC 5789 names.
    Other,
    /// PATCH.
    Patch,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// TRACE.
    Trace,
}

impl Method {
    const NAMES: [(Self, &'static str); 10] = [
        (Self::Get, "GET"),
        (Self::Post, "POST"),
        (Self::Put, "PUT"),
        (Self::Patch, "PATCH"),
        (Self::Delete, "DELETE"),
        (Self::Head, "HEAD"),
        (Self::Options, "OPTIONS"),
        (Self::Connect, "CONNECT"),
        (Self::Trace, "TRACE"),
        (Self::Other, "OTHER"),
    ];

    /// Reads the token; never fails.
    #[must_use]
    pub fn parse(token: &[u8]) -> Self {
        Self::NAMES
            .iter()
            .find(|(_, name)| name.as_bytes() == token)
            .map_or(Self::Other, |(method, _)| *method)
    }

    /// The token in upper case; `OTHER` for unknown ones.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(method, _)| *method == self).map_or("OTHER", |(_, name)| name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A segment of a concrete path, in the form in which it may be remembered.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenSegment {
    /// What looks like a word, kept: literals of templates are learned from these.
    Word(Box<str>),
    /// What looks like a value: its class and a pseudonym.
    Value(ValueKind, Pseudonym),
}

/// A concrete path without its values.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct SeenPath(pub Vec<SeenSegment>);

/// A segment of a template.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateSegment {
    /// The same in every call.
    Literal(Box<str>),
    /// Varies: the parameter's name.
    Parameter(Box<str>),
}

/// A path with parameters in place of the segments that vary: `/v1/orders/{orderId}`.
#[derive(Clone, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct PathTemplate(pub Vec<TemplateSegment>);

impl PathTemplate {
    /// Reads `/v1/orders/{orderId}`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let body = text.strip_prefix('/').unwrap_or(text);
        if body.is_empty() {
            return Self::default();
        }
        Self(
            body.split('/')
                .map(|part| match part.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                    Some(name) => TemplateSegment::Parameter(name.into()),
                    None => TemplateSegment::Literal(part.into()),
                })
                .collect(),
        )
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("/");
        }
        for segment in &self.0 {
            match segment {
                TemplateSegment::Literal(text) => write!(out, "/{text}")?,
                TemplateSegment::Parameter(name) => write!(out, "/{{{name}}}")?,
            }
        }
        Ok(())
    }
}

/// The identity of an endpoint: a hash of host, method and template that ignores the names of
/// parameters, so that renaming one keeps its history. Printed as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct EndpointId(pub u64);

impl EndpointId {
    /// The identity of this host, method and template.
    #[must_use]
    pub fn of(host: &str, method: Method, template: &PathTemplate) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(host.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(method.as_str().as_bytes());
        for segment in &template.0 {
            hasher.write_u8(b'/');
            match segment {
                TemplateSegment::Literal(text) => hasher.write(text.as_bytes()),
                TemplateSegment::Parameter(_) => hasher.write(b"{}"),
            }
        }
        Self(hasher.finish())
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}
