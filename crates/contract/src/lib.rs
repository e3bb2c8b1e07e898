//! What an API's owner declares: OpenAPI documents, matching requests to their operations, and
//! checking requests and responses against them.
//!
//! A [`Contract`] is made from texts that the caller has read; nothing here opens a file or a
//! connection, whatever a document refers to. Defects of documents are [`DocumentError`]s with a
//! place and a remedy. Departures of traffic are [`Violation`]s, which name places and keywords
//! and never a value. What is declared but cannot be enforced is said when the contract is loaded
//! ([`Contract::warnings`]), and what was not looked at is said when it passes ([`BodyCheck`]).

mod check;
mod cycle;
mod document;
pub mod emit;
mod error;
mod keyword;
mod lower;
mod media;
mod operation;
mod parameter;
mod route;
mod schema;
mod security;
mod shape;
mod style;
mod value;
mod violation;

pub use check::{BodyCheck, BodyPlan};
pub use document::refs::referenced_files;
pub use document::{Contract, SourceDocument};
pub use error::DocumentError;
pub use operation::{Operation, Status};
pub use parameter::{Parameter, ParameterPlace};
pub use route::Routed;
pub use schema::{Departure, Draft, Schema, Unfit};
pub use security::{Alternative, Scheme, SchemeKind, Security};
pub use violation::{Violation, ViolationClass};
