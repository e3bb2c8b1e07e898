//! Parameters in path, query, headers and cookies.

use exchange::endpoint::Method;

use crate::{contract, head};

/// A contract with one GET operation at `path` and one parameter.
fn declared(path: &str, parameter: &str) -> contract::Contract {
    contract(&format!(
        "openapi: 3.1.0\npaths:\n  {path}:\n    get:\n      parameters:\n        - {parameter}\n"
    ))
}

/// Path template, parameter, target, headers, violations.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
);

fn run(cases: &[Case]) {
    for (path, parameter, target, headers, expected) in cases {
        let contract = declared(path, parameter);
        let found = head(&contract, Method::Get, target, headers).join("; ");
        assert_eq!(found, *expected, "{parameter} with {target} {headers:?}");
    }
}

#[test]
fn path_styles() {
    const INT: &str = "{ name: id, in: path, schema: { type: integer, maximum: 99 } }";
    const INTS: &str = "{ name: id, in: path, schema: { type: array, items: { type: integer } } }";
    const OBJECT: &str = "{ name: id, in: path, explode: true, schema: { type: object, \
        properties: { a: { type: integer } }, additionalProperties: false } }";
    const LABEL: &str = "{ name: id, in: path, style: label, explode: true, schema: { type: \
        array, items: { type: integer } } }";
    const MATRIX: &str =
        "{ name: id, in: path, style: matrix, schema: { type: array, items: { type: integer } } }";
    const MATRIX_EXPLODED: &str = "{ name: id, in: path, style: matrix, explode: true, schema: { \
        type: array, items: { type: integer } } }";
    let cases: [Case; 19] = [
        ("/x/{id}", INT, "/x/17", &[], ""),
        ("/x/{id}", INT, "/x/100", &[], "path id maximum"),
        ("/x/{id}", INT, "/x/017", &[], "path id type"),
        ("/x/{id}", INT, "/x/1.5", &[], "path id type"),
        ("/x/{id}", INT, "/x/1%20or%201", &[], "path id type"),
        ("/x/{id}:y", INT, "/x/17:y", &[], ""),
        ("/x/{id}:y", INT, "/x/z:y", &[], "path id type"),
        ("/x/{id}", INTS, "/x/1,2,3", &[], ""),
        ("/x/{id}", INTS, "/x/1,b,3", &[], "path id type"),
        ("/x/{id}", OBJECT, "/x/a=1", &[], ""),
        ("/x/{id}", OBJECT, "/x/a=b", &[], "path id type"),
        ("/x/{id}", OBJECT, "/x/b=1", &[], "path id additionalProperties"),
        ("/x/{id}", LABEL, "/x/.1.2", &[], ""),
        ("/x/{id}", LABEL, "/x/1", &[], "path id style"),
        ("/x/{id}", MATRIX, "/x/;id=1,2", &[], ""),
        ("/x/{id}", MATRIX, "/x/;no=1,2", &[], "path id style"),
        ("/x/{id}", MATRIX_EXPLODED, "/x/;id=1;id=2", &[], ""),
        ("/x/{id}", MATRIX_EXPLODED, "/x/;id=1;id=b", &[], "path id type"),
        (
            "/x/{id}",
            "{ name: id, in: path, schema: { type: string, format: uuid } }",
            "/x/no",
            &[],
            "path id format",
        ),
    ];
    run(&cases);
}

const DEEP: &str = "{ name: n, in: query, style: deepObject, explode: true, schema: { \
    type: object, additionalProperties: false, properties: { a: { type: integer }, \
    b: { type: array, items: { type: integer } }, \
    c: { type: object, properties: { d: { type: boolean } } } } } }";
const EXPLODED: &str = "{ name: n, in: query, schema: { type: object, properties: { a: { \
    type: integer }, b: { type: string } }, additionalProperties: false } }";

#[test]
fn query_styles() {
    const INT: &str =
        "{ name: n, in: query, required: true, schema: { type: integer, format: int32 } }";
    const LIST: &str =
        "{ name: n, in: query, schema: { type: array, maxItems: 3, items: { type: integer } } }";
    const COMMA: &str = "{ name: n, in: query, explode: false, schema: { type: array, items: { \
        type: string, maxLength: 3 } } }";
    const PIPE: &str = "{ name: n, in: query, style: pipeDelimited, explode: false, schema: { \
        type: array, items: { type: integer } } }";
    const SPACE: &str = "{ name: n, in: query, style: spaceDelimited, explode: false, schema: { \
        type: array, items: { type: integer } } }";
    const JSON: &str = "{ name: n, in: query, content: { application/json: { schema: { type: \
        object, required: [a] } } } }";
    const EITHER: &str = "{ name: n, in: query, schema: { oneOf: [{ type: integer }, { type: \
        string, enum: [all] }] } }";
    const TEXT: &str = "{ name: n, in: query, schema: { type: string } }";
    const FLAG: &str = "{ name: n, in: query, schema: { type: boolean } }";
    const EMPTY: &str = "{ name: n, in: query, allowEmptyValue: true, schema: { type: integer } }";
    let cases: [Case; 46] = [
        ("/x", INT, "/x?n=5", &[], ""),
        ("/x", INT, "/x", &[], "query n required"),
        ("/x", INT, "/x?n=", &[], "query n type"),
        ("/x", INT, "/x?n=a", &[], "query n type"),
        ("/x", INT, "/x?n=2147483648", &[], "query n maximum"),
        ("/x", INT, "/x?n=1&n=2", &[], "query n repeated"),
        ("/x", INT, "/x?n=1&m=2", &[], "query m undeclared"),
        ("/x", INT, "/x?n=1&m=2&m=3", &[], "query m undeclared"),
        ("/x", INT, "/x?%6e=1", &[], ""),
        ("/x", INT, "/x?n=%31", &[], ""),
        ("/x", LIST, "/x", &[], ""),
        ("/x", LIST, "/x?n=1", &[], ""),
        ("/x", LIST, "/x?n=1&n=2&n=3", &[], ""),
        ("/x", LIST, "/x?n=1&n=2&n=3&n=4", &[], "query n maxItems"),
        ("/x", LIST, "/x?n=1,2", &[], "query n type"),
        ("/x", COMMA, "/x?n=a,b,c", &[], ""),
        ("/x", COMMA, "/x?n=a%2Cb,c", &[], ""),
        ("/x", COMMA, "/x?n=abcd", &[], "query n maxLength"),
        ("/x", COMMA, "/x?n=a&n=b", &[], "query n repeated"),
        ("/x", PIPE, "/x?n=1|2", &[], ""),
        ("/x", PIPE, "/x?n=1%7C2", &[], ""),
        ("/x", PIPE, "/x?n=1|b", &[], "query n type"),
        ("/x", SPACE, "/x?n=1%202", &[], ""),
        ("/x", SPACE, "/x?n=1+2", &[], ""),
        ("/x", DEEP, "/x?n[a]=1", &[], ""),
        ("/x", DEEP, "/x?n%5Ba%5D=1", &[], ""),
        ("/x", DEEP, "/x?n[a]=x", &[], "query n type"),
        ("/x", DEEP, "/x?n[z]=1", &[], "query n additionalProperties"),
        ("/x", DEEP, "/x?n[b]=1&n[b]=2", &[], ""),
        ("/x", DEEP, "/x?n[b][]=1&n[b][]=2", &[], ""),
        ("/x", DEEP, "/x?n[c][d]=true", &[], ""),
        ("/x", DEEP, "/x?n[a]=1&n[a]=2", &[], "query n repeated"),
        ("/x", DEEP, "/x?n[a", &[], "query n style"),
        ("/x", DEEP, "/x?n=1", &[], "query n undeclared"),
        ("/x", EXPLODED, "/x?a=1&b=2", &[], ""),
        ("/x", EXPLODED, "/x?a=x", &[], "query n type"),
        ("/x", EXPLODED, "/x?c=1", &[], "query c undeclared"),
        ("/x", JSON, "/x?n=%7B%22a%22:1%7D", &[], ""),
        ("/x", JSON, "/x?n=%7B%7D", &[], "query n required"),
        ("/x", JSON, "/x?n=%7B", &[], "query n json"),
        ("/x", EITHER, "/x?n=5", &[], ""),
        ("/x", EITHER, "/x?n=all", &[], ""),
        ("/x", EITHER, "/x?n=some", &[], "query n oneOf"),
        ("/x", TEXT, "/x?n=5", &[], ""),
        ("/x", FLAG, "/x?n=TRUE", &[], "query n type"),
        ("/x", EMPTY, "/x?n", &[], ""),
    ];
    run(&cases);
}

#[test]
fn headers_and_cookies() {
    const INT: &str = "{ name: X-Limit, in: header, required: true, schema: { type: integer } }";
    const LIST: &str =
        "{ name: X-Ids, in: header, schema: { type: array, items: { type: integer } } }";
    const COOKIE: &str = "{ name: sid, in: cookie, schema: { type: string, minLength: 3 } }";
    let cases: [Case; 12] = [
        ("/x", INT, "/x", &[("x-limit", "5")], ""),
        ("/x", INT, "/x", &[], "header X-Limit required"),
        ("/x", INT, "/x", &[("X-LIMIT", "five")], "header X-Limit type"),
        ("/x", LIST, "/x", &[("X-Ids", "1,2")], ""),
        ("/x", LIST, "/x", &[("X-Ids", "1"), ("x-ids", "2")], ""),
        ("/x", LIST, "/x", &[("X-Ids", "1"), ("x-ids", "b")], "header X-Ids type"),
        ("/x", COOKIE, "/x", &[("Cookie", "a=b; sid=abc")], ""),
        ("/x", COOKIE, "/x", &[("Cookie", "sid=ab")], "cookie sid minLength"),
        ("/x", COOKIE, "/x", &[("Cookie", "sid=abc; sid=a")], "cookie sid minLength"),
        ("/x", COOKIE, "/x", &[("Cookie", "xsid=ab")], ""),
        (
            "/x",
            "{ name: sid, in: cookie, required: true, schema: {} }",
            "/x",
            &[],
            "cookie sid required",
        ),
        ("/x", "{ name: Accept, in: header, required: true, schema: {} }", "/x", &[], ""),
    ];
    run(&cases);
}

#[test]
fn operations_replace_parameters_of_their_path() {
    let contract = contract(
        "
openapi: 3.1.0
paths:
  /x:
    parameters:
      - { name: a, in: query, required: true, schema: {} }
      - { name: b, in: query, required: true, schema: {} }
    get:
      parameters: [{ name: a, in: query, schema: {} }]
",
    );
    assert_eq!(head(&contract, Method::Get, "/x", &[]), ["query b required"]);
}

#[test]
fn violations_are_bounded() {
    let contract = declared("/x", "{ name: n, in: query, schema: {} }");
    let many: Vec<_> = (0..100).map(|index| format!("p{index}=1")).collect();
    let found = head(&contract, Method::Get, &format!("/x?{}", many.join("&")), &[]);
    assert_eq!(found.len(), exchange::limits::VIOLATIONS_MAX);
}
