//! The JSON API against its own description.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::fixture;
use crate::running::Running;

/// A validator for one of the description's schemas.
fn schema(description: &Value, name: &str) -> Validator {
    let root = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": description["components"],
    });
    jsonschema::draft202012::options().should_validate_formats(true).build(&root).unwrap()
}

fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{what}: {errors:?}");
}

#[test]
fn answers_are_what_the_description_says() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let get = |path: &str| {
        let answer = client.get(path);
        let media = answer.field("content-type").to_owned();
        (answer.status, media, serde_json::from_str::<Value>(&answer.body).unwrap())
    };
    let (_, _, description) = get("/api/v1/openapi.json");
    assert_eq!(description["openapi"], "3.1.0");
    let mut cases = 0;
    for (path, name) in [
        ("/api/v1/endpoints", "EndpointList"),
        ("/api/v1/endpoints?q=state:shadow&limit=1", "EndpointList"),
        ("/api/v1/findings", "FindingList"),
        ("/api/v1/findings?q=severity:critical", "FindingList"),
        ("/api/v1/overview", "Overview"),
    ] {
        let (status, media, value) = get(path);
        assert_eq!((status, media.as_str()), (200, "application/json"), "{path}");
        assert_valid(&schema(&description, name), &value, path);
        cases += 1;
    }
    for (path, status) in [
        ("/api/v1/endpoints?q=colour:red", 400),
        ("/api/v1/endpoints?limit=many", 400),
        ("/api/v1/endpoints?sort=id", 400),
        ("/api/v1/findings?cursor=x", 400),
        ("/api/v1/nowhere", 404),
    ] {
        let (found, media, value) = get(path);
        assert_eq!((found, media.as_str()), (status, "application/problem+json"), "{path}");
        assert_valid(&schema(&description, "Problem"), &value, path);
        cases += 1;
    }
    assert_eq!(cases, 10);
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 5, "every path is described");
}

#[test]
fn lists_are_cut_into_parts_without_loss() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/endpoints?limit=7{cursor}");
        let part: Value = serde_json::from_str(&client.get(&path).body).unwrap();
        let ids = part["endpoints"].as_array().unwrap().iter().map(|row| row["id"].clone());
        seen.extend(ids);
        match part["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let all: Vec<_> =
        fixture::full().snapshot.endpoints.iter().map(|row| json!(row.id.to_string())).collect();
    assert_eq!(seen, all);
}

#[test]
fn an_answer_that_is_known_is_not_sent_again() {
    let running = Running::new(fixture::full());
    let client = running.client();
    for path in ["/api/v1/findings", "/api/v1/openapi.json", "/asset/console.js"] {
        let tag = client.get(path).field("etag").to_owned();
        let again = client.send("GET", path, &[("If-None-Match", &tag)], "");
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
        let other = client.send("GET", path, &[("If-None-Match", "\"other\"")], "");
        assert_eq!(other.status, 200, "{path}");
    }
}
