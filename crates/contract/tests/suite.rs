//! The JSON Schema test suite, 2020-12, through contracts: every schema is a file of its own to
//! which the body of an operation refers, so that it is read, lowered and compiled as real ones
//! are, and every instance goes through the strict reading of bodies. Then both drafts without a
//! contract, where every identifier and every reference is followed.

use std::collections::BTreeMap;

use contract::{BodyCheck, Contract, Draft, Schema};
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

/// Everything that cases may refer to, by the URI under which the suite says it is found.
fn remotes() -> Vec<(String, Value)> {
    let root = data("json-schema-test-suite/remotes");
    let mut out = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let other = ["draft3", "draft6", "draft7", "draft2019-09", "v1"];
            if !other.iter().any(|draft| name.starts_with(draft)) {
                let value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                out.push((format!("http://localhost:1234/{name}"), value));
            }
        }
    }
    out.extend(metaschemas());
    out
}

/// The metaschemas of both drafts, as their authors publish them.
fn metaschemas() -> Vec<(String, Value)> {
    let all = [
        &referencing::meta::DRAFT4,
        &referencing::meta::DRAFT202012,
        &referencing::meta::DRAFT202012_CORE,
        &referencing::meta::DRAFT202012_APPLICATOR,
        &referencing::meta::DRAFT202012_UNEVALUATED,
        &referencing::meta::DRAFT202012_VALIDATION,
        &referencing::meta::DRAFT202012_META_DATA,
        &referencing::meta::DRAFT202012_FORMAT_ANNOTATION,
        &referencing::meta::DRAFT202012_CONTENT,
    ];
    let named = all.iter().map(|schema| {
        let id = schema.get("$id").or(schema.get("id")).and_then(Value::as_str).unwrap();
        (id.trim_end_matches('#').to_owned(), Value::clone(schema))
    });
    named.collect()
}

/// Cases of a folder that come out right, and the names of those that do not.
fn alone(folder: &str, draft: Draft, formats: bool) -> (usize, Vec<String>) {
    let remotes = remotes();
    let mut right = 0;
    let mut wrong = Vec::new();
    for path in files(&data("json-schema-test-suite/tests").join(folder)) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let groups: Vec<Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for group in &groups {
            let mut documents = vec![("http://palisade.test/root.json", &group["schema"])];
            documents.extend(remotes.iter().map(|(uri, value)| (&**uri, value)));
            let schema = Schema::compile(&documents, draft, formats);
            for test in group["tests"].as_array().unwrap() {
                let text = test["data"].to_string();
                let found = schema.as_ref().map(|schema| schema.departures(text.as_bytes()));
                let valid = matches!(&found, Ok(Ok(departures)) if departures.is_empty());
                if valid == test["valid"].as_bool().unwrap() && found.is_ok() {
                    right += 1;
                } else {
                    let (group, test) = (&group["description"], &test["description"]);
                    wrong.push(format!("{file}: {group}: {test}: {found:?}"));
                }
            }
        }
    }
    (right, wrong)
}

#[test]
fn draft_2020_12_alone() {
    let (right, wrong) = alone("draft2020-12", Draft::Draft202012, false);
    assert_eq!((right, wrong), (1_299, Vec::new()));
}

#[test]
fn draft_4_alone() {
    let (right, wrong) = alone("draft4", Draft::Draft4, false);
    assert_eq!((right, wrong), (618, Vec::new()));
}
