//! The documents that schemas may refer to: which resource every schema belongs to, and what its
//! identifiers and anchors lead to (JSON Schema 2020-12 core, sections 8.2 and 9; draft 4 with
//! `id`). Only documents that were handed in are known; nothing is ever fetched.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::uri;

/// Which keywords mean what.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draft {
    /// Draft 4 of 2013, on which OpenAPI 3.0 rests.
    Draft4,
    /// Draft 2020-12, which OpenAPI 3.1 uses.
    Draft202012,
}

/// Position of a resource in [`Registry::resources`].
pub(super) type ResourceId = usize;

/// A schema and the resource that it belongs to.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) schema: &'a Value,
    pub(super) resource: ResourceId,
}

/// A schema with an identifier of its own.
pub(super) struct Resource<'a> {
    pub(super) uri: String,
    root: &'a Value,
    pub(super) draft: Draft,
    /// False when its metaschema has no vocabulary for assertions.
    pub(super) validates: bool,
    anchors: BTreeMap<&'a str, Place<'a>>,
    pub(super) dynamic: BTreeMap<&'a str, Place<'a>>,
}

/// Everything that can be referred to.
#[derive(Default)]
pub(super) struct Registry<'a> {
    pub(super) resources: Vec<Resource<'a>>,
    by_uri: BTreeMap<String, ResourceId>,
    /// The resource of every schema, by its address.
    homes: BTreeMap<usize, ResourceId>,
    /// True when a `$dynamicRef` occurs somewhere.
    pub(super) is_dynamic: bool,
}

/// Where a keyword has its schemas.
enum Inside {
    One,
    List,
    Map,
    OneOrList,
    /// Schemas by name, or lists of names.
    Mixed,
}

fn inside(keyword: &str) -> Option<Inside> {
    Some(match keyword {
        "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "additionalProperties"
        | "propertyNames"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "additionalItems"
        | "contentSchema" => Inside::One,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Inside::List,
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
            Inside::Map
        }
        "items" => Inside::OneOrList,
        "dependencies" => Inside::Mixed,
        _ => return None,
    })
}

/// Tells a value from all others of its document.
pub(super) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'a> Registry<'a> {
    pub(super) fn add(&mut self, uri: &str, document: &'a Value, draft: Draft) -> ResourceId {
        let draft = declared(document).unwrap_or(draft);
        let first = self.resource(uri.to_owned(), document, draft);
        self.walk(document, first, true);
        self.homes.get(&address(document)).copied().unwrap_or(first)
    }

    /// Reads the vocabularies of metaschemas, once all documents are there.
    pub(super) fn settle(&mut self) {
        for index in 0..self.resources.len() {
            let resource = &self.resources[index];
            let Some(name) = resource.root.get("$schema").and_then(Value::as_str) else { continue };
            let metaschema = self.by_uri.get(name.trim_end_matches('#'));
            let metaschema = metaschema.and_then(|known| self.resources.get(*known));
            let known = metaschema.and_then(|it| it.root.get("$vocabulary")?.as_object());
            let validates =
                known.is_none_or(|all| all.keys().any(|name| name.ends_with("/vocab/validation")));
            self.resources[index].validates = validates;
        }
    }

    fn resource(&mut self, uri: String, root: &'a Value, draft: Draft) -> ResourceId {
        let id = self.resources.len();
        self.by_uri.entry(uri.clone()).or_insert(id);
        self.resources.push(Resource {
            uri,
            root,
            draft,
            validates: true,
            anchors: BTreeMap::new(),
            dynamic: BTreeMap::new(),
        });
        id
    }

    /// Recursion ends at the depth of documents.
    fn walk(&mut self, schema: &'a Value, around: ResourceId, root: bool) {
        let Some(map) = schema.as_object() else {
            self.homes.insert(address(schema), around);
            return;
        };
        let resource = self.identify(schema, map, around, root);
        self.homes.insert(address(schema), resource);
        self.is_dynamic |= map.contains_key("$dynamicRef");
        for (keyword, value) in map {
            match (inside(keyword), value) {
                (Some(Inside::One | Inside::OneOrList), Value::Object(_) | Value::Bool(_)) => {
                    self.walk(value, resource, false);
                }
                (Some(Inside::List | Inside::OneOrList), Value::Array(list)) => {
                    list.iter().for_each(|one| self.walk(one, resource, false));
                }
                (Some(Inside::Map | Inside::Mixed), Value::Object(map)) => {
                    let schemas = map.values().filter(|it| it.is_object() || it.is_boolean());
                    schemas.for_each(|one| self.walk(one, resource, false));
                }
                _ => {}
            }
        }
    }

    /// The resource that this schema belongs to, which may begin here.
    fn identify(
        &mut self,
        schema: &'a Value,
        map: &'a Map<String, Value>,
        around: ResourceId,
        root: bool,
    ) -> ResourceId {
        let draft = declared(schema).unwrap_or(self.resources[around].draft);
        let keyword = if draft == Draft::Draft4 { "id" } else { "$id" };
        let id = map.get(keyword).and_then(Value::as_str);
        // beside `$ref`, draft 4 reads nothing
        let id = id.filter(|_| draft != Draft::Draft4 || !map.contains_key("$ref"));
        let mut resource = around;
        if let Some(id) = id {
            let (uri, fragment) = uri::join(&self.resources[around].uri, id);
            if !id.starts_with('#') {
                if root {
                    self.by_uri.entry(uri.clone()).or_insert(around);
                    self.resources[around].uri = uri;
                } else {
                    resource = self.resource(uri, schema, draft);
                }
            }
            if !fragment.is_empty() {
                let place = Place { schema, resource };
                self.resources[resource].anchors.insert(fragment, place);
            }
        }
        let place = Place { schema, resource };
        let own = &mut self.resources[resource];
        if let Some(name) = map.get("$anchor").and_then(Value::as_str) {
            own.anchors.insert(name, place);
        }
        if let Some(name) = map.get("$dynamicAnchor").and_then(Value::as_str) {
            own.anchors.insert(name, place);
            own.dynamic.insert(name, place);
        }
        resource
    }

    /// The resource that a value inside the resource `around` belongs to.
    pub(super) fn home(&self, schema: &Value, around: ResourceId) -> ResourceId {
        self.homes.get(&address(schema)).copied().unwrap_or(around)
    }

    /// The schema that `reference`, standing in the resource `from`, leads to; and the fragment.
    pub(super) fn resolve<'r>(
        &self,
        from: ResourceId,
        reference: &'r str,
    ) -> Option<(Place<'a>, &'r str)> {
        let (uri, fragment) = uri::join(&self.resources[from].uri, reference);
        let known = self.by_uri.get(&uri).or_else(|| self.by_uri.get(&format!("{uri}#")));
        let resource = match known {
            Some(id) => *id,
            None if reference.starts_with('#') => from,
            None => return None,
        };
        let root = Place { schema: self.resources[resource].root, resource };
        if fragment.is_empty() {
            return Some((root, fragment));
        }
        if !fragment.starts_with('/') {
            return Some((*self.resources[resource].anchors.get(fragment)?, fragment));
        }
        let decoded = wire::target::percent_decode(fragment.as_bytes());
        let pointer = String::from_utf8_lossy(&decoded);
        let mut place = root;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            let schema = match place.schema {
                Value::Object(map) => map.get(&name)?,
                Value::Array(list) => list.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            };
            place = Place { schema, resource: self.home(schema, place.resource) };
        }
        Some((place, fragment))
    }
}

/// The draft that a schema names itself.
fn declared(schema: &Value) -> Option<Draft> {
    let name = schema.get("$schema")?.as_str()?;
    if name.contains("/draft-04/") {
        return Some(Draft::Draft4);
    }
    name.contains("/2020-12/").then_some(Draft::Draft202012)
}
