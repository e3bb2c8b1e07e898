//! What text has to become before a schema can judge it: the types, elements and properties that
//! a parameter's schema allows. Only this much of a schema is looked at; the schema itself decides.

use std::collections::BTreeMap;

use exchange::shape::Types;
use serde_json::{Map, Number, Value};

use crate::document::refs::{At, Library};
use crate::document::tree::Content;

/// How deep schemas of parameters are looked into: as deep as `deepObject` is read in practice.
pub(crate) const PARAMETER_DEPTH: usize = 6;

/// How deep schemas of forms are looked into: what is further inside comes as JSON.
pub(crate) const FORM_DEPTH: usize = 3;

/// Parts of one shape; the remaining ones may be anything.
const PARTS_MAX: usize = 1_000;

/// What a parameter, or a part of one, may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    types: Types,
    items: Option<Box<Self>>,
    properties: BTreeMap<Box<str>, Self>,
    /// True unless the schema closes the object to other properties.
    open: bool,
}

/// How text with several readings is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reading {
    /// As the most specific type that is allowed.
    Typed,
    /// As a string wherever one is allowed.
    Strings,
}

/// A search for shapes, with what is left of its bound.
struct Search<'a> {
    library: &'a Library,
    parts: usize,
}

impl Shape {
    /// Reads the shape off a schema.
    pub(crate) fn of(library: &Library, schema: At<'_>, depth: usize) -> Self {
        let mut shape = Self { open: true, ..Self::default() };
        shape.add(&mut Search { library, parts: PARTS_MAX }, schema, depth);
        shape
    }

    fn add(&mut self, search: &mut Search<'_>, at: At<'_>, depth: usize) {
        if depth == 0 || search.parts == 0 {
            return;
        }
        search.parts -= 1;
        let Ok(target) = search.library.follow(at) else { return };
        self.add_types(target);
        if let Some(items) = target.get("items") {
            self.types = self.types.with(Types::ARRAY);
            self.items.get_or_insert_default().add(search, items, depth - 1);
        }
        if let Some(properties) = target.get("properties") {
            self.types = self.types.with(Types::OBJECT);
            for (name, property) in properties.members() {
                let shape = self.properties.entry(name.into()).or_default();
                shape.open = true;
                shape.add(search, property, depth - 1);
            }
        }
        if target.get("additionalProperties").is_some_and(|at| at.node.as_bool() == Some(false)) {
            self.open = false;
        }
        for combination in ["allOf", "anyOf", "oneOf"] {
            for part in target.get(combination).into_iter().flat_map(At::elements) {
                self.add(search, part, depth - 1);
            }
        }
    }

    fn add_types(&mut self, at: At<'_>) {
        let mut add = |name: &str| {
            let known = Types::NAMES.iter().find(|(_, known)| *known == name);
            self.types = known.map_or(self.types, |(types, _)| self.types.with(*types));
        };
        if let Some(types) = at.get("type") {
            types.node.as_text().into_iter().for_each(&mut add);
            types.elements().filter_map(|one| one.node.as_text()).for_each(&mut add);
        } else {
            for value in at.get("enum").into_iter().flat_map(At::elements) {
                match &value.node.content {
                    Content::Boolean(_) => add("boolean"),
                    Content::Number(_) => add("number"),
                    Content::Text(_) => add("string"),
                    _ => {}
                }
            }
        }
        if at.node.flag("nullable") {
            add("null");
        }
    }

    fn allows(&self, types: Types) -> bool {
        self.types.has(types)
    }

    /// True when nothing is known about the type.
    fn is_any(&self) -> bool {
        self.types == Types::default()
    }

    pub(crate) fn is_array(&self) -> bool {
        self.allows(Types::ARRAY)
    }

    pub(crate) fn is_object(&self) -> bool {
        self.allows(Types::OBJECT)
    }

    /// True when a single value without inner structure may be meant.
    pub(crate) fn is_scalar(&self) -> bool {
        let scalars = [Types::STRING, Types::INTEGER, Types::NUMBER, Types::BOOLEAN, Types::NULL];
        self.is_any() || scalars.iter().any(|types| self.allows(*types))
    }

    /// True when an object may have properties that are not declared.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// True when a property of this name is declared.
    pub(crate) fn has_property(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// The shape of elements.
    pub(crate) fn item(&self) -> &Self {
        self.items.as_deref().unwrap_or(&ANY)
    }

    /// The shape of the property of this name.
    pub(crate) fn property(&self, name: &str) -> &Self {
        self.properties.get(name).unwrap_or(&ANY)
    }

    /// Text as a value without inner structure.
    pub(crate) fn scalar(&self, text: &str, reading: Reading) -> Value {
        let any = self.is_any();
        if reading == Reading::Strings && (any || self.allows(Types::STRING)) {
            return Value::String(text.to_owned());
        }
        let numeric = any || self.allows(Types::INTEGER) || self.allows(Types::NUMBER);
        if numeric && let Some(number) = number(text) {
            return Value::Number(number);
        }
        let boolean = any || self.allows(Types::BOOLEAN);
        match text {
            "true" if boolean => Value::Bool(true),
            "false" if boolean => Value::Bool(false),
            "null" | "" if self.allows(Types::NULL) && !self.allows(Types::STRING) => Value::Null,
            _ => Value::String(text.to_owned()),
        }
    }

    /// An array of these texts.
    pub(crate) fn array<'t>(
        &self,
        texts: impl Iterator<Item = &'t str>,
        reading: Reading,
    ) -> Value {
        Value::Array(texts.map(|text| self.item().scalar(text, reading)).collect())
    }

    /// An object of these names and texts.
    pub(crate) fn object<'t>(
        &self,
        members: impl Iterator<Item = (&'t str, &'t str)>,
        reading: Reading,
    ) -> Value {
        let mut map = Map::new();
        for (name, text) in members {
            map.insert(name.to_owned(), self.property(name).scalar(text, reading));
        }
        Value::Object(map)
    }
}

/// The shape of what no schema describes.
static ANY: Shape =
    Shape { types: Types::NONE, items: None, properties: BTreeMap::new(), open: true };

/// A number in the grammar of JSON; `01`, `+1`, `0x1` and `NaN` are none.
fn number(text: &str) -> Option<Number> {
    let first = *text.as_bytes().first()?;
    if first != b'-' && !first.is_ascii_digit() || text.ends_with(char::is_whitespace) {
        return None;
    }
    serde_json::from_str(text).ok()
}
