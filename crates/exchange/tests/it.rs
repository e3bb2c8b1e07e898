//! What the nouns promise, over tables, real recordings and random input.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod access_logs;
mod corpus;
mod har;
mod hostile;
mod json;
mod json_logs;
mod kinds;
mod moments;
mod ndjson;
mod peers;
mod seen;
