//! Schemas of OpenAPI 3.0 and 3.1 rewritten as JSON Schema 2020-12, once for requests and once
//! for responses. What cannot be enforced is left out and reported; what is left always compiles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::cycle::{self, Draft};
use crate::document::refs::{At, Library};
use crate::document::tree::Content;
use crate::error::Report;
use crate::keyword::{self, Kind};
use crate::schema::{self, Compiled, Definition, Definitions, Engine, SchemaId};

/// The way a message goes; `readOnly` and `writeOnly` depend on it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Direction {
    Request,
    Response,
}

impl Direction {
    /// The keyword of properties that must not occur in this direction.
    fn forbidden(self) -> &'static str {
        match self {
            Self::Request => "readOnly",
            Self::Response => "writeOnly",
        }
    }
}

/// Which keywords mean what.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Dialect {
    /// OpenAPI 3.0: an extended subset of draft Wright-00.
    V30,
    /// OpenAPI 3.1: JSON Schema 2020-12.
    V31,
}

/// How deep `allOf` is searched for properties of the wrong direction.
const SEARCH_DEPTH_MAX: usize = 8;

struct Work<'a> {
    at: At<'a>,
    direction: Direction,
    dialect: Dialect,
}

/// Schemas that have been asked for, in the order of their indexes.
pub(crate) struct Lowering<'a> {
    library: &'a Library,
    ids: BTreeMap<(usize, Direction, Dialect), u32>,
    work: Vec<Work<'a>>,
    patterns: BTreeMap<Box<str>, Option<Engine>>,
    used: BTreeSet<SchemaId>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(library: &'a Library) -> Self {
        Self {
            library,
            ids: BTreeMap::new(),
            work: Vec::new(),
            patterns: BTreeMap::new(),
            used: BTreeSet::new(),
        }
    }

    /// The schema at this place, to be lowered by [`Lowering::finish`].
    pub(crate) fn schema(
        &mut self,
        at: At<'a>,
        direction: Direction,
        dialect: Dialect,
    ) -> SchemaId {
        let id = SchemaId(self.index(at, direction, dialect));
        self.used.insert(id);
        id
    }

    fn index(&mut self, at: At<'a>, direction: Direction, dialect: Dialect) -> u32 {
        let next = u32::try_from(self.work.len()).unwrap_or(u32::MAX);
        *self.ids.entry((at.identity(), direction, dialect)).or_insert_with(|| {
            self.work.push(Work { at, direction, dialect });
            next
        })
    }

    /// Lowers everything that was asked for and everything that it refers to.
    pub(crate) fn finish(mut self, report: &mut Report) -> (Definitions, BTreeSet<SchemaId>) {
        let mut drafts = Vec::new();
        while let Some(&Work { at, direction, dialect }) = self.work.get(drafts.len()) {
            let mut writer =
                Writer { lowering: &mut self, report, direction, dialect, draft: Draft::default() };
            let scope = Scope { hidden: &BTreeSet::new(), in_place: true };
            let value = writer.schema(at, scope);
            let mut draft = writer.draft;
            draft.text = value.to_string().into();
            draft.file = Arc::clone(&at.document.name);
            draft.place = at.node.place;
            drafts.push(draft);
        }
        cycle::cut(&mut drafts, report);
        let list = drafts.into_iter().map(|draft| Definition {
            text: draft.text,
            refs: draft.refs.into_iter().collect(),
            file: draft.file,
            place: draft.place,
            compiled: Compiled::default(),
        });
        (Definitions { list: list.collect() }, self.used)
    }
}

/// What a schema inherits from the one around it.
#[derive(Clone, Copy)]
struct Scope<'s> {
    /// Properties that the schema around, which is about the same instance, hides.
    hidden: &'s BTreeSet<Box<str>>,
    /// True while the instance is that of the definition.
    in_place: bool,
}

struct Writer<'w, 'a> {
    lowering: &'w mut Lowering<'a>,
    report: &'w mut Report,
    direction: Direction,
    dialect: Dialect,
    draft: Draft,
}

impl<'a> Writer<'_, 'a> {
    /// Recursion ends at the depth of documents.
    fn schema(&mut self, at: At<'a>, scope: Scope<'_>) -> Value {
        match &at.node.content {
            Content::Boolean(value) => return Value::Bool(*value),
            Content::Map(_) => {}
            _ => {
                self.warn("schema", at, at.node.kind(), "a schema");
                return Value::Bool(true);
            }
        }
        let mut hidden = BTreeSet::new();
        self.collect_hidden(at, 0, &mut hidden);
        hidden.extend(scope.hidden.iter().cloned());
        let scope = Scope { hidden: &hidden, ..scope };
        let mut out = Map::new();
        if let Some(reference) = at.get("$ref").filter(|at| at.node.as_text().is_some()) {
            match self.reference(reference, scope) {
                Some(target) => out.insert("$ref".to_owned(), Value::String(target)),
                None => return Value::Bool(true),
            };
            if self.dialect == Dialect::V30 {
                self.ignored_beside_reference(at);
                return Value::Object(out);
            }
        }
        for (name, value) in at.members() {
            self.keyword(name, value, scope, &mut out);
        }
        self.required(at, scope, &mut out);
        self.bounds(at, &mut out);
        self.nullable(at, out)
    }

    fn reference(&mut self, at: At<'a>, scope: Scope<'_>) -> Option<String> {
        let text = at.node.as_text()?;
        match self.lowering.library.resolve(at, text) {
            Ok(target) => {
                let index = self.lowering.index(target, self.direction, self.dialect);
                self.draft.refs.insert(index);
                if scope.in_place {
                    self.draft.in_place.insert(index);
                }
                Some(format!("#/$defs/{index}"))
            }
            Err(lost) => {
                lost.report(self.report);
                None
            }
        }
    }

    fn ignored_beside_reference(&mut self, at: At<'a>) {
        for (name, value) in at.members() {
            if !matches!(keyword::kind(name), Kind::Annotation | Kind::Direction | Kind::Reference)
            {
                self.warn(
                    "beside $ref",
                    value,
                    &format!("`{name}` beside `$ref`, which OpenAPI 3.0 ignores"),
                    "`$ref` alone, or both inside `allOf`",
                );
            }
        }
    }

    fn keyword(&mut self, name: &str, at: At<'a>, scope: Scope<'_>, out: &mut Map<String, Value>) {
        let nested = Scope { hidden: &BTreeSet::new(), in_place: false };
        let value = match keyword::kind(name) {
            Kind::Annotation | Kind::Direction | Kind::Reference | Kind::Required => return,
            Kind::InPlace => self.schema(at, scope),
            Kind::InPlaceList => {
                let Some(list) = self.list(name, at, scope) else { return };
                list
            }
            Kind::InPlaceMap => self.map(at, scope),
            Kind::Items if at.node.as_list().is_some() => {
                let Some(list) = self.list(name, at, nested) else { return };
                out.insert("prefixItems".to_owned(), list);
                return;
            }
            Kind::Items | Kind::Nested => self.schema(at, nested),
            Kind::NestedList => {
                let Some(list) = self.list(name, at, nested) else { return };
                list
            }
            Kind::NestedMap => self.map(at, nested),
            Kind::Properties => self.properties(at),
            Kind::Type => {
                let Some(types) = self.types(at) else { return };
                types
            }
            Kind::Pattern => {
                let Some(pattern) = self.pattern(at) else { return };
                pattern
            }
            Kind::Format => {
                let Some(format) = self.format(at) else { return };
                format
            }
            Kind::ExclusiveBound => return self.exclusive(name, at, out),
            Kind::Assertion(shape) => {
                if !shape.fits(at.node) {
                    let expected = shape.expected();
                    let found = format!("{} as `{name}`", at.node.kind());
                    return self.warn("malformed keyword", at, &found, expected);
                }
                at.node.to_value()
            }
            Kind::Unenforced => {
                let found = format!("`{name}`, which is not enforced");
                return self.warn(
                    keyword::warning_of(name),
                    at,
                    &found,
                    "keywords that are enforced",
                );
            }
        };
        out.insert(name.to_owned(), value);
    }

    fn list(&mut self, name: &str, at: At<'a>, scope: Scope<'_>) -> Option<Value> {
        if at.node.as_list().is_none_or(<[_]>::is_empty) {
            self.warn(
                "malformed keyword",
                at,
                &format!("`{name}` without a schema"),
                "a list of them",
            );
            return None;
        }
        Some(Value::Array(at.elements().map(|element| self.schema(element, scope)).collect()))
    }

    fn map(&mut self, at: At<'a>, scope: Scope<'_>) -> Value {
        let members = at.members().map(|(name, at)| (name.to_owned(), self.schema(at, scope)));
        Value::Object(members.collect())
    }

    /// Marks those that must not occur in this direction.
    fn properties(&mut self, at: At<'a>) -> Value {
        let mut out = Map::new();
        for (name, property) in at.members() {
            let scope = Scope { hidden: &BTreeSet::new(), in_place: false };
            let mut value = self.schema(property, scope);
            if self.is_hidden(property, 0) {
                let forbidden = self.direction.forbidden().to_owned();
                match &mut value {
                    Value::Object(map) => {
                        map.insert(forbidden, json!(schema::FORBIDDEN));
                    }
                    _ => value = json!({ forbidden: schema::FORBIDDEN }),
                }
            }
            out.insert(name.to_owned(), value);
        }
        Value::Object(out)
    }

    /// Required properties, without those that do not occur in this direction.
    fn required(&mut self, at: At<'a>, scope: Scope<'_>, out: &mut Map<String, Value>) {
        let Some(required) = at.get("required") else { return };
        let names = required.node.as_list().map(|list| list.iter().map(|name| name.as_text()));
        let Some(names) = names.and_then(|names| names.collect::<Option<BTreeSet<_>>>()) else {
            let found = format!("{} as `required`", required.node.kind());
            return self.warn("malformed keyword", required, &found, "a list of properties' names");
        };
        let names: Vec<_> =
            names.into_iter().filter(|name| !scope.hidden.contains(*name)).collect();
        if !names.is_empty() {
            out.insert("required".to_owned(), json!(names));
        }
    }

    fn types(&mut self, at: At<'a>) -> Option<Value> {
        let list = match at.node.as_list() {
            Some(list) => list.iter().map(|one| one.as_text()).collect::<Option<Vec<_>>>(),
            None => at.node.as_text().map(|one| vec![one]),
        };
        match list {
            Some(names) if !names.is_empty() && names.iter().all(|one| keyword::is_type(one)) => {
                let names: BTreeSet<_> = names.into_iter().collect();
                Some(json!(names))
            }
            _ => {
                let found = at.node.as_text().unwrap_or(at.node.kind());
                let types = "object, array, string, integer, number, boolean or null";
                self.warn("type", at, &format!("the type `{found}`"), types);
                None
            }
        }
    }

    fn pattern(&mut self, at: At<'a>) -> Option<Value> {
        let Some(pattern) = at.node.as_text() else {
            self.warn("malformed keyword", at, "a `pattern` that is not text", "text");
            return None;
        };
        let engines = &mut self.lowering.patterns;
        let engine = *engines.entry(pattern.into()).or_insert_with(|| schema::engine_for(pattern));
        match engine {
            Some(Engine::Linear) => {}
            Some(Engine::Backtracking) => {
                let warning = at.defect(
                    format!("the pattern `{pattern}`, which looks around or back"),
                    "a pattern that can be matched in linear time",
                    "simplify it; until then values that take too many steps are refused",
                );
                self.report.warn("look-around", warning);
            }
            None => {
                let found = format!("the pattern `{pattern}`");
                self.warn("pattern", at, &found, "a regular expression (ECMA-262)");
            }
        }
        engine.map(|_| Value::String(pattern.to_owned()))
    }

    fn format(&mut self, at: At<'a>) -> Option<Value> {
        let format = at.node.as_text().unwrap_or_default();
        if keyword::integer_range(format).is_some() || keyword::is_annotation_format(format) {
            return None;
        }
        if schema::is_checked_format(format) {
            return Some(Value::String(format.to_owned()));
        }
        let found = format!("the format `{format}`, which is not enforced");
        self.warn("format", at, &found, "a format of the OpenAPI registry, or a `pattern`");
        None
    }

    /// In 3.0 these are booleans beside `minimum` and `maximum`; in 3.1 numbers.
    fn exclusive(&mut self, name: &str, at: At<'a>, out: &mut Map<String, Value>) {
        match &at.node.content {
            Content::Number(number) => {
                out.insert(name.to_owned(), Value::Number(number.clone()));
            }
            Content::Boolean(_) => {}
            _ => self.warn("malformed keyword", at, &format!("`{name}`"), "a number or a boolean"),
        }
    }

    /// Exclusive bounds of 3.0, and the bounds that integer formats imply.
    fn bounds(&mut self, at: At<'a>, out: &mut Map<String, Value>) {
        for (bound, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")]
        {
            if at.node.flag(exclusive)
                && let Some(limit) = out.remove(bound)
            {
                out.insert(exclusive.to_owned(), limit);
            }
        }
        let numeric = out.get("type").is_some_and(|types| {
            [json!("integer"), json!("number")].iter().any(|one| has_type(types, one))
        });
        let Some((low, high)) = at.node.text("format").and_then(keyword::integer_range) else {
            return;
        };
        if !numeric {
            return;
        }
        let outside = |value: Option<&Value>, ok: &dyn Fn(f64) -> bool| {
            !value.and_then(Value::as_f64).is_some_and(ok)
        };
        #[expect(clippy::cast_precision_loss, reason = "compared with limits that people write")]
        let (low_float, high_float) = (low as f64, high as f64);
        if outside(out.get("minimum"), &|limit| limit >= low_float) {
            out.insert("minimum".to_owned(), json!(low));
        }
        if outside(out.get("maximum"), &|limit| limit <= high_float) {
            out.insert("maximum".to_owned(), json!(high));
        }
    }

    /// `nullable` of 3.0. Beside keywords other than `type` it means, by common use, that `null`
    /// is allowed whatever they say.
    fn nullable(&mut self, at: At<'a>, mut out: Map<String, Value>) -> Value {
        if !at.node.flag("nullable") {
            return Value::Object(out);
        }
        if self.dialect == Dialect::V31 {
            let found = "`nullable`, which OpenAPI 3.1 does not know";
            self.warn("nullable", at, found, "`null` among the types");
            return Value::Object(out);
        }
        let deciding = ["allOf", "anyOf", "oneOf", "not", "enum", "const"];
        if deciding.iter().any(|name| out.contains_key(*name)) {
            return json!({ "anyOf": [{ "type": "null" }, out] });
        }
        if let Some(Value::Array(types)) = out.get_mut("type") {
            let null = json!("null");
            if !types.contains(&null) {
                types.push(null);
            }
        }
        Value::Object(out)
    }

    /// Names of the properties of this instance that must not occur in this direction.
    fn collect_hidden(&self, at: At<'a>, depth: usize, out: &mut BTreeSet<Box<str>>) {
        for (name, property) in at.get("properties").into_iter().flat_map(At::members) {
            if self.is_hidden(property, 0) {
                out.insert(name.into());
            }
        }
        if depth == SEARCH_DEPTH_MAX {
            return;
        }
        for part in at.get("allOf").into_iter().flat_map(At::elements) {
            if let Ok(part) = self.lowering.library.follow(part) {
                self.collect_hidden(part, depth + 1, out);
            }
        }
    }

    fn is_hidden(&self, at: At<'a>, depth: usize) -> bool {
        if at.node.flag(self.direction.forbidden()) {
            return true;
        }
        if depth == SEARCH_DEPTH_MAX {
            return false;
        }
        let library = self.lowering.library;
        if at.get("$ref").is_some() {
            return library.follow(at).is_ok_and(|target| {
                target.identity() != at.identity() && self.is_hidden(target, depth + 1)
            });
        }
        let mut parts = at.get("allOf").into_iter().flat_map(At::elements);
        parts.any(|part| self.is_hidden(part, depth + 1))
    }

    fn warn(&mut self, kind: &'static str, at: At<'a>, found: &str, expected: &str) {
        let remedy = "correct it; until then it is not enforced";
        self.report.warn(kind, at.defect(found, expected, remedy));
    }
}

fn has_type(types: &Value, one: &Value) -> bool {
    types.as_array().is_some_and(|types| types.contains(one))
}
