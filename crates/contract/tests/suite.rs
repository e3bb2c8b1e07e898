//! The JSON Schema test suite, 2020-12, through contracts: every schema is a file of its own to
//! which the body of an operation refers, so that it is read, lowered and compiled as real ones
//! are, and every instance goes through the strict reading of bodies.

use std::collections::BTreeMap;

use contract::{BodyCheck, Contract};
use exchange::body::Body;
use exchange::endpoint::Method;
use serde_json::{Value, json};

use crate::{data, document, files, operation};

/// Cases of each file that do not come out as the suite has it, and why.
const EXCEPTIONS: [(&str, usize, &str); 10] = [
    ("anchor.json", 5, IDENTIFIERS),
    ("defs.json", 1, REMOTE),
    ("dynamicRef.json", 39, IDENTIFIERS),
    ("enum.json", 6, "an empty `enum` is reported and left out, instead of refusing everything"),
    ("format.json", 17, "formats are checked, as users of OpenAPI expect"),
    ("ref.json", 24, IDENTIFIERS),
    ("refRemote.json", 22, REMOTE),
    ("unevaluatedItems.json", 2, IDENTIFIERS),
    ("unevaluatedProperties.json", 2, IDENTIFIERS),
    ("vocabulary.json", 1, REMOTE),
];

const IDENTIFIERS: &str = "`$id`, `$anchor` and `$dynamicRef` are not followed, and reported";
const REMOTE: &str = "what is on the network is never fetched, and reported";

/// Runs one group; how many of its cases come out right, none if the schema cannot be read.
fn run(group: &Value) -> Option<usize> {
    let root = json!({
        "openapi": "3.1.0",
        "paths": { "/x": { "post": { "requestBody": { "content": {
            "application/json": { "schema": { "$ref": "schema.json" } }
        } } } } },
    });
    let schema = serde_json::to_string(&group["schema"]).unwrap();
    let schema = if schema.starts_with('{') { schema } else { format!("  {schema}") };
    let documents = [document("api.json", root.to_string()), document("schema.json", schema)];
    let contract = Contract::from_documents(&documents).ok()?;
    let post = operation(&contract, Method::Post, "/x");
    let tests = group["tests"].as_array().unwrap();
    let right = tests.iter().filter(|test| {
        let text = test["data"].to_string();
        let mut out = Vec::new();
        let body = Body::Whole(text.as_bytes());
        let check = post.check_request_body(b"application/json", body, &mut out);
        assert_eq!(check, BodyCheck::Checked);
        out.is_empty() == test["valid"].as_bool().unwrap()
    });
    Some(right.count())
}

#[test]
fn draft_2020_12() {
    let mut passed = 0;
    let mut failed: BTreeMap<String, usize> = BTreeMap::new();
    for path in files(&data("json-schema-test-suite/tests/draft2020-12")) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let groups: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for group in &groups {
            let all = group["tests"].as_array().unwrap().len();
            let right = run(group).unwrap_or_default();
            passed += right;
            if right < all {
                *failed.entry(file.clone()).or_default() += all - right;
            }
        }
    }
    let failed: Vec<_> = failed.iter().map(|(file, count)| (&**file, *count)).collect();
    let expected: Vec<_> = EXCEPTIONS.iter().map(|(file, count, _)| (*file, *count)).collect();
    assert_eq!((passed, failed), (1_180, expected));
}
