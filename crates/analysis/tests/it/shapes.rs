//! Learned schemas, and the contract that comes of them.

use analysis::Analyst;
use analysis::snapshot::Direction;
use contract::{Contract, SourceDocument, emit};
use exchange::data_class::DataClasses;
use exchange::endpoint::Method;
use exchange::observation::BodySeen;

use super::observe::{START, line, plain, shape};

fn body(names: &[&str]) -> BodySeen {
    BodySeen {
        shape: Some(shape(names, DataClasses::NONE, false)),
        missing: None,
        media: "application/json".into(),
        ..BodySeen::default()
    }
}

#[test]
fn what_is_always_there_is_required() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..40 {
        let mut one = plain(Method::Get, &format!("/v1/orders/{n}"), n);
        one.response = body(if n % 4 == 0 { &["id", "total", "note"] } else { &["total", "id"] });
        analyst.absorb(&one);
    }
    let row = analyst.snapshot(START).endpoints.remove(0);
    let found: Vec<(&str, bool, u64)> =
        row.fields.iter().map(|f| (&*f.pointer, f.required, f.occurrences)).collect();
    assert_eq!(found, [("/id", true, 40), ("/note", false, 10), ("/total", true, 40)]);
    assert!(row.fields.iter().all(|field| field.direction == Direction::Response));
}

#[test]
fn keys_that_are_values_are_never_shown() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..400_u64 {
        let mut one = plain(Method::Get, "/v1/balances", n);
        let name = super::merge::word(n as u32);
        let uuid = format!("3f1c0a7b-e2d9-4411-8b0a-{:012}", n);
        one.response = body(&[&name, &uuid]);
        analyst.absorb(&one);
    }
    let snapshot = analyst.snapshot(START);
    let found: Vec<&str> = snapshot.endpoints[0].fields.iter().map(|f| &*f.pointer).collect();
    assert_eq!(found, ["/*"]);
    let yaml = emit::to_yaml(&analyst.learned_contract("shop", START));
    assert!(yaml.contains("additionalProperties"), "{yaml}");
    assert!(!yaml.contains("3f1c0a7b"), "{yaml}");
}

#[test]
fn floods_of_names_stay_within_bounds() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..30_u64 {
        let names: Vec<String> = (0..200)
            .map(|at| format!("field{}", super::merge::word((n * 200 + at) as u32)))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut one = plain(Method::Get, "/v1/odd", n);
        one.response = body(&names);
        analyst.absorb(&one);
    }
    let fields = analyst.snapshot(START).endpoints.remove(0).fields;
    assert!(fields.len() <= exchange::limits::INVENTORY_FIELDS_MAX, "{}", fields.len());
}

#[test]
fn the_learned_contract_loads_and_describes_the_traffic() {
    let mut analyst = Analyst::new(Vec::new());
    let lines = [
        "GET /v1/orders jwt 200 x40 fields=items,next list",
        "GET /v1/orders/{#} jwt 200 x40 fields=id,total data=iban",
        "GET /v1/orders/{#} none 401 x4 fields=title",
        "POST /v1/login none 200 x9 fields=token",
        "GET /index.html none 200 x9 media=text/html",
    ];
    for text in lines {
        line(text, &[], 0).iter().for_each(|one| analyst.absorb(one));
    }
    let yaml = emit::to_yaml(&analyst.learned_contract("shop", START));
    let source = SourceDocument { name: "learned.yaml".to_owned(), text: yaml.clone() };
    let contract = Contract::from_documents(&[source]).unwrap_or_else(|e| panic!("{e:?}\n{yaml}"));
    let mut found: Vec<String> =
        contract.operations().iter().map(|o| format!("{} {}", o.method, o.template)).collect();
    found.sort();
    assert_eq!(found, ["GET /v1/orders", "GET /v1/orders/{orderId}", "POST /v1/login"]);
    assert!(yaml.contains("x-palisade-data"));
    assert_eq!(yaml, emit::to_yaml(&analyst.learned_contract("shop", START)));
}
