//! Observations from a line of text, for tables and pages.
//!
//! `GET /v1/orders/{#} jwt 200 x12 principals=3 data=email,iban list` is twelve exchanges of
//! three callers with a JWT, each with another number in place of `{#}`, whose answers list
//! several e-mail addresses and bank accounts. Further words: `sent=` data classes of the request,
//! `fields=` names of the response's JSON members, `media=`, `host=`, `days=` after the start,
//! `signal=RULE,place,name,word`, `blocked`, `detected`.

use std::sync::Arc;

use analysis::DeclaredService;
use contract::{Contract, SourceDocument};
use exchange::data_class::{DataClass, DataClasses};
use exchange::decision::Disposition;
use exchange::endpoint::{Method, PathTemplate, SeenPath, SeenSegment, TemplateSegment};
use exchange::kind::ValueKind;
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation};
use exchange::phase::Phase;
use exchange::principal::{Principal, Proof};
use exchange::redact::Pseudonymizer;
use exchange::rule::Severity;
use exchange::shape::{Shape, ShapeNode, Types};
use exchange::signal::{Detail, Location, Signal};
use serde_json::{Value, json};

/// 2026-01-15T09:00:00Z.
pub(super) const START: Moment = Moment::from_micros(1_768_467_600_000_000);

const DAY: i64 = 86_400_000_000;

/// One observation of a plain successful GET, to be changed as needed.
pub(super) fn plain(method: Method, path: &str, number: u64) -> Observation {
    let names = Pseudonymizer::new(&[7; 16]);
    let id = names.of("principal", &number.to_le_bytes());
    Observation {
        at: START.plus_micros(number as i64 * 1_000_000),
        duration_us: 900,
        service: Arc::from("shop"),
        host: Arc::from("api.example.com"),
        method,
        path: seen(path),
        operation: None,
        principal: Principal { id: Some(id), proof: Proof::Jwt },
        client: None,
        parameters: Vec::new(),
        status: Some(200),
        request: BodySeen::default(),
        response: BodySeen::default(),
        signals: Vec::new(),
        disposition: Disposition::Allowed,
    }
}

/// A path as it may be remembered.
pub(super) fn seen(path: &str) -> SeenPath {
    let names = Pseudonymizer::new(&[7; 16]);
    let segments = path.split('/').skip(1).filter(|part| !part.is_empty());
    SeenPath(
        segments
            .map(|part| match ValueKind::of(part.as_bytes()) {
                kind if kind.is_value() => {
                    SeenSegment::Value(kind, names.of("segment", part.as_bytes()))
                }
                _ => SeenSegment::Word(part.into()),
            })
            .collect(),
    )
}

/// A JSON object, or a list of two of them, with these members, each of which holds a string
/// with this data.
pub(super) fn shape(names: &[&str], data: DataClasses, list: bool) -> Shape {
    let node = |parent: u16, name: (u32, u16), types: Types, count: u32| ShapeNode {
        parent,
        name,
        types,
        kind: None,
        data: DataClasses::NONE,
        count,
    };
    let mut shape = Shape::default();
    let count = if list { 2 } else { 1 };
    shape.nodes.push(node(0, (0, 0), if list { Types::ARRAY } else { Types::OBJECT }, 1));
    if list {
        shape.nodes.push(node(0, (0, 0), Types::OBJECT, 2));
    }
    let parent = u16::from(list);
    for (at, name) in names.iter().enumerate() {
        let start = shape.names.len() as u32;
        shape.names.push_str(name);
        let mut member = node(parent, (start, name.len() as u16), Types::STRING, count);
        member.kind = Some(ValueKind::Word);
        // all data lies in the first member
        member.data = if at == 0 { data } else { DataClasses::NONE };
        shape.nodes.push(member);
    }
    shape
}

/// What a line says, with the contract's operations to be found in it.
pub(super) fn line(text: &str, declared: &[PathTemplate], from: u64) -> Vec<Observation> {
    let mut words = text.split_whitespace();
    let mut next = || words.next().unwrap_or_else(|| panic!("too few words: {text}"));
    let (method, path, proof, status) = (next(), next(), next(), next());
    let rest: Vec<&str> = words.collect();
    let value = |name: &str| rest.iter().find_map(|word| word.strip_prefix(name));
    let times: u64 = value("x").filter(|digits| digits.parse::<u64>().is_ok()).map_or(1, number);
    let principals = value("principals=").map_or(1, number);
    let fields: Vec<&str> = value("fields=").unwrap_or("value").split(',').collect();
    let data = classes(value("data=").unwrap_or_default());
    let days = value("days=").map_or(0, number) as i64;
    let proof = *Proof::ALL.iter().find(|one| one.as_str() == proof).expect("a proof");
    (0..times)
        .map(|at| {
            let method = Method::parse(method.as_bytes());
            let full = path.replace("{#}", &(1_000 + at).to_string());
            let mut one = plain(method, &full, at % principals);
            one.at = START.plus_micros((from + at) as i64 * 1_000_000 + days * DAY);
            one.principal.proof = proof;
            one.status = status.parse().ok();
            one.request.data = classes(value("sent=").unwrap_or_default());
            one.response.media = Arc::from(value("media=").unwrap_or("application/json"));
            one.response.missing = None;
            one.response.data = data;
            one.response.shape = Some(shape(&fields, data, rest.contains(&"list")));
            one.host = Arc::from(value("host=").unwrap_or("api.example.com"));
            one.signals = value("signal=").map(signal).into_iter().collect();
            if rest.contains(&"blocked") {
                one.disposition = Disposition::Blocked;
            } else if rest.contains(&"detected") {
                one.disposition = Disposition::Detected;
            }
            one.operation = operation(declared, &full);
            one
        })
        .collect()
}

fn operation(
    declared: &[PathTemplate],
    path: &str,
) -> Option<exchange::observation::OperationIndex> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let fits = |template: &PathTemplate| {
        template.0.len() == parts.len()
            && template.0.iter().zip(&parts).all(|(segment, part)| match segment {
                TemplateSegment::Literal(word) => **word == **part,
                TemplateSegment::Parameter(_) => true,
            })
    };
    let at = declared.iter().position(fits)?;
    Some(exchange::observation::OperationIndex(at as u32))
}

fn number(digits: &str) -> u64 {
    digits.parse().unwrap_or_else(|_| panic!("not a number: {digits}"))
}

fn classes(names: &str) -> DataClasses {
    let find = |name: &str| {
        let found = DataClass::ALL.iter().find(|class| class.as_str() == name);
        *found.unwrap_or_else(|| panic!("not a data class: {name}"))
    };
    names.split(',').filter(|name| !name.is_empty()).map(find).collect()
}

fn signal(text: &str) -> Signal {
    let parts: Vec<&str> = text.split(',').collect();
    let [rule, place, name, word] = parts[..] else { panic!("four parts: {text}") };
    let location = match place {
        "body" => Location::body(name),
        "query" => Location::Query(name.into()),
        "header" => Location::Header(name.into()),
        _ => Location::Exchange,
    };
    Signal {
        rule: rule.parse().expect("a rule"),
        phase: Phase::ResponseBody,
        location,
        detail: Detail::Word(word.into()),
        severity: Severity::Medium,
        confidence: 0.9,
    }
}

/// A service `shop` whose contract has these operations: `METHOD TEMPLATE required|public|silent`.
pub(super) fn declare(lines: &[&str]) -> DeclaredService {
    let mut paths = serde_json::Map::new();
    for text in lines {
        let mut words = text.split_whitespace();
        let (Some(method), Some(template)) = (words.next(), words.next()) else {
            panic!("too few words: {text}")
        };
        let names = template.split('{').skip(1).filter_map(|part| part.split('}').next());
        let parameters: Vec<Value> = names
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {}}))
            .collect();
        let mut operation =
            json!({"parameters": parameters, "responses": {"default": {"description": "Any."}}});
        for word in words {
            match word {
                "required" => operation["security"] = json!([{"token": []}]),
                "public" => operation["security"] = json!([]),
                "deprecated" => operation["deprecated"] = json!(true),
                "silent" => {}
                other => panic!("not known: {other}"),
            }
        }
        let path = paths.entry(template).or_insert_with(|| json!({}));
        path[method.to_ascii_lowercase()] = operation;
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    });
    let source = SourceDocument { name: "shop.json".to_owned(), text: document.to_string() };
    let contract = Contract::from_documents(&[source]).expect("a sound contract");
    DeclaredService { name: Arc::from("shop"), contract: Arc::new(contract) }
}
