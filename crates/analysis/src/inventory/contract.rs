//! The discovered contract: what the traffic shows to be there, as OpenAPI writes it.

use std::collections::BTreeMap;

use contract::ParameterPlace;
use contract::emit::{
    LearnedBody, LearnedContract, LearnedOperation, LearnedParameter, LearnedResponse,
};
use exchange::endpoint::{Method, PathTemplate, TemplateSegment};
use exchange::moment::Moment;
use exchange::principal::Proof;
use exchange::shape::Types;
use serde_json::{Map, Value, json};

use super::Tally;
use super::assemble::Known;
use super::media::Media;
use super::rows::type_names;
use super::shape::{Seen, ShapeTally};
use crate::sketch::Counts;
use crate::snapshot::{Parameter, ParameterIn};

/// Depth to which schemas are written; what lies deeper may be anything.
const SCHEMA_DEPTH: usize = 16;

/// Accepted exchanges from which what was always there is called required: by the rule of three,
/// it is then absent from fewer than one in ten.
const REQUIRED_LEAST: u64 = 30;

/// Writes down what is known of these endpoints, all of one service. Operations that nobody used,
/// and what is made for people to look at, are left out.
pub(crate) fn learn<'k>(
    service: &str,
    now: Moment,
    endpoints: impl Iterator<Item = &'k Known<'k>>,
) -> LearnedContract {
    let mut contract = LearnedContract {
        title: service.to_owned(),
        version: "learned".to_owned(),
        description: "Learned from traffic. What was not seen is not here.".to_owned(),
        extensions: BTreeMap::from([(
            "x-palisade-learned-until".to_owned(),
            json!(now.to_string()),
        )]),
        ..LearnedContract::default()
    };
    // names of parameters do not tell paths apart: the first way to write a path is kept
    let mut merged: BTreeMap<(String, Method), (&Known<'_>, Tally)> = BTreeMap::new();
    for known in endpoints {
        let writable = !matches!(known.method, Method::Connect | Method::Other);
        if !known.used || !writable || known.is_for_people() || known.tally.exchanges == 0 {
            continue;
        }
        let key = (anonymous(&known.template), known.method);
        let (_, tally) = merged.entry(key).or_insert_with(|| (known, Tally::default()));
        tally.merge(&known.tally);
    }
    let mut spelling: BTreeMap<String, PathTemplate> = BTreeMap::new();
    for ((path, method), (known, tally)) in merged {
        let template = spelling.entry(path).or_insert_with(|| known.template.clone());
        let operation = operation(known, template, &tally);
        for proof in proofs(&tally) {
            contract.security_schemes.insert(proof.as_str().to_owned(), scheme(proof));
        }
        let methods = contract.paths.entry(template.to_string()).or_default();
        methods.insert(method, operation);
    }
    contract
}

fn anonymous(template: &PathTemplate) -> String {
    let nameless = template.0.iter().map(|segment| match segment {
        TemplateSegment::Literal(word) => word.as_ref(),
        TemplateSegment::Parameter(_) => "{}",
    });
    nameless.fold(String::new(), |path, segment| path + "/" + segment)
}

fn operation(known: &Known<'_>, template: &PathTemplate, tally: &Tally) -> LearnedOperation {
    let accepted = tally.of_class(2);
    let (path, rest): (Vec<_>, Vec<_>) =
        known.row_parameters().partition(|one| one.place == ParameterIn::Path);
    let names = template.0.iter().filter_map(|segment| match segment {
        TemplateSegment::Parameter(name) => Some(name),
        TemplateSegment::Literal(_) => None,
    });
    let mut parameters: Vec<LearnedParameter> = names
        .zip(path)
        .map(|(name, one)| parameter(ParameterPlace::Path, name, true, &one))
        .collect();
    for one in rest.iter().filter(|one| one.place == ParameterIn::Query) {
        let required = always(one.exchanges, accepted);
        parameters.push(parameter(ParameterPlace::Query, &one.name, required, one));
    }
    let form: Vec<&Parameter> = rest.iter().filter(|one| one.place == ParameterIn::Form).collect();
    let mut extensions = BTreeMap::new();
    extensions.insert("x-palisade-exchanges".to_owned(), json!(tally.exchanges));
    LearnedOperation {
        operation_id: known
            .declared
            .and_then(|operation| operation.operation_id.as_deref())
            .map_or_else(|| operation_id(known.method, template), ToOwned::to_owned),
        deprecated: known.declared.is_some_and(|operation| operation.deprecated),
        parameters,
        request_body: request_body(tally, &form),
        responses: responses(tally),
        security: security(tally),
        extensions,
        ..LearnedOperation::default()
    }
}

fn always(times: u64, of: u64) -> bool {
    of >= REQUIRED_LEAST && times >= of
}

fn parameter(
    place: ParameterPlace,
    name: &str,
    required: bool,
    one: &Parameter,
) -> LearnedParameter {
    LearnedParameter {
        place,
        name: name.to_owned(),
        required,
        schema: kind_schema(one),
        extensions: BTreeMap::new(),
    }
}

fn kind_schema(one: &Parameter) -> Value {
    let (name, format) = one.schema();
    match format {
        Some(format) => json!({"type": name, "format": format}),
        None => json!({"type": name}),
    }
}

/// `getOrdersByOrderId`: method and path, which no other operation has.
fn operation_id(method: Method, template: &PathTemplate) -> String {
    let mut id = method.as_str().to_ascii_lowercase();
    for segment in &template.0 {
        let word = match segment {
            TemplateSegment::Literal(word) => word,
            TemplateSegment::Parameter(name) => {
                id.push_str("By");
                name
            }
        };
        for part in word.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            let mut letters = part.chars();
            id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            id.push_str(letters.as_str());
        }
    }
    id
}

fn request_body(tally: &Tally, form: &[&Parameter]) -> Option<LearnedBody> {
    let mut content = media_types(&tally.request_media);
    if let Some(shape) = &tally.request {
        content.insert("application/json".to_owned(), body_schema(shape));
    }
    if !form.is_empty() {
        let members = form.iter().map(|one| (one.name.to_string(), kind_schema(one)));
        let members: Map<String, Value> = members.collect();
        content.insert(
            "application/x-www-form-urlencoded".to_owned(),
            json!({"type": "object", "properties": members}),
        );
    }
    let required = always(tally.request_media.sum(), tally.of_class(2));
    (!content.is_empty()).then_some(LearnedBody { required, content })
}

/// Responses by status for what was answered, with the schema of their class.
fn responses(tally: &Tally) -> BTreeMap<String, LearnedResponse> {
    let mut responses = BTreeMap::new();
    for (status, _) in tally.statuses.as_slice() {
        let mut content = BTreeMap::new();
        if status / 100 == 2 && *status != 204 {
            content = media_types(&tally.media);
        }
        if let Some(shape) = tally.response((status / 100) as u8).filter(|_| *status != 204) {
            content.insert("application/json".to_owned(), body_schema(shape));
        }
        let response = LearnedResponse { description: "Seen in traffic.".to_owned(), content };
        responses.insert(status.to_string(), response);
    }
    if responses.is_empty() {
        let description = "No response was seen.".to_owned();
        let response = LearnedResponse { description, ..LearnedResponse::default() };
        responses.insert("default".to_owned(), response);
    }
    responses
}

fn media_types(media: &Counts<Media>) -> BTreeMap<String, Value> {
    let named = media.as_slice().iter().filter_map(|(media, _)| media.declared());
    named.map(|name| (name.to_owned(), Value::Null)).collect()
}

fn proofs(tally: &Tally) -> impl Iterator<Item = Proof> {
    let accepted = tally.authentication.accepted().into_iter();
    accepted.filter(|(proof, count)| *count > 0 && *proof != Proof::None).map(|(proof, _)| proof)
}

/// What callers showed who were served; nothing is said where nobody was.
fn security(tally: &Tally) -> Option<Vec<BTreeMap<String, Vec<String>>>> {
    let seen = &tally.authentication;
    if seen.anonymous.exchanges + seen.identified.exchanges == 0 {
        return None;
    }
    let one = |proof: Proof| BTreeMap::from([(proof.as_str().to_owned(), Vec::new())]);
    let mut alternatives: Vec<_> = proofs(tally).map(one).collect();
    if seen.anonymous.exchanges > 0 && !alternatives.is_empty() {
        alternatives.push(BTreeMap::new());
    }
    Some(alternatives)
}

fn scheme(proof: Proof) -> Value {
    match proof {
        Proof::Jwt => json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        Proof::Basic => json!({"type": "http", "scheme": "basic"}),
        Proof::ApiKey => json!({"type": "apiKey", "in": "header", "name": "X-API-Key"}),
        Proof::Certificate => json!({"type": "mutualTLS"}),
        Proof::Session => json!({"type": "apiKey", "in": "cookie", "name": "session"}),
        Proof::Bearer | Proof::None | Proof::Other => json!({"type": "http", "scheme": "bearer"}),
    }
}

fn body_schema(shape: &ShapeTally) -> Value {
    shape.root().map_or(Value::Bool(true), |root| schema(&root, shape.bodies, 0))
}

fn schema(seen: &Seen<'_>, bodies: u64, depth: usize) -> Value {
    let mut out = Map::new();
    let types: Vec<&str> = type_names(seen.types()).collect();
    match types.as_slice() {
        [] => {}
        [only] => {
            out.insert("type".to_owned(), json!(only));
        }
        several => {
            out.insert("type".to_owned(), json!(several));
        }
    }
    if let Some(format) = seen.kind().and_then(|kind| match kind.schema() {
        ("string", format) => format,
        _ => None,
    }) {
        out.insert("format".to_owned(), json!(format));
    }
    let data: Vec<&str> = seen.data().iter().map(|class| class.as_str()).collect();
    if !data.is_empty() {
        out.insert("x-palisade-data".to_owned(), json!(data));
    }
    if depth < SCHEMA_DEPTH {
        if seen.types().has(Types::OBJECT) {
            members(seen, bodies, depth, &mut out);
        }
        if let Some(elements) = seen.elements() {
            out.insert("items".to_owned(), schema(&elements, bodies, depth + 1));
        }
    }
    Value::Object(out)
}

fn members(seen: &Seen<'_>, bodies: u64, depth: usize, out: &mut Map<String, Value>) {
    let members = seen.members();
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in &members.named {
        properties.insert(member.name.to_owned(), schema(&member.seen, bodies, depth + 1));
        if member.required && bodies >= REQUIRED_LEAST {
            required.push(json!(member.name));
        }
    }
    if !properties.is_empty() {
        out.insert("properties".to_owned(), Value::Object(properties));
    }
    if !required.is_empty() {
        out.insert("required".to_owned(), Value::Array(required));
    }
    if let Some(rest) = &members.rest {
        out.insert("additionalProperties".to_owned(), schema(rest, bodies, depth + 1));
    }
}
