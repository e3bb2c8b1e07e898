//! What a detector may see of an exchange.

use contract::Violation;
use exchange::body::Body;
use exchange::data_class::DataClasses;
use exchange::endpoint::Method;
use exchange::message::RequestHead;
use exchange::observation::ParameterSeen;
use exchange::principal::Principal;
use exchange::shape::Shape;

/// What is known at the end of a phase. Everything is parsed once, by whoever made the view.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The method.
    pub method: Method,
    /// On whose behalf.
    pub principal: &'a Principal,
    /// The request came from a proxy that may say for whom it speaks.
    pub trusted: bool,
    /// The request's head; only in its own phase, since its buffers are used again.
    pub head: Option<&'a RequestHead<'a>>,
    /// Parameters of query and form, as far as the exchange has come.
    pub parameters: &'a [ParameterSeen],
    /// How the request, so far, differs from what the contract declares.
    pub violations: &'a [Violation],
    /// The path is not declared, and is but for the case of its letters.
    pub near_miss: bool,
    /// The response's status; 0 before there is one.
    pub status: u16,
    /// The media type of this phase's body, in lower case.
    pub media: &'a str,
    /// This phase's body, decompressed.
    pub body: Body<'a>,
    /// What this phase's body is made of, if it is JSON.
    pub shape: Option<&'a Shape>,
    /// Sensitive data in this phase's body.
    pub data: DataClasses,
}
