//! The integration tests of `wire`: tables of cases, and properties of all inputs.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

mod corpora;
mod llhttp;
mod outgoing;
mod paths;
mod properties;
mod proxy_protocol;
mod reader;
mod requests;
mod responses;
mod table;
