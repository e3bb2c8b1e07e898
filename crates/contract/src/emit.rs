//! What was learned, as an OpenAPI 3.1 document in YAML. The same input gives the same text, byte
//! for byte, so that two versions can be compared; and what is written here loads again.

use std::collections::BTreeMap;
use std::fmt::Write;

use exchange::endpoint::Method;
use serde_json::Value;

use crate::parameter::ParameterPlace;

/// A contract to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnedContract {
    /// What the API is called.
    pub title: String,
    /// The version of the API, not of OpenAPI.
    pub version: String,
    /// What it is, in a paragraph; may be empty.
    pub description: String,
    /// URLs of servers.
    pub servers: Vec<String>,
    /// Operations by path and method.
    pub paths: BTreeMap<String, BTreeMap<Method, LearnedOperation>>,
    /// Security schemes by name, as OpenAPI writes them.
    pub security_schemes: BTreeMap<String, Value>,
    /// Schemas by name, as OpenAPI writes them.
    pub schemas: BTreeMap<String, Value>,
    /// Vendor extensions, whose names begin with `x-`.
    pub extensions: BTreeMap<String, Value>,
}

/// An operation to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnedOperation {
    /// A name that no other operation has; may be empty.
    pub operation_id: String,
    /// What it does, in a line; may be empty.
    pub summary: String,
    /// The groups that it is in.
    pub tags: Vec<String>,
    /// True when callers should not use it any more.
    pub deprecated: bool,
    /// Parameters in the order in which they are written.
    pub parameters: Vec<LearnedParameter>,
    /// The request's body.
    pub request_body: Option<LearnedBody>,
    /// Responses by status, as in `200`, `4XX` and `default`.
    pub responses: BTreeMap<String, LearnedResponse>,
    /// Sets of schemes of which one must be proven. `None` says nothing about security; an empty
    /// list says that the operation is public.
    pub security: Option<Vec<BTreeMap<String, Vec<String>>>>,
    /// Vendor extensions, whose names begin with `x-`.
    pub extensions: BTreeMap<String, Value>,
}

/// A parameter to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct LearnedParameter {
    /// Where it is.
    pub place: ParameterPlace,
    /// Its name.
    pub name: String,
    /// True when it was always there.
    pub required: bool,
    /// Its schema.
    pub schema: Value,
    /// Vendor extensions, whose names begin with `x-`.
    pub extensions: BTreeMap<String, Value>,
}

/// A request body to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnedBody {
    /// True when it was always there.
    pub required: bool,
    /// Schemas by media type; `null` for what is only known by its media type.
    pub content: BTreeMap<String, Value>,
}

/// A response to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnedResponse {
    /// What it means, in a line.
    pub description: String,
    /// Schemas by media type; `null` for what is only known by its media type.
    pub content: BTreeMap<String, Value>,
}

/// The contract as YAML. Names of extensions that do not begin with `x-` are left out.
#[must_use]
pub fn to_yaml(contract: &LearnedContract) -> String {
    let mut info = vec![text("title", &contract.title), text("version", &contract.version)];
    if !contract.description.is_empty() {
        info.push(text("description", &contract.description));
    }
    let mut root = vec![text("openapi", "3.1.0"), ("info".to_owned(), Tree::Map(info))];
    if !contract.servers.is_empty() {
        let servers = contract.servers.iter().map(|url| Tree::Map(vec![text("url", url)]));
        root.push(("servers".to_owned(), Tree::List(servers.collect())));
    }
    let paths = contract.paths.iter().map(|(path, operations)| {
        let operations = operations.iter().map(|(method, operation)| {
            (method.as_str().to_ascii_lowercase(), operation_tree(operation))
        });
        (path.clone(), Tree::Map(operations.collect()))
    });
    root.push(("paths".to_owned(), Tree::Map(paths.collect())));
    let mut components = Vec::new();
    for (name, values) in
        [("schemas", &contract.schemas), ("securitySchemes", &contract.security_schemes)]
    {
        if !values.is_empty() {
            let members = values.iter().map(|(name, value)| (name.clone(), tree(value)));
            components.push((name.to_owned(), Tree::Map(members.collect())));
        }
    }
    if !components.is_empty() {
        root.push(("components".to_owned(), Tree::Map(components)));
    }
    extend(&mut root, &contract.extensions);
    let mut out = String::new();
    write_map(&root, 0, &mut out);
    out
}

/// What YAML can say, in the order in which it is to be said.
enum Tree {
    Scalar(Value),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

fn text(name: &str, text: &str) -> (String, Tree) {
    (name.to_owned(), Tree::Scalar(Value::String(text.to_owned())))
}

fn flag(name: &str) -> (String, Tree) {
    (name.to_owned(), Tree::Scalar(Value::Bool(true)))
}

fn extend(members: &mut Vec<(String, Tree)>, extensions: &BTreeMap<String, Value>) {
    let extensions = extensions.iter().filter(|(name, _)| name.starts_with("x-"));
    members.extend(extensions.map(|(name, value)| (name.clone(), tree(value))));
}

/// Members of schemas that readers look for first, in this order; the others follow by name.
const FIRST: [&str; 8] =
    ["$ref", "type", "format", "description", "required", "properties", "items", "enum"];

fn tree(value: &Value) -> Tree {
    match value {
        Value::Array(list) => Tree::List(list.iter().map(tree).collect()),
        Value::Object(map) => {
            let rank = |name: &str| FIRST.iter().position(|it| *it == name).unwrap_or(FIRST.len());
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by(|left, right| (rank(left.0), left.0).cmp(&(rank(right.0), right.0)));
            let members = members.into_iter().map(|(name, value)| (name.clone(), tree(value)));
            Tree::Map(members.collect())
        }
        scalar => Tree::Scalar(scalar.clone()),
    }
}

fn operation_tree(operation: &LearnedOperation) -> Tree {
    let mut out = Vec::new();
    if !operation.operation_id.is_empty() {
        out.push(text("operationId", &operation.operation_id));
    }
    if !operation.summary.is_empty() {
        out.push(text("summary", &operation.summary));
    }
    if !operation.tags.is_empty() {
        out.push(("tags".to_owned(), tree(&operation.tags.clone().into())));
    }
    if operation.deprecated {
        out.push(flag("deprecated"));
    }
    if !operation.parameters.is_empty() {
        let parameters = operation.parameters.iter().map(parameter_tree);
        out.push(("parameters".to_owned(), Tree::List(parameters.collect())));
    }
    if let Some(body) = &operation.request_body {
        let mut members = Vec::new();
        if body.required {
            members.push(flag("required"));
        }
        members.push(("content".to_owned(), content_tree(&body.content)));
        out.push(("requestBody".to_owned(), Tree::Map(members)));
    }
    let responses = operation.responses.iter().map(|(status, response)| {
        let mut members = vec![text("description", &response.description)];
        if !response.content.is_empty() {
            members.push(("content".to_owned(), content_tree(&response.content)));
        }
        (status.clone(), Tree::Map(members))
    });
    out.push(("responses".to_owned(), Tree::Map(responses.collect())));
    if let Some(security) = &operation.security {
        let alternatives = security.iter().map(|schemes| {
            let members =
                schemes.iter().map(|(name, scopes)| (name.clone(), tree(&scopes.clone().into())));
            Tree::Map(members.collect())
        });
        out.push(("security".to_owned(), Tree::List(alternatives.collect())));
    }
    extend(&mut out, &operation.extensions);
    Tree::Map(out)
}

fn parameter_tree(parameter: &LearnedParameter) -> Tree {
    let place = match parameter.place {
        ParameterPlace::Cookie => "cookie",
        ParameterPlace::Header => "header",
        ParameterPlace::Path => "path",
        ParameterPlace::Query => "query",
    };
    let mut out = vec![text("name", &parameter.name), text("in", place)];
    if parameter.required || parameter.place == ParameterPlace::Path {
        out.push(flag("required"));
    }
    out.push(("schema".to_owned(), tree(&parameter.schema)));
    extend(&mut out, &parameter.extensions);
    Tree::Map(out)
}

fn content_tree(content: &BTreeMap<String, Value>) -> Tree {
    let entries = content.iter().map(|(media_type, schema)| {
        let schema = (!schema.is_null()).then(|| ("schema".to_owned(), tree(schema)));
        (media_type.clone(), Tree::Map(schema.into_iter().collect()))
    });
    Tree::Map(entries.collect())
}

fn write_map(members: &[(String, Tree)], depth: usize, out: &mut String) {
    for (index, (name, value)) in members.iter().enumerate() {
        // the first member of a mapping in a list stands behind the dash
        if index > 0 || !out.ends_with("- ") {
            indent(depth, out);
        }
        write_text(name, out);
        out.push(':');
        write_value(value, depth + 1, out);
    }
}

/// Writes what stands behind a colon or a dash, to the end of the line.
fn write_value(value: &Tree, depth: usize, out: &mut String) {
    match value {
        Tree::Map(members) if !members.is_empty() => {
            out.push('\n');
            write_map(members, depth, out);
        }
        Tree::List(list) if !list.is_empty() => {
            out.push('\n');
            for element in list {
                indent(depth, out);
                match element {
                    Tree::Map(members) if !members.is_empty() => {
                        out.push_str("- ");
                        write_map(members, depth + 1, out);
                    }
                    _ => {
                        out.push('-');
                        write_value(element, depth + 1, out);
                    }
                }
            }
        }
        Tree::Map(_) => out.push_str(" {}\n"),
        Tree::List(_) => out.push_str(" []\n"),
        Tree::Scalar(Value::String(text)) => {
            out.push(' ');
            write_text(text, out);
            out.push('\n');
        }
        Tree::Scalar(scalar) => {
            out.push(' ');
            out.push_str(&scalar.to_string());
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Plain where no reader of YAML, 1.1 or 1.2, can take it for anything but this text; in double
/// quotes otherwise.
fn write_text(text: &str, out: &mut String) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{2030}'..='\u{d7ff}' => out.push(character),
            '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' => out.push(character),
            other if u32::from(other) > 0xffff => out.push(other),
            other => {
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
        }
    }
    out.push('"');
}

fn is_plain(text: &str) -> bool {
    let begins =
        text.starts_with(|first: char| first.is_ascii_alphabetic() || "/$_".contains(first));
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"/$_-.{}+ ".contains(&byte);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan"];
    begins
        && text.len() <= 120
        && text.bytes().all(letters)
        && !text.ends_with(' ')
        && !text.contains("  ")
        && !words.contains(&&*text.to_ascii_lowercase())
}
