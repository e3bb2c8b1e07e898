//! Contracts against what others wrote, and against tables of our own.

#![expect(clippy::unwrap_used, reason = "a test whose data is not there cannot go on")]
#![expect(clippy::disallowed_methods, reason = "the data of tests is in files")]

mod body;
mod defect;
mod emit;
mod example;
mod parameter;
mod real;
mod routing;
mod schema;
mod security;
mod suite;

use std::io::Read;
use std::path::{Path, PathBuf};

use contract::{Contract, DocumentError, Operation, Routed, SourceDocument, Violation};
use exchange::endpoint::Method;
use exchange::message::{RequestHead, Scheme};
use wire::{CanonicalPath, Fields, Query};

/// A folder of the shared test data.
pub fn data(folder: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(folder)
}

/// The files of a folder, sorted by name.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}

/// The bytes of a file, decompressed if it ends with `.gz`.
pub fn bytes(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    if path.extension().is_none_or(|extension| extension != "gz") {
        return raw;
    }
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(&*raw).read_to_end(&mut out).unwrap();
    out
}

/// A document of this name and text.
pub fn document(name: &str, text: impl Into<String>) -> SourceDocument {
    SourceDocument { name: name.to_owned(), text: text.into() }
}

/// Loads one text as `api.yaml`.
pub fn load(text: &str) -> Result<Contract, Vec<DocumentError>> {
    Contract::from_documents(&[document("api.yaml", text)])
}

/// Loads one text that must load.
pub fn contract(text: &str) -> Contract {
    load(text).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// The operation that a request is matched to.
pub fn operation<'c>(contract: &'c Contract, method: Method, path: &str) -> &'c Operation {
    match contract.route(method, &CanonicalPath::read(path.as_bytes()).0) {
        Routed::Operation(index) => contract.operation(index).unwrap(),
        other => panic!("{method} {path}: {other:?}"),
    }
}

/// Violations of a request's head, as `place name keyword`.
pub fn head(
    contract: &Contract,
    method: Method,
    target: &str,
    headers: &[(&str, &str)],
) -> Vec<String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, path_oddities) = CanonicalPath::read(path.as_bytes());
    let mut fields = Fields::default();
    for (name, value) in headers {
        assert!(fields.push(name.as_bytes(), value.as_bytes()));
    }
    let head = RequestHead {
        method,
        scheme: Scheme::Https,
        host: "api.example.com",
        path: &path,
        path_oddities,
        query: Query::new(query.as_bytes()),
        fields: &fields,
    };
    let mut out = Vec::new();
    operation(contract, method, path.as_str()).check_request_head(&head, &mut out);
    rendered(&out)
}

/// Violations as `place name keyword`.
pub fn rendered(violations: &[Violation]) -> Vec<String> {
    let line =
        |it: &Violation| format!("{} {} {}", it.location.place(), it.location.name(), it.keyword);
    violations.iter().map(line).collect()
}
