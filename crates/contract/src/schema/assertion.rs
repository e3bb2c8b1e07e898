//! The keywords that say something about an instance itself, and about its members and elements.

use std::cmp::Ordering;

use serde_json::Value;

use super::compile::{Compiler, Source};
use super::format::Format;
use super::node::{
    ANY, ARRAY, ArrayChecks, BOOLEAN, Bound, Combination, Contains, INTEGER, Kind, NULL, NUMBER,
    Node, NodeId, NumberChecks, OBJECT, ObjectChecks, STRING, TextChecks, Types, Values,
};
use super::number::{Divisor, Number};
use super::pattern::Pattern;
use super::registry::Draft;
use super::{canonical, clipped};

impl<'a> Compiler<'_, 'a> {
    pub(super) fn assertions(&mut self, source: Source<'a>, node: &mut Node) -> Result<(), String> {
        let map = source.map;
        for keyword in ["readOnly", "writeOnly"] {
            if map.get(keyword) == Some(&Value::String("forbidden".to_owned())) {
                node.nothing = Some(keyword);
            }
        }
        let mut text = TextChecks::default();
        if self.formats
            && let Some(name) = map.get("format").and_then(Value::as_str)
        {
            text.format = Format::new(name);
        }
        if source.validates {
            node.types = map.get("type").map_or(ANY, types);
            if let Some(list) = map.get("enum").and_then(Value::as_array) {
                node.values.push(values("enum", list));
            }
            if let Some(value) = map.get("const").filter(|_| source.draft != Draft::Draft4) {
                node.values.push(values("const", std::slice::from_ref(value)));
            }
            text.min = count(source, "minLength");
            text.max = count(source, "maxLength");
            if let Some(pattern) = map.get("pattern").and_then(Value::as_str) {
                text.pattern = Some((compiled(pattern)?, pattern.into()));
            }
            let number = numbers(source)?;
            if !number.bounds.is_empty() || number.multiple_of.is_some() {
                node.number = Some(Box::new(number));
            }
        }
        let any = text.min.or(text.max).is_some() || text.pattern.is_some();
        if any || text.format.is_some() {
            node.text = Some(Box::new(text));
        }
        Ok(())
    }

    pub(super) fn object(&mut self, source: Source<'a>, node: &mut Node) -> Result<(), String> {
        let map = source.map;
        let modern = source.draft != Draft::Draft4;
        let mut object = ObjectChecks::default();
        if source.validates {
            for name in names(map.get("required")) {
                object.table.add(name);
            }
            object.required = object.table.entries.len();
            object.min = count(source, "minProperties");
            object.max = count(source, "maxProperties");
            for (name, list) in members(map.get("dependentRequired")) {
                require(&mut object, name, list);
            }
        }
        for (name, schema) in members(map.get("properties")) {
            let child = self.inner(source, schema)?;
            let position = object.table.add(name);
            object.table.entries[position].child = Some(child);
        }
        for (pattern, schema) in members(map.get("patternProperties")) {
            object.patterns.push((compiled(pattern)?, self.inner(source, schema)?));
        }
        object.additional = self.one(source, "additionalProperties")?;
        if modern {
            object.names = self.one(source, "propertyNames")?;
            object.unevaluated = self.one(source, "unevaluatedProperties")?;
        }
        self.dependencies(source, &mut object, node)?;
        object.table.build();
        let single = [object.additional, object.names, object.unevaluated];
        let counts = object.min.or(object.max).is_some();
        if counts
            || !object.table.entries.is_empty()
            || !object.patterns.is_empty()
            || single.iter().any(Option::is_some)
        {
            node.object = Some(Box::new(object));
        }
        Ok(())
    }

    /// `dependentSchemas`, and `dependencies` of draft 4.
    fn dependencies(
        &mut self,
        source: Source<'a>,
        object: &mut ObjectChecks,
        node: &mut Node,
    ) -> Result<(), String> {
        let (mut nodes, mut triggers): (Vec<NodeId>, Vec<usize>) = (Vec::new(), Vec::new());
        for keyword in ["dependentSchemas", "dependencies"] {
            for (name, value) in members(source.map.get(keyword)) {
                if value.is_array() {
                    require(object, name, value);
                } else {
                    nodes.push(self.inner(source, value)?);
                    triggers.push(object.table.add(name));
                }
            }
        }
        if !nodes.is_empty() {
            node.combinations.push(Combination { kind: Kind::Dependent, nodes, triggers });
        }
        Ok(())
    }

    pub(super) fn array(&mut self, source: Source<'a>, node: &mut Node) -> Result<(), String> {
        let map = source.map;
        let mut array = ArrayChecks::default();
        if source.draft == Draft::Draft4 && map.get("items").is_some_and(Value::is_array) {
            array.prefix = self.list(source, "items")?.unwrap_or_default();
            array.rest = self.one(source, "additionalItems")?;
        } else {
            array.rest = self.one(source, "items")?;
        }
        if source.draft != Draft::Draft4 {
            array.prefix = self.list(source, "prefixItems")?.unwrap_or_default();
            array.unevaluated = self.one(source, "unevaluatedItems")?;
            if let Some(node) = self.one(source, "contains")? {
                let min = count(source, "minContains").unwrap_or(1);
                array.contains = Some(Contains { node, min, max: count(source, "maxContains") });
            }
        }
        if source.validates {
            array.min = count(source, "minItems");
            array.max = count(source, "maxItems");
            array.unique = map.get("uniqueItems") == Some(&Value::Bool(true));
        }
        let single = array.rest.or(array.unevaluated).is_some() || array.contains.is_some();
        let counts = array.min.or(array.max).is_some() || array.unique;
        if single || counts || !array.prefix.is_empty() {
            node.array = Some(Box::new(array));
        }
        Ok(())
    }
}

fn require(object: &mut ObjectChecks, name: &str, list: &Value) {
    let trigger = object.table.add(name);
    let wanted = names(Some(list)).map(|name| object.table.add(name)).collect();
    object.dependent.push((trigger, wanted));
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn names(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn compiled(pattern: &str) -> Result<Pattern, String> {
    Pattern::new(pattern).ok_or_else(|| format!("`{pattern}` is not a regular expression"))
}

/// A whole number, also when it is written as `2.0`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and a limit beyond any size limits nothing"
)]
fn count(source: Source<'_>, keyword: &str) -> Option<u64> {
    let value = source.map.get(keyword).filter(|_| source.validates)?;
    value.as_u64().or_else(|| value.as_f64().map(|float| float as u64))
}

fn types(value: &Value) -> Types {
    let one = |name: &str| match name {
        "null" => NULL,
        "boolean" => BOOLEAN,
        "integer" => INTEGER,
        "number" => NUMBER | INTEGER,
        "string" => STRING,
        "array" => ARRAY,
        "object" => OBJECT,
        _ => 0,
    };
    match value {
        Value::String(name) => one(name),
        _ => names(Some(value)).fold(0, |sum, name| sum | one(name)),
    }
}

fn numbers(source: Source<'_>) -> Result<NumberChecks, String> {
    use Ordering::{Equal, Greater, Less};
    let map = source.map;
    let mut checks = NumberChecks::default();
    let known: [(&str, &str, [Ordering; 2], &str); 4] = [
        ("minimum", "exclusiveMinimum", [Greater, Equal], "at least"),
        ("maximum", "exclusiveMaximum", [Less, Equal], "at most"),
        ("exclusiveMinimum", "", [Greater, Greater], "more than"),
        ("exclusiveMaximum", "", [Less, Less], "less than"),
    ];
    for (index, (keyword, exclusive, allowed, words)) in known.into_iter().enumerate() {
        let Some(Value::Number(limit)) = map.get(keyword) else { continue };
        let text = limit.to_string();
        let limit = Number::read(&text);
        let mut bound = Bound { keyword, allowed, limit, words, text: text.into() };
        // in draft 4, a boolean beside the limit
        if map.get(exclusive) == Some(&Value::Bool(true)) {
            (bound.keyword, _, bound.allowed, bound.words) = known[index + 2];
        }
        checks.bounds.push(bound);
    }
    if let Some(Value::Number(number)) = map.get("multipleOf") {
        let text = number.to_string();
        let divisor = Divisor::new(&Number::read(&text));
        let divisor = divisor.ok_or_else(|| format!("`{text}` as `multipleOf`"))?;
        checks.multiple_of = Some((divisor, text.into()));
    }
    Ok(checks)
}

fn values(keyword: &'static str, list: &[Value]) -> Values {
    let words = match (keyword, list) {
        ("const", [value]) => format!("expected {value}"),
        _ => format!("expected one of {}", Value::Array(list.to_vec())),
    };
    let mut out = Values {
        keyword,
        words: clipped(&words).into(),
        texts: Vec::new(),
        numbers: Vec::new(),
        null: false,
        booleans: [false; 2],
        containers: Vec::new(),
    };
    for value in list {
        match value {
            Value::Null => out.null = true,
            Value::Bool(value) => out.booleans[usize::from(*value)] = true,
            Value::Number(number) => out.numbers.push(Number::read(&number.to_string())),
            Value::String(text) => out.texts.push(text.as_str().into()),
            Value::Array(_) | Value::Object(_) => {
                out.containers.push(canonical::of(&value.to_string(), 0));
            }
        }
    }
    out.texts.sort_unstable();
    out
}
