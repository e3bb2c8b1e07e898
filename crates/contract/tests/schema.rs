//! Schemas without a contract: what they cost, what is told, and what does not compile.

use contract::{Draft, Schema, Unfit};
use serde_json::{Value, json};

fn schema(value: &Value) -> Schema {
    Schema::compile(&[("", value)], Draft::Draft202012, true).unwrap()
}

/// Violations as `pointer keyword`.
fn told(value: &Value, text: &str) -> String {
    let departures = schema(value).departures(text.as_bytes()).unwrap();
    let lines: Vec<_> =
        departures.iter().map(|it| format!("{} {}", it.pointer, it.keyword)).collect();
    lines.join("; ")
}

#[test]
fn nested_alternatives_are_judged_once() {
    // each of 40 definitions asks twice for the next one: 2^40 ways to the last
    let mut definitions = serde_json::Map::new();
    for index in 0..50 {
        let next = json!({ "$ref": format!("#/$defs/{}", index + 1) });
        let twice = json!({ "anyOf": [{ "allOf": [next] }, { "allOf": [next] }] });
        definitions
            .insert(index.to_string(), if index < 40 { twice } else { json!({"type": "object"}) });
    }
    let value = json!({ "$ref": "#/$defs/0", "$defs": definitions });
    assert_eq!(told(&value, "1"), " anyOf");
    assert_eq!(told(&value, "{}"), "");
    // the same through members
    let both = json!([{ "properties": { "a": { "$ref": "#" } } }, { "properties": { "a": { "$ref": "#" } } }]);
    let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    assert_eq!(told(&json!({ "type": "object", "anyOf": both }), &deep), " anyOf");
}

#[test]
fn what_costs_too_much_is_refused() {
    let many: Vec<_> =
        (0..2_000).map(|index| json!({ "minLength": index, "type": "string" })).collect();
    let value = json!({ "items": { "anyOf": many } });
    let text = format!("[{}\"\"]", "\"a\",".repeat(10_000));
    assert_eq!(told(&value, &text), "");
    let none: Vec<_> = (0..2_000).map(|index| json!({ "minLength": index + 9 })).collect();
    assert_eq!(told(&json!({ "items": { "anyOf": none } }), &text), "/* anyOf;  schema");
}

#[test]
fn names_occur_once() {
    let twice = |count: usize, last: &str| {
        let members: String = (0..count).map(|index| format!("\"n{index}\":0,")).collect();
        schema(&json!(true)).departures(format!("{{\"o\":{{{members}\"{last}\":0}}}}").as_bytes())
    };
    let refused = Err(Unfit::Duplicate("/o".to_owned()));
    for count in [1, 2, 31, 32, 33, 64, 20_000] {
        assert_eq!(twice(count, "n0"), refused, "{count}");
        assert_eq!(twice(count, "\\u006e0"), refused, "{count}");
        assert_eq!(twice(count, "x"), Ok(Vec::new()), "{count}");
    }
}

#[test]
fn places_of_violations() {
    let cases = [
        (
            json!({"if": {"required": ["a"]}, "then": {"properties": {"b": {"type": "null"}}}}),
            r#"{"a":1,"b":1}"#,
            "/b type",
        ),
        (json!({"dependentSchemas": {"a": {"required": ["b"]}}}), r#"{"a":1}"#, " required"),
        (json!({"propertyNames": {"maxLength": 1}}), r#"{"a/b":1}"#, "/a~1b propertyNames"),
        (
            json!({"items": {"uniqueItems": true}}),
            r#"[[1,1.0],[{"a":1,"b":2},{"b":2,"a":1}]]"#,
            "/* uniqueItems",
        ),
        (json!({"properties": {"a": false}}), r#"{"a":1}"#, "/a falseSchema"),
        (json!({"const": {"a": [1, 2]}}), r#"{"a":[1,2e0]}"#, ""),
        (json!({"additionalProperties": {"required": ["x"]}}), r#"{"p":{"q":1}}"#, "/p required"),
        (json!({"const": {"a": [1, 2]}}), r#"{"a":[2,1]}"#, " const"),
        (json!({"enum": [[], "x"]}), "{}", " enum"),
        (
            json!({"contains": {"type": "null"}, "unevaluatedItems": {"type": "integer"}}),
            "[null,1,\"\"]",
            " unevaluatedItems",
        ),
        (
            json!({"required": ["a", "b"], "additionalProperties": {"type": "null"}}),
            r#"{"c":1}"#,
            "/c type;  required;  required",
        ),
    ];
    let mut ran = 0;
    for (value, text, expected) in &cases {
        assert_eq!(told(value, text), *expected, "{value} {text}");
        ran += 1;
    }
    assert_eq!(ran, 11);
}

#[test]
fn what_does_not_compile_is_said() {
    let cases = [
        (json!({"allOf": [{"$ref": "#"}]}), "it refers to itself without an end"),
        (
            json!({"$ref": "http://example.com/elsewhere"}),
            "`http://example.com/elsewhere` leads nowhere",
        ),
        (json!({"pattern": "["}), "`[` is not a regular expression"),
    ];
    for (value, expected) in &cases {
        let found = Schema::compile(&[("", value)], Draft::Draft202012, true);
        assert_eq!(found.err().as_deref(), Some(*expected));
    }
}
