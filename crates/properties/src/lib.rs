//! What must hold for every input: the properties behind the fuzz targets of `fuzz/`.
//!
//! Each module has one function `check` that takes any bytes and panics where a property does not
//! hold. libFuzzer calls it with what it invents, the test of this crate with the seeds, so that
//! both always mean the same. Nothing here is shipped.

pub mod access_log;
pub mod authority;
pub mod body;
pub mod connection;
pub mod contract_document;
pub mod har;
pub mod input;
pub mod inspection;
pub mod json;
pub mod ndjson;
pub mod path;
pub mod proxy_protocol;
pub mod query;
mod recording;
pub mod request;
pub mod response;
pub mod schema_pair;
pub mod settings;
pub mod written;

/// A name, and the function that checks any bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target, by the name that its file in `fuzz/fuzz_targets/` and its seeds have.
pub const TARGETS: &[Target] = &[
    ("contract_document", contract_document::check),
    ("inspection", inspection::check),
    ("json", json::check),
    ("recording_access_log", access_log::check),
    ("recording_har", har::check),
    ("recording_ndjson", ndjson::check),
    ("settings", settings::check),
    ("wire_authority", authority::check),
    ("wire_body", body::check),
    ("wire_connection", connection::check),
    ("wire_path", path::check),
    ("wire_proxy_protocol", proxy_protocol::check),
    ("wire_query", query::check),
    ("wire_request", request::check),
    ("wire_response", response::check),
];
