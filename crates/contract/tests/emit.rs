//! What is written loads again and means the same.

use std::collections::BTreeMap;

use contract::emit::{
    LearnedBody, LearnedContract, LearnedOperation, LearnedParameter, LearnedResponse, to_yaml,
};
use contract::{ParameterPlace, Security};
use exchange::body::Body;
use exchange::endpoint::Method;
use serde_json::{Value, json};

use crate::{contract, head, operation, rendered};

fn order() -> Value {
    json!({
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id"],
        "x-palisade-seen": [[1, 2], [], {"a": {}}],
    })
}

fn bearer() -> Value {
    json!({"type": "http", "scheme": "bearer"})
}

fn learned() -> LearnedContract {
    let get = LearnedOperation {
        operation_id: "getOrder".to_owned(),
        tags: vec!["orders".to_owned()],
        deprecated: true,
        parameters: vec![
            LearnedParameter {
                place: ParameterPlace::Path,
                name: "orderId".to_owned(),
                required: true,
                schema: json!({"type": "integer"}),
                extensions: BTreeMap::new(),
            },
            LearnedParameter {
                place: ParameterPlace::Query,
                name: "no".to_owned(),
                required: false,
                schema: json!({"type": "string", "enum": ["yes", "no", "1", "~", ""]}),
                extensions: [("x-palisade-kind".to_owned(), json!("word"))].into(),
            },
        ],
        responses: [(
            "200".to_owned(),
            LearnedResponse {
                description: "seen: 12 times # not a comment".to_owned(),
                content: [(
                    "application/json".to_owned(),
                    json!({"$ref": "#/components/schemas/Order"}),
                )]
                .into(),
            },
        )]
        .into(),
        security: Some(vec![[("bearer".to_owned(), Vec::new())].into()]),
        extensions: [("x-palisade-calls".to_owned(), json!(12))].into(),
        ..LearnedOperation::default()
    };
    let post = LearnedOperation {
        request_body: Some(LearnedBody {
            required: true,
            content: [
                ("application/json".to_owned(), json!({"type": "object", "required": ["a"]})),
                ("text/csv".to_owned(), json!(null)),
            ]
            .into(),
        }),
        security: Some(Vec::new()),
        ..LearnedOperation::default()
    };
    LearnedContract {
        title: "Shop: \"north\"\n\u{85}\u{feff}".to_owned(),
        version: "1.0".to_owned(),
        servers: vec!["https://shop.example/v1".to_owned()],
        paths: [
            ("/orders/{orderId}".to_owned(), [(Method::Get, get)].into()),
            ("/orders".to_owned(), [(Method::Post, post)].into()),
        ]
        .into(),
        security_schemes: [("bearer".to_owned(), bearer())].into(),
        schemas: [("Order".to_owned(), order())].into(),
        extensions: [
            ("x-palisade-learned".to_owned(), json!(true)),
            ("other".to_owned(), json!(1)),
        ]
        .into(),
        ..LearnedContract::default()
    }
}

/// The contract of [`learned`], in full.
const WRITTEN: &str = r##"openapi: "3.1.0"
info:
  title: "Shop: \"north\"\n\u0085\ufeff"
  version: "1.0"
servers:
  - url: "https://shop.example/v1"
paths:
  /orders:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required:
                - a
          text/csv: {}
      responses: {}
      security: []
  /orders/{orderId}:
    get:
      operationId: getOrder
      tags:
        - orders
      deprecated: true
      parameters:
        - name: orderId
          in: path
          required: true
          schema:
            type: integer
        - name: "no"
          in: query
          schema:
            type: string
            enum:
              - "yes"
              - "no"
              - "1"
              - "~"
              - ""
          x-palisade-kind: word
      responses:
        "200":
          description: "seen: 12 times # not a comment"
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/Order"
      security:
        - bearer: []
      x-palisade-calls: 12
components:
  schemas:
    Order:
      type: object
      required:
        - id
      properties:
        id:
          type: integer
        tags:
          type: array
          items:
            type: string
      x-palisade-seen:
        -
          - 1
          - 2
        - []
        - a: {}
  securitySchemes:
    bearer:
      type: http
      scheme: bearer
x-palisade-learned: true
"##;

#[test]
fn text() {
    assert_eq!(to_yaml(&learned()), WRITTEN);
}

#[test]
fn what_is_written_loads_and_holds() {
    let contract = contract(&to_yaml(&learned()));
    assert_eq!(contract.warnings(), []);
    assert_eq!(contract.verify(), []);
    let get = operation(&contract, Method::Get, "/v1/orders/17");
    assert_eq!(get.template.to_string(), "/v1/orders/{orderId}");
    assert!(get.deprecated);
    assert!(matches!(get.security, Security::Required(_)));
    assert_eq!(operation(&contract, Method::Post, "/v1/orders").security, Security::Public);
    let found = head(&contract, Method::Get, "/v1/orders/a?no=maybe", &[]);
    assert_eq!(found, ["path orderId type", "query no enum"]);
    assert_eq!(head(&contract, Method::Get, "/v1/orders/1?no=no", &[]), Vec::<String>::new());
    let mut out = Vec::new();
    let post = operation(&contract, Method::Post, "/v1/orders");
    post.check_request_body(b"application/json", Body::Whole(b"{}"), &mut out);
    assert_eq!(rendered(&out), ["body  required"]);
}
