//! Bodies: which media type selects what, strict JSON, lowering, and what is not checked.

use contract::{BodyCheck, BodyPlan};
use exchange::body::{Body, Why};
use exchange::endpoint::Method;
use wire::Fields;

use crate::{contract, operation, rendered};

/// A contract of this version with one operation whose JSON body has this schema.
fn with_schema(version: &str, schema: &str) -> contract::Contract {
    contract(&format!(
        r#"{{"openapi":"{version}","paths":{{"/x":{{"post":{{
            "requestBody":{{"required":true,
                "content":{{"application/json":{{"schema":{schema}}}}}}},
            "responses":{{"200":{{"content":{{"application/json":{{"schema":{schema}}}}}}}}}
        }}}}}}}}"#
    ))
}

fn request(contract: &contract::Contract, media: &str, body: &str) -> (BodyCheck, String) {
    let mut out = Vec::new();
    let body = Body::Whole(body.as_bytes());
    let operation = operation(contract, Method::Post, "/x");
    let check = operation.check_request_body(media.as_bytes(), body, &mut out);
    (check, rendered(&out).join("; "))
}

fn response(contract: &contract::Contract, status: u16, body: &str) -> String {
    let mut fields = Fields::default();
    assert!(fields.push(b"Content-Type", b"application/json"));
    let mut out = Vec::new();
    let body = Body::Whole(body.as_bytes());
    operation(contract, Method::Post, "/x").check_response(status, &fields, body, &mut out);
    rendered(&out).join("; ")
}

/// Version, schema, body, violations of the request, violations of the response.
type Lowered = (&'static str, &'static str, &'static str, &'static str, &'static str);

const LOWERED: [Lowered; 35] = [
    ("3.0.3", r#"{"type":"string","nullable":true}"#, "null", "", ""),
    ("3.0.3", r#"{"type":"string"}"#, "null", "body  type", "body  type"),
    ("3.1.0", r#"{"type":"string","nullable":true}"#, "null", "body  type", "body  type"),
    ("3.1.0", r#"{"type":["string","null"]}"#, "null", "", ""),
    ("3.0.3", r#"{"type":"string","enum":["a"],"nullable":true}"#, "null", "", ""),
    ("3.0.3", r#"{"nullable":true,"allOf":[{"type":"object"}]}"#, "null", "", ""),
    ("3.0.3", r#"{"allOf":[{"type":"object"}]}"#, "null", "body  type", "body  type"),
    (
        "3.0.3",
        r#"{"minimum":5,"exclusiveMinimum":true}"#,
        "5",
        "body  exclusiveMinimum",
        "body  exclusiveMinimum",
    ),
    ("3.0.3", r#"{"minimum":5,"exclusiveMinimum":false}"#, "5", "", ""),
    ("3.1.0", r#"{"exclusiveMinimum":5}"#, "5", "body  exclusiveMinimum", "body  exclusiveMinimum"),
    ("3.0.3", r#"{"type":"integer","format":"int32"}"#, "2147483647", "", ""),
    (
        "3.0.3",
        r#"{"type":"integer","format":"int32"}"#,
        "2147483648",
        "body  maximum",
        "body  maximum",
    ),
    ("3.0.3", r#"{"type":"integer","format":"int64"}"#, "9223372036854775807", "", ""),
    (
        "3.0.3",
        r#"{"type":"integer","format":"int64"}"#,
        "9223372036854775808",
        "body  maximum",
        "body  maximum",
    ),
    (
        "3.0.3",
        r#"{"type":"integer","format":"int32","maximum":9}"#,
        "10",
        "body  maximum",
        "body  maximum",
    ),
    ("3.0.3", r#"{"type":"integer"}"#, "1.0", "", ""),
    ("3.0.3", r#"{"type":"string","format":"int32"}"#, r#""x""#, "", ""),
    ("3.0.3", r#"{"type":"string","format":"byte"}"#, r#""aGk=""#, "", ""),
    ("3.0.3", r#"{"type":"string","format":"byte"}"#, r#""hi!""#, "body  format", "body  format"),
    (
        "3.0.3",
        r#"{"type":"string","format":"date"}"#,
        r#""2026-02-30""#,
        "body  format",
        "body  format",
    ),
    (
        "3.0.3",
        r#"{"properties":{"id":{"type":"integer","readOnly":true}},"required":["id"]}"#,
        "{}",
        "",
        "body  required",
    ),
    (
        "3.0.3",
        r#"{"properties":{"id":{"type":"integer","readOnly":true}}}"#,
        r#"{"id":1}"#,
        "body /id readOnly",
        "",
    ),
    (
        "3.0.3",
        r#"{"properties":{"pw":{"writeOnly":true}},"required":["pw"]}"#,
        "{}",
        "body  required",
        "",
    ),
    (
        "3.0.3",
        r#"{"properties":{"pw":{"writeOnly":true}}}"#,
        r#"{"pw":1}"#,
        "",
        "body /pw writeOnly",
    ),
    (
        "3.0.3",
        r#"{"allOf":[{"properties":{"id":{"readOnly":true}}},{"required":["id"]}]}"#,
        "{}",
        "",
        "body  required",
    ),
    (
        "3.0.3",
        r#"{"additionalProperties":false,"properties":{"a":{}}}"#,
        r#"{"a":1,"b":2}"#,
        "body /b additionalProperties",
        "body /b additionalProperties",
    ),
    (
        "3.1.0",
        r#"{"properties":{"a":{"items":{"type":"string"}}}}"#,
        r#"{"a":["x",1]}"#,
        "body /a/* type",
        "body /a/* type",
    ),
    (
        "3.1.0",
        r#"{"type":"object","unevaluatedProperties":false,"allOf":[{"properties":{"a":{}}}]}"#,
        r#"{"a":1,"b":1}"#,
        "body /b unevaluatedProperties",
        "body /b unevaluatedProperties",
    ),
    (
        "3.0.3",
        r#"{"oneOf":[{"type":"integer"},{"type":"number"}],"discriminator":{"propertyName":"k"}}"#,
        "1",
        "body  oneOf",
        "body  oneOf",
    ),
    ("3.0.3", r#"{"pattern":"^(?!admin)"}"#, r#""admin""#, "body  pattern", "body  pattern"),
    ("3.0.3", r#"{"pattern":"^\\d+$"}"#, r#""12""#, "", ""),
    ("3.0.3", r#"{"pattern":"["}"#, r#""x""#, "", ""),
    ("3.0.3", r#"{"type":"any"}"#, "1", "", ""),
    ("3.1.0", "false", "1", "body  falseSchema", "body  falseSchema"),
    ("3.1.0", "true", "1", "", ""),
];

#[test]
fn lowering() {
    let mut ran = 0;
    for (version, schema, body, in_request, in_response) in LOWERED {
        let contract = with_schema(version, schema);
        assert_eq!(contract.verify(), [], "{schema}");
        let found = request(&contract, "application/json", body);
        assert_eq!(found, (BodyCheck::Checked, in_request.to_owned()), "{schema} with {body}");
        assert_eq!(response(&contract, 200, body), in_response, "{schema} with {body}");
        ran += 1;
    }
    assert_eq!(ran, 35);
}

#[test]
fn what_is_not_enforced_is_said() {
    let cases = [
        (r#"{"discriminator":{"propertyName":"k"}}"#, "`discriminator`, which is not enforced"),
        (r#"{"pattern":"["}"#, "the pattern `[`"),
        (r#"{"pattern":"a(?=b)"}"#, "the pattern `a(?=b)`, which looks around or back"),
        (r#"{"format":"metadata"}"#, "the format `metadata`, which is not enforced"),
        (r#"{"type":"any"}"#, "the type `any`"),
        (r#"{"maxLength":"10"}"#, "text as `maxLength`"),
        (r#"{"required":true}"#, "a boolean as `required`"),
        (r##"{"$ref":"#/nowhere"}"##, "a reference to `#/nowhere`, where nothing is"),
        (r#"{"strange":1}"#, "`strange`, which is not enforced"),
    ];
    for (schema, expected) in cases {
        let contract = with_schema("3.0.3", schema);
        let found: Vec<_> = contract.warnings().iter().map(|warning| &*warning.found).collect();
        assert!(found.contains(&expected), "{schema}: {found:?}");
    }
}

#[test]
fn schemas_that_only_refer_to_themselves() {
    let contract = contract(
        r##"{"openapi":"3.1.0","paths":{"/x":{"post":{"requestBody":{"content":{"application/json":
        {"schema":{"$ref":"#/components/schemas/A"}}}}}}},
        "components":{"schemas":{"A":{"allOf":[{"$ref":"#/components/schemas/B"}]},
        "B":{"$ref":"#/components/schemas/A"}}}}"##,
    );
    assert_eq!(contract.warnings().len(), 1);
    assert_eq!(contract.warnings()[0].found, "a schema that refers to itself without an end");
    assert_eq!(request(&contract, "application/json", "1"), (BodyCheck::Checked, String::new()));
}

#[test]
fn recursive_schemas() {
    let contract = contract(
        r##"{"openapi":"3.1.0","paths":{"/x":{"post":{"requestBody":{"content":{"application/json":
        {"schema":{"$ref":"#/components/schemas/Tree"}}}}}}},"components":{"schemas":{"Tree":
        {"type":"object","properties":{"left":{"$ref":"#/components/schemas/Tree"},
        "size":{"type":"integer"}},"required":["size"]}}}}"##,
    );
    assert_eq!(contract.warnings(), []);
    let deep = format!("{}{{}}{}", r#"{"size":1,"left":"#.repeat(30), "}".repeat(30));
    let found = request(&contract, "application/json", &deep).1;
    assert_eq!(found, format!("body {} required", "/left".repeat(30)));
}

const MEDIA: &str = r#"
openapi: 3.0.3
paths:
  /x:
    post:
      requestBody:
        required: true
        content:
          application/json: { schema: { type: object } }
          application/*: { schema: { type: array } }
          application/x-www-form-urlencoded:
            schema:
              type: object
              required: [age]
              properties:
                age: { type: integer }
                tag: { type: array, items: { type: string, maxLength: 2 } }
                extra: { type: object, properties: { a: { type: integer } } }
              additionalProperties: false
          text/csv: { schema: { type: string, maxLength: 3 } }
"#;

#[test]
fn media_types() {
    use BodyCheck::{Checked, Empty, Unchecked, Undeclared};
    let contract = contract(MEDIA);
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    let cases = [
        (json, "{}", Checked, ""),
        ("Application/JSON; charset=utf-8", "[]", Checked, "body  type"),
        ("application/problem+json", "[]", Checked, ""),
        ("application/problem+json", "{}", Checked, "body  type"),
        ("application/xml", "<a/>", Unchecked, ""),
        ("text/csv", "a,b,c,d", Unchecked, ""),
        ("text/plain", "a", Undeclared, "header content-type contentType"),
        ("", "{}", Undeclared, "header content-type contentType"),
        (json, "", Empty, "body  required"),
        (json, "{", Checked, "body  json"),
        (json, "{\"a\":1,}", Checked, "body  json"),
        (json, "{\"a\":1} x", Checked, "body  json"),
        (json, "{\"a\":1,\"a\":2}", Checked, "body  duplicate"),
        (json, "{\"a\":{\"b\":[{\"c\":1,\"\\u0063\":2}]}}", Checked, "body /a/b/* duplicate"),
        (json, "{\"a\":1e999}", Checked, "body /a json"),
        (form, "age=3", Checked, ""),
        (form, "age=three", Checked, "body /age type"),
        (form, "tag=a", Checked, "body  required"),
        (form, "age=3&tag=a&tag=bb", Checked, ""),
        (form, "age=3&tag=aaa", Checked, "body /tag/* maxLength"),
        (form, "age=3&age=4", Checked, "body /age repeated"),
        (form, "age=3&admin=1", Checked, "body /admin additionalProperties"),
        (form, "age=3&extra=%7B%22a%22%3A1%7D", Checked, ""),
        (form, "age=3&extra=%7B%22a%22%3A%22b%22%7D", Checked, "body /extra/a type"),
    ];
    let mut ran = 0;
    for (media, body, check, violations) in cases {
        let found = request(&contract, media, body);
        assert_eq!(found, (check, violations.to_owned()), "{media} {body}");
        ran += 1;
    }
    assert_eq!(ran, 24);
    let warnings: Vec<_> = contract.warnings().iter().map(|it| (it.line, &*it.found)).collect();
    let csv = "a schema for `text/csv`, whose content is not checked";
    assert_eq!(warnings, [(20, csv)]);
}

#[test]
fn plans_say_what_will_be_checked() {
    let contract = contract(MEDIA);
    let post = operation(&contract, Method::Post, "/x");
    let cases = [
        ("application/json", BodyPlan::Check),
        ("application/x-www-form-urlencoded", BodyPlan::Check),
        ("application/xml", BodyPlan::Unchecked),
        ("text/plain", BodyPlan::Unsupported),
        ("", BodyPlan::Unsupported),
    ];
    for (media, plan) in cases {
        assert_eq!(post.request_body_plan(media.as_bytes()), plan, "{media}");
    }
    let mut out = Vec::new();
    for body in [Body::Partial(b"{"), Body::Absent(Why::OverLimit), Body::Absent(Why::NotRecorded)]
    {
        let check = post.check_request_body(b"application/json", body, &mut out);
        assert_eq!(check, BodyCheck::NotSeen);
    }
    assert_eq!(out, []);
}

#[test]
fn bodies_where_none_is_declared() {
    let contract = contract("openapi: 3.1.0\npaths: { /x: { post: {} } }\n");
    let found = request(&contract, "application/json", "{}");
    assert_eq!(found, (BodyCheck::Undeclared, "body  undeclared".to_owned()));
    assert_eq!(request(&contract, "", ""), (BodyCheck::Empty, String::new()));
    let post = operation(&contract, Method::Post, "/x");
    assert_eq!(post.request_body_plan(b""), BodyPlan::NotDeclared);
}

#[test]
fn statuses() {
    let contract = contract(
        r#"
openapi: 3.1.0
paths:
  /x:
    post:
      responses:
        '200': { content: { application/json: { schema: { type: object } } } }
        4XX: { content: { application/json: { schema: { type: array } } } }
        '404': { headers: { X-Reason: { required: true, schema: { type: string } } } }
"#,
    );
    let cases = [
        (200, "{}", ""),
        (200, "[]", "body  type"),
        (422, "[]", ""),
        (422, "{}", "body  type"),
        (404, "{}", "header X-Reason required"),
        (500, "{}", "exchange  status"),
    ];
    for (status, body, violations) in cases {
        assert_eq!(response(&contract, status, body), violations, "{status} {body}");
    }
}

#[test]
fn hostile_bodies_are_bounded() {
    let contract = with_schema("3.1.0", r#"{"items":{"type":"string"}}"#);
    let flood = format!("[{}1]", "1,".repeat(200_000));
    let found = request(&contract, "application/json", &flood).1;
    assert_eq!(found, "body /* type");
    let objects = format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(100_000));
    let found = request(&contract, "application/json", &objects).1;
    assert_eq!(found, "body /* type");
    let deep = "[".repeat(100_000);
    assert_eq!(request(&contract, "application/json", &deep).1, "body  json");
}
