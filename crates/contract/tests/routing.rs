//! Method and path to operation.

use contract::{Contract, Routed};
use exchange::endpoint::Method;
use wire::CanonicalPath;

use crate::{contract, document};

const PATHS: &str = r#"
openapi: 3.1.0
info: { title: t, version: "1" }
servers:
  - url: https://{region}.example.com/{stage}/
    variables:
      region: { default: eu, enum: [eu, us] }
      stage: { default: v1, enum: [v1, v2] }
paths:
  /: { get: { operationId: root } }
  /users: { get: { operationId: users }, post: { operationId: create } }
  /users/me: { get: { operationId: me } }
  /users/{id}: { get: { operationId: user }, delete: { operationId: remove } }
  /users/{id}/: { get: { operationId: slash } }
  /users/{id}:cancel: { post: { operationId: cancel } }
  /files/{name}.{ext}: { get: { operationId: file } }
  /files/{name}: { get: { operationId: bare }, head: { operationId: bare_head } }
  /files/{name}.json: { get: { operationId: json } }
  /{kind}/{id}/parts/{part}: { get: { operationId: part } }
  /users/{id}/parts/all: { get: { operationId: all_parts } }
  /a%20b/ä: { get: { operationId: encoded } }
  /other:
    servers: [{ url: /elsewhere }]
    get: { operationId: other }
"#;

fn name(contract: &Contract, method: Method, path: &str) -> String {
    match contract.route(method, &CanonicalPath::read(path.as_bytes()).0) {
        Routed::Operation(index) => {
            contract.operation(index).unwrap().operation_id.clone().unwrap().into()
        }
        Routed::MethodNotDeclared { allow } => {
            allow.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(",")
        }
        Routed::NotDeclared => "-".to_owned(),
    }
}

#[test]
fn table() {
    let contract = contract(PATHS);
    let cases = [
        (Method::Get, "/v1/", "root"),
        (Method::Get, "/v1", "root"),
        (Method::Get, "/", "-"),
        (Method::Get, "/v1/users", "users"),
        (Method::Get, "/v2/users", "users"),
        (Method::Get, "/v3/users", "-"),
        (Method::Get, "/v1/users/", "-"),
        (Method::Post, "/v1/users", "create"),
        (Method::Head, "/v1/users", "users"),
        (Method::Options, "/v1/users", "GET,HEAD,POST"),
        (Method::Delete, "/v1/users", "GET,HEAD,POST"),
        (Method::Other, "/v1/users", "GET,HEAD,POST"),
        (Method::Get, "/v1/users/me", "me"),
        (Method::Delete, "/v1/users/me", "remove"),
        (Method::Get, "/v1/users/17", "user"),
        (Method::Get, "/v1/users/17/", "slash"),
        (Method::Post, "/v1/users/17:cancel", "cancel"),
        (Method::Get, "/v1/users/17:cancel", "user"),
        (Method::Post, "/v1/users/:cancel", "DELETE,GET,HEAD"),
        (Method::Get, "/v1/files/a.txt", "file"),
        (Method::Get, "/v1/files/a.b.txt", "file"),
        (Method::Get, "/v1/files/a.json", "json"),
        (Method::Get, "/v1/files/a", "bare"),
        (Method::Head, "/v1/files/a", "bare_head"),
        (Method::Get, "/v1/files/.txt", "bare"),
        (Method::Get, "/v1/things/1/parts/2", "part"),
        (Method::Get, "/v1/users/1/parts/2", "part"),
        (Method::Get, "/v1/users/1/parts/all", "all_parts"),
        (Method::Get, "/v1/users/1/parts", "-"),
        (Method::Get, "/v1/a%20b/%C3%A4", "encoded"),
        (Method::Get, "/v1/a%20b/%c3%a4", "encoded"),
        (Method::Get, "/v1/%75sers", "users"),
        (Method::Get, "/v1/users/../users", "users"),
        (Method::Get, "/elsewhere/other", "other"),
        (Method::Get, "/v1/other", "-"),
    ];
    let mut ran = 0;
    for (method, path, expected) in cases {
        assert_eq!(name(&contract, method, path), expected, "{method} {path}");
        ran += 1;
    }
    assert_eq!(ran, 35);
}

#[test]
fn templates_carry_the_base_path() {
    let contract = contract(PATHS);
    let templates: Vec<_> =
        contract.operations().iter().map(|operation| operation.template.to_string()).collect();
    assert_eq!(templates.first().unwrap(), "/v1");
    assert!(templates.contains(&"/v1/users/{id}:cancel".to_owned()), "{templates:?}");
    assert!(templates.contains(&"/elsewhere/other".to_owned()));
}

#[test]
fn roots_are_put_together() {
    let one = "openapi: 3.0.3\npaths: { /a: { get: {} } }\n";
    let two = "openapi: 3.1.0\nservers: [{ url: /v2 }]\npaths: { /b: { get: {} } }\n";
    let documents = [document("one.yaml", one), document("two.yaml", two)];
    let contract = Contract::from_documents(&documents).unwrap();
    assert_eq!(contract.operations().len(), 2);
    for (path, index) in [("/a", 0), ("/v2/b", 1)] {
        let routed = contract.route(Method::Get, &CanonicalPath::read(path.as_bytes()).0);
        let expected = Routed::Operation(exchange::observation::OperationIndex(index));
        assert_eq!(routed, expected, "{path}");
    }
}
