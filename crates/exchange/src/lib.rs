//! The nouns: what an HTTP exchange is, and what may be remembered of it.
//!
//! Everything here is plain data and pure functions. Nothing decides, learns or keeps. Values
//! from traffic come in as bytes and leave as classes and keyed hashes ([`redact`]); what remains
//! of an exchange is an [`observation::Observation`].

pub mod body;
pub mod data_class;
pub mod decision;
pub mod endpoint;
pub mod json;
pub mod kind;
pub mod limits;
pub mod message;
pub mod moment;
pub mod observation;
pub mod peer;
pub mod phase;
pub mod principal;
pub mod recording;
pub mod redact;
pub mod rule;
pub mod shape;
pub mod signal;
pub mod trace;
