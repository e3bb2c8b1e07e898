//! What each mode does with what does not conform: every cell of the table.

use exchange::decision::{Action, Disposition, Problem};
use policy::Mode;

use crate::case::{Case, inspector};

const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: shop, version: "1"}
paths:
  /v1/tickets:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, required: [subject], properties: {subject: {type: string}}}
      responses: {"201": {description: made}}
  /v1/orders/{id}:
    get:
      parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
      responses: {"200": {description: one}}
"#;

const JSON: &str = "Host: a.example\nContent-Type: application/json\n\n";

/// (request, what `block` answers, whether the undocumented mode decides)
fn requests() -> Vec<(String, Option<Problem>, bool)> {
    let post = |body: &str| format!("POST /v1/tickets HTTP/1.1\n{JSON}{body}");
    let get = |path: &str| format!("GET {path} HTTP/1.1\nHost: a.example\n\n");
    vec![
        (post(r#"{"subject":"a"}"#), None, false),
        (post(r#"{"subject":1}"#), Some(Problem::ContractViolation), false),
        (post(r#"{"subject":"a""#), Some(Problem::ContractViolation), false),
        (post(""), Some(Problem::ContractViolation), false),
        (
            "POST /v1/tickets HTTP/1.1\nHost: a.example\nContent-Type: text/csv\n\na,b".to_owned(),
            Some(Problem::BodyMediaType),
            false,
        ),
        (
            post(&format!(r#"{{"subject":"{}"}}"#, "x".repeat(5_000))),
            Some(Problem::BodyTooLarge),
            false,
        ),
        (get("/v1/orders/17"), None, false),
        (get("/v1/orders/abc"), Some(Problem::ContractViolation), false),
        (get("/v1/orders/17/../18"), Some(Problem::PathAmbiguous), false),
        (get("/v1/unknown"), Some(Problem::UndocumentedOperation), true),
        (
            "DELETE /v1/orders/17 HTTP/1.1\nHost: a.example\n\n".to_owned(),
            Some(Problem::UndocumentedMethod),
            true,
        ),
    ]
}

#[test]
fn every_cell_of_the_mode_table() {
    let mut cells = 0;
    for mode in Mode::ALL {
        for undocumented in Mode::ALL {
            let inspector = inspector(Some(CONTRACT), mode, undocumented);
            for (request, problem, by_undocumented) in requests() {
                let decides = if by_undocumented { undocumented } else { mode };
                // a service that is not looked at is not looked at for this either
                let decides = if mode == Mode::Disabled { mode } else { decides };
                let expected = problem.filter(|_| decides == Mode::Block);
                let case = Case::parse(&request);
                for cut in [usize::MAX, 1, 1_000] {
                    let outcome = case.run(&inspector, cut);
                    let got = outcome.stopped.as_ref().map(|decision| {
                        assert_eq!(decision.action, Action::Deny);
                        decision.denial.as_ref().unwrap().problem
                    });
                    assert_eq!(got, expected, "{mode} {undocumented}: {request}");
                    let disposition = match (problem, decides) {
                        (Some(_), Mode::Block) => Disposition::Blocked,
                        (Some(_), Mode::Observe) => Disposition::Detected,
                        _ => Disposition::Allowed,
                    };
                    assert_eq!(outcome.observation.disposition, disposition, "{request}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 3 * 3 * 11 * 3);
}

#[test]
fn a_refusal_never_quotes_the_value() {
    let inspector = inspector(Some(CONTRACT), Mode::Block, Mode::Block);
    let case = Case::parse(&format!(
        "POST /v1/tickets HTTP/1.1\n{JSON}{}",
        r#"{"subject":["canary-7391"]}"#
    ));
    let stopped = case.run(&inspector, usize::MAX).stopped.unwrap();
    let shown = format!("{stopped:?}");
    assert!(shown.contains("/subject") && !shown.contains("canary-7391"), "{shown}");
}
