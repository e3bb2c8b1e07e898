//! What operations demand.

use contract::{SchemeKind, Security};
use exchange::endpoint::Method;

use crate::{contract, head, operation};

const SCHEMES: &str = "
components:
  securitySchemes:
    token: { type: http, scheme: Bearer }
    key: { type: apiKey, in: query, name: api_key }
    oauth: { type: oauth2, flows: {} }
";

#[test]
fn requirements_are_resolved() {
    let text = format!(
        "openapi: 3.0.3
security: [{{ token: [] }}]
paths:
  /global: {{ get: {{}} }}
  /public: {{ get: {{ security: [] }} }}
  /empty: {{ get: {{ security: [{{}}] }} }}
  /optional: {{ get: {{ security: [{{}}, {{ token: [] }}] }} }}
  /both: {{ get: {{ security: [{{ token: [], key: [] }}, {{ oauth: [read] }}] }} }}
  /unknown: {{ get: {{ security: [{{ nobody: [] }}] }} }}
{SCHEMES}"
    );
    let contract = contract(&text);
    let security = |path| &operation(&contract, Method::Get, path).security;
    let kinds = |path| security(path).schemes().map(|it| it.kind.clone()).collect::<Vec<_>>();
    assert!(matches!(security("/global"), Security::Required(_)));
    assert_eq!(kinds("/global"), [SchemeKind::Bearer]);
    assert_eq!(*security("/public"), Security::Public);
    assert_eq!(*security("/empty"), Security::Public);
    assert!(matches!(security("/optional"), Security::Optional(_)));
    let Security::Required(alternatives) = security("/both") else { panic!("not required") };
    assert_eq!(alternatives.iter().map(|it| it.len()).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(&*alternatives[1][0].scopes, ["read".into()]);
    assert_eq!(kinds("/unknown"), [SchemeKind::Undefined]);
    assert_eq!(contract.warnings().len(), 1);
    assert_eq!(contract.warnings()[0].line, 9);
    // a key in the query is declared by being demanded
    assert_eq!(head(&contract, Method::Get, "/both?api_key=1", &[]), Vec::<String>::new());
    assert_eq!(
        head(&contract, Method::Get, "/global?api_key=1", &[]),
        ["query api_key undeclared"]
    );
}

#[test]
fn silence_is_not_public() {
    let silent = contract(&format!("openapi: 3.0.3\npaths: {{ /a: {{ get: {{}} }} }}\n{SCHEMES}"));
    assert_eq!(operation(&silent, Method::Get, "/a").security, Security::Undeclared);
    let elsewhere =
        contract("openapi: 3.0.3\npaths:\n  /a: { get: {} }\n  /b: { get: { security: [] } }\n");
    assert_eq!(operation(&elsewhere, Method::Get, "/a").security, Security::Public);
}
