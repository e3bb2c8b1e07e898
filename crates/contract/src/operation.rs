//! One operation of a contract: what it is called with, what it demands and what it answers.

use std::sync::Arc;

use exchange::endpoint::{Method, PathTemplate};

use crate::media::Content;
use crate::parameter::Parameter;
use crate::route::Segment;
use crate::schema::Definitions;
use crate::security::Security;

/// A method on a path, as declared.
#[derive(Debug)]
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The path, with the base path of the first server.
    pub template: PathTemplate,
    /// The name that the contract gives it.
    pub operation_id: Option<Box<str>>,
    /// What it does, in a line.
    pub summary: Option<Box<str>>,
    /// The groups that it is in.
    pub tags: Box<[Box<str>]>,
    /// True when callers are asked not to use it any more.
    pub deprecated: bool,
    /// What it demands of who calls it.
    pub security: Security,
    /// The document that declares it.
    pub file: Arc<str>,
    /// The line in that document, from 1.
    pub line: u32,
    pub(crate) segments: Box<[Segment]>,
    pub(crate) parameters: Box<[Parameter]>,
    /// Query parameters that carry credentials; they are declared by being demanded.
    pub(crate) credentials: Box<[Box<str>]>,
    /// False when several operations share this method and path, so that neither can be held
    /// against a request.
    pub(crate) distinct: bool,
    pub(crate) body: Option<RequestBody>,
    pub(crate) responses: Box<[(Status, Response)]>,
    pub(crate) definitions: Arc<Definitions>,
}

impl Operation {
    /// The declared parameters.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The declared statuses.
    pub fn statuses(&self) -> impl Iterator<Item = Status> {
        self.responses.iter().map(|(status, _)| *status)
    }

    /// The declared media types of the request's body.
    pub fn request_media_types(&self) -> impl Iterator<Item = &str> {
        let entries = self.body.as_ref().map_or(&[][..], |body| &body.content.entries);
        entries.iter().map(|entry| &*entry.range)
    }

    /// What is declared for a status: the status itself, its class, or the default.
    pub(crate) fn response(&self, status: u16) -> Option<&Response> {
        let find = |wanted: Status| {
            self.responses.iter().find(|(known, _)| *known == wanted).map(|(_, response)| response)
        };
        find(Status::Exact(status))
            .or_else(|| find(Status::Class(status / 100)))
            .or_else(|| find(Status::Default))
    }
}

/// A declared request body.
#[derive(Debug)]
pub(crate) struct RequestBody {
    pub(crate) required: bool,
    pub(crate) content: Content,
}

/// A declared response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) content: Content,
    pub(crate) headers: Box<[Parameter]>,
}

/// Which statuses a response is declared for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Status {
    /// This one.
    Exact(u16),
    /// `4XX` and the like: the first digit.
    Class(u16),
    /// All that are not declared otherwise.
    Default,
}

impl Status {
    /// Reads `200`, `4XX` or `default`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "default" {
            return Some(Self::Default);
        }
        if let Some(class) = text.strip_suffix("XX").or_else(|| text.strip_suffix("xx")) {
            return class.parse().ok().filter(|class| (1..=5).contains(class)).map(Self::Class);
        }
        text.parse().ok().filter(|status| (100..=599).contains(status)).map(Self::Exact)
    }
}
