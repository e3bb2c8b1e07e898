//! What is wrong with documents, to the line and column.

use contract::{Contract, DocumentError, referenced_files};

use crate::{document, load};

/// `line:column found`, for each.
fn lines(errors: &[DocumentError]) -> Vec<String> {
    let line = |it: &DocumentError| format!("{}:{} {}", it.line, it.column, it.found);
    errors.iter().map(line).collect()
}

#[test]
fn errors_have_a_place() {
    let cases: [(&str, &str); 22] = [
        ("", "1:1 an empty file"),
        ("a: b\n", "1:1 a document without `openapi`"),
        ("openapi: 2.9.0\npaths: {}\n", "1:10 the version `2.9.0`"),
        ("swagger: '2.0'\npaths: {}\n", "1:10 a Swagger 2.0 document"),
        ("openapi: 3.0.0\n", "1:1 a contract without `paths`"),
        ("openapi: 3.0.0\npaths: [a]\n", "2:8 a list as `paths`"),
        ("openapi: 3.0.0\npaths:\n  /a: {}\n  /a: {}\n", "4:3 the name `/a` a second time"),
        (
            "openapi: 3.0.0\npaths:\n  /a: &x {}\n  ? [b]\n  : 1\n",
            "4:5 a list or mapping as the name of a member",
        ),
        ("openapi: 3.0.0\n---\nopenapi: 3.0.0\n", "2:1 a second YAML document"),
        ("openapi: 3.0.0\nservers: x\npaths: {}\n", "2:10 text as `servers`"),
        ("openapi: 3.0.0\nsecurity: x\npaths: {}\n", "2:11 text as `security`"),
        (
            "openapi: 3.0.0\npaths: { /a: { $ref: 'other.yaml#/x' } }\n",
            "2:22 a reference to the file `other.yaml`, which is not there",
        ),
        ("openapi: 3.1.0\ninfo: {}\n", "1:1 a contract without `paths`"),
        ("{\"openapi\":\"3.0.0\",\n \"paths\":{},\n}", "3:1 `}`"),
        ("{\"openapi\":\"3.0.0\" \"paths\":{}}", "1:20 `\"`"),
        ("{\"openapi\":\"3.0.0\",\"ä\":{\"a\":1,\"a\":2}}", "1:31 the name `a` a second time"),
        ("{\"openapi\":tru}", "1:12 `t`"),
        ("{\"openapi\":\"3.0.0", "1:12 a string that does not end"),
        ("{\"openapi\":01}", "1:12 `01`"),
        ("{\"openapi\":\"3.0.0\"} x", "1:21 more text behind the document"),
        ("{\"openapi\":", "1:12 the end of the file"),
        ("{\"openapi\":\"\\q\"}", "1:12 a string with an invalid escape"),
    ];
    for (text, expected) in cases {
        let errors = load(text).err().unwrap_or_default();
        assert_eq!(lines(&errors), [expected], "{text}");
        assert!(!errors[0].remedy.is_empty() && !errors[0].expected.is_empty(), "{text}");
    }
}

#[test]
fn errors_read_as_one_sentence() {
    let errors = load("openapi: 3.0.0\npaths:\n  /a: {}\n  /a: {}\n").unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "api.yaml:4:3: found the name `/a` a second time; expected it only once, as in line 3; \
         remove or rename one of the two"
    );
}

#[test]
fn yaml_errors_have_a_place() {
    let errors = load("openapi: 3.0.0\npaths:\n  /a: [\n").unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, 3), "{errors:?}");
    let errors = load("openapi: 3.0.0\npaths:\n\t/a: {}\n").unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, 3), "{errors:?}");
}

#[test]
fn warnings_have_a_place() {
    let text = "openapi: 3.0.0
paths:
  users: { get: {} }
  /a/{id}:
    get:
      parameters:
        - { name: x, in: body }
        - { name: gone, in: path, required: true, schema: {} }
      responses:
        ok: {}
  /a/{other}:
    get: {}
  /a?b=c:
    get: text
";
    let found = lines(load(text).unwrap().warnings());
    let expected = [
        "3:10 the path `users`",
        "7:11 a parameter without a name, or in no known place",
        "6:7 the path parameter `gone`, which the path does not have",
        "6:7 `{id}` in the path, which no parameter declares",
        "10:13 a response for `ok`",
        "12:10 `{other}` in the path, which no parameter declares",
        "12:10 GET /a/{other}, which is also declared in api.yaml:6 as /a/{id}",
        "14:5 `?b=c` in the path `/a?b=c`",
        "14:10 text as an operation",
    ];
    assert_eq!(found, expected);
}

#[test]
fn yaml_is_read_as_version_1_2() {
    let text = "openapi: 3.0.0
paths:
  /a:
    get:
      operationId: no
      summary: 012
      deprecated: True
      responses:
        200: { description: &d on }
        default: { <<: { description: *d }, content: {} }
";
    let contract = load(text).unwrap();
    let operation = &contract.operations()[0];
    assert_eq!(operation.operation_id.as_deref(), Some("no"));
    assert_eq!(operation.summary, None, "12 is a number");
    assert!(operation.deprecated);
    let statuses: Vec<_> = operation.statuses().collect();
    assert_eq!(statuses, [contract::Status::Exact(200), contract::Status::Default]);
}

#[test]
fn aliases_are_expanded_within_a_budget() {
    let mut bomb = "openapi: 3.0.0\na0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
    }
    let errors = load(&bomb).unwrap_err();
    assert_eq!(errors[0].found, "more values than a contract can have");
    let deep = format!("openapi: {}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(load(&deep).unwrap_err()[0].found, "values nested more than 128 deep");
    let deep = format!("{{\"openapi\": {}", "[".repeat(100_000));
    assert_eq!(load(&deep).unwrap_err()[0].found, "values nested more than 128 deep");
}

#[test]
fn several_files() {
    let root = document(
        "api/root.yaml",
        "openapi: 3.1.0\npaths:\n  /pets: { $ref: 'paths/pets.yaml' }\n  /vets: { $ref: \
            './paths/all.json#/vets' }\n",
    );
    let pets = document(
        "api/paths/pets.yaml",
        "post:\n  requestBody:\n    content:\n      application/json: { schema: { $ref: \
            '../schemas.yaml#/Pet' } }\n",
    );
    let all = document("api/paths/all.json", r#"{"vets":{"get":{"operationId":"vets"}}}"#);
    let schemas = document("api/schemas.yaml", "Pet: { type: object, required: [name] }\n");
    assert_eq!(referenced_files(&root).unwrap(), ["api/paths/all.json", "api/paths/pets.yaml"]);
    assert_eq!(referenced_files(&pets).unwrap(), ["api/schemas.yaml"]);
    assert_eq!(referenced_files(&all).unwrap(), Vec::<String>::new());
    let contract = Contract::from_documents(&[root, pets, all, schemas]).unwrap();
    assert_eq!(contract.operations().len(), 2);
    let body = exchange::body::Body::Whole(b"{}");
    let mut out = Vec::new();
    contract.operations()[0].check_request_body(b"application/json", body, &mut out);
    assert_eq!(crate::rendered(&out), ["body  required"]);
}

#[test]
fn references_that_lead_nowhere_hold_up_nothing_else() {
    let text = "openapi: 3.1.0
paths:
  /a:
    get:
      parameters: [{ $ref: '#/components/parameters/none' }]
  /b: { get: { parameters: [{ $ref: '#/x' }] } }
  /c: { $ref: 'https://example.com/api.yaml#/c' }
x: { $ref: '#/y' }
y: { $ref: '#/x' }
";
    let contract = load(text).unwrap();
    assert_eq!(contract.operations().len(), 2);
    let found = lines(contract.warnings());
    let expected = [
        "5:28 a reference to `#/components/parameters/none`, where nothing is",
        "6:29 references that lead to one another without an end",
        "7:15 a reference to `https://example.com/api.yaml` on the network",
    ];
    assert_eq!(found, expected);
}

#[test]
fn documents_cut_anywhere_are_refused_or_read() {
    let json = r##"{"openapi":"3.1.0","paths":{"/ä/{id}":{"get":{"parameters":[{"name":"\u00e4",
        "in":"query","schema":{"type":["string","null"],"pattern":"^a+$"}}],"deprecated":true,
        "responses":{"200":{"$ref":"#/x/y~1z/0"}}}}},"x":{"y/z":[-1.5e3]}}"##;
    let yaml = "openapi: 3.0.0\nservers: [{ url: /v1 }]\npaths:\n  /a: &a\n    get:\n      \
                summary: |\n        ä\n      x: {<<: *a, b: ''}\n  /b: *a\n";
    let mut ran = 0;
    for text in [json, yaml] {
        for (end, _) in text.char_indices() {
            let text = text.get(..end).unwrap();
            let names = load(text).map(|contract| contract.operations().len());
            let errors = names.err().unwrap_or_default();
            assert!(errors.iter().all(|error| error.line >= 1 && error.column >= 1), "{text}");
            ran += 1;
        }
    }
    assert_eq!(ran, 372);
}

#[test]
fn schemas_as_deep_as_documents_may_be() {
    let levels = 55;
    let schema =
        format!("{}{{\"type\":\"object\"}}{}", "{\"allOf\":[".repeat(levels), "]}".repeat(levels));
    let text = format!(
        "{{\"openapi\":\"3.1.0\",\"paths\":{{\"/x\":{{\"post\":{{\"requestBody\":{{\"content\":{{\
         \"application/json\":{{\"schema\":{schema}}}}}}}}}}}}}}}"
    );
    let contract = load(&text).unwrap();
    assert_eq!((contract.warnings(), contract.verify()), (&[][..], Vec::new()));
    let mut out = Vec::new();
    let body = exchange::body::Body::Whole(b"1");
    contract.operations()[0].check_request_body(b"application/json", body, &mut out);
    assert_eq!(crate::rendered(&out), ["body  type"]);
}
