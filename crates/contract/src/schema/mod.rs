//! JSON Schema: compiled to nodes which judge an instance while its tokens are read.
//!
//! A contract keeps its schemas as compact JSON text and compiles each one when it is first used:
//! of a large contract, traffic uses a small part, and a compiled schema is many times its text.
//! An instance is read as a whole buffer, once; only what `const`, `enum` and `uniqueItems` compare
//! as arrays or objects is read again, each byte at most once for each level it is nested in.

mod assertion;
mod canonical;
mod compile;
mod finish;
mod format;
mod name;
mod node;
mod number;
mod pattern;
mod registry;
mod run;
mod scalar;
mod uri;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use exchange::json::{self, Fault};
use exchange::limits;
use serde_json::{Value, json};

use self::node::{Node, Program, TRUE};
pub(crate) use self::pattern::Engine;
pub use self::registry::Draft;
use self::registry::Registry;
use self::run::Run;
use crate::error::{DocumentError, Place};

/// Bytes of what is quoted from the contract in one detail.
const QUOTE_BYTES_MAX: usize = 160;

/// The value by which lowering marks `readOnly` and `writeOnly` where the property must not occur.
pub(crate) const FORBIDDEN: &str = "forbidden";

/// Index of a schema in [`Definitions`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct SchemaId(pub(crate) u32);

/// A schema as 2020-12 text in which `#/$defs/<n>` is the schema with index n.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) text: Box<str>,
    pub(crate) refs: Box<[u32]>,
    pub(crate) file: Arc<str>,
    pub(crate) place: Place,
    pub(crate) compiled: Compiled,
}

/// A program, made when it is first asked for; `None` when the schema does not compile.
#[derive(Default)]
pub(crate) struct Compiled(OnceLock<Option<Box<Program>>>);

impl fmt::Debug for Compiled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self.0.get() {
            None => "not yet compiled",
            Some(None) => "does not compile",
            Some(Some(_)) => "compiled",
        })
    }
}

/// The schemas of one contract.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) list: Vec<Definition>,
}

/// Where an instance departs from its schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Departure {
    /// A JSON pointer into the instance; elements of arrays are `*`.
    pub pointer: String,
    /// The keyword that was not met.
    pub keyword: Box<str>,
    /// What was expected; quotes the schema, never the instance.
    pub detail: Box<str>,
}

/// Why a text cannot be checked against a schema.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Unfit {
    /// Not JSON.
    Syntax(Fault),
    /// A name occurs twice in the object at this pointer.
    Duplicate(String),
    /// A number at this pointer is larger than a double can hold.
    Number(String),
    /// As values it would take more than [`limits::JSON_TREE_BYTES_MAX`].
    Size,
}

/// A schema by itself, outside of a contract.
#[derive(Debug)]
pub struct Schema(Program);

impl Schema {
    /// Compiles the first of these documents, each with the URI it was found at; the others may
    /// be referred to. `formats` tells whether `format` is an assertion.
    ///
    /// # Errors
    /// A sentence about what cannot be compiled.
    pub fn compile(
        documents: &[(&str, &Value)],
        draft: Draft,
        formats: bool,
    ) -> Result<Self, String> {
        let mut registry = Registry::default();
        let resources: Vec<_> =
            documents.iter().map(|(uri, value)| registry.add(uri, value, draft)).collect();
        registry.settle();
        let first = documents.first().zip(resources.first());
        let (&(_, schema), &resource) = first.ok_or("there is no document")?;
        let root = registry::Place { schema, resource };
        compile::compile(&registry, root, formats).map(Self)
    }

    /// Reads one JSON text and tells where it departs from the schema, at most
    /// [`limits::VIOLATIONS_MAX`] times.
    ///
    /// # Errors
    /// The text cannot be read in one way only.
    pub fn departures(&self, text: &[u8]) -> Result<Vec<Departure>, Unfit> {
        departures(&self.0, text)
    }
}

fn departures(program: &Program, text: &[u8]) -> Result<Vec<Departure>, Unfit> {
    let fault = |at| Unfit::Syntax(Fault { kind: json::FaultKind::Utf8, at });
    let text = std::str::from_utf8(text).map_err(|error| fault(error.valid_up_to()))?;
    let steps = text.len().saturating_mul(limits::SCHEMA_STEPS_PER_BYTE);
    let mut run = Run::new(program, text, steps.saturating_add(limits::SCHEMA_STEPS_MIN));
    json::read_text(text, &mut run).map_err(Unfit::Syntax)?;
    if let Some(pointer) = run.duplicate {
        return Err(Unfit::Duplicate(pointer));
    }
    if let Some(pointer) = run.overflow {
        return Err(Unfit::Number(pointer));
    }
    if !run.valid && run.departures.is_empty() {
        run.departures.push(unusable("the schema is not met"));
    }
    Ok(run.departures)
}

fn unusable(detail: &str) -> Departure {
    Departure { pointer: String::new(), keyword: "schema".into(), detail: detail.into() }
}

impl Definitions {
    /// True when `instance` conforms.
    pub(crate) fn allows(&self, id: SchemaId, instance: &Value) -> bool {
        self.departures(id, instance).is_empty()
    }

    /// All departures of `instance`, at most [`limits::VIOLATIONS_MAX`].
    pub(crate) fn departures(&self, id: SchemaId, instance: &Value) -> Vec<Departure> {
        self.read(Some(id), instance.to_string().as_bytes())
            .unwrap_or_else(|_| vec![unusable("this cannot be written as JSON")])
    }

    /// Reads a JSON text once, strictly, and tells where it departs from its schema.
    pub(crate) fn read(&self, id: Option<SchemaId>, text: &[u8]) -> Result<Vec<Departure>, Unfit> {
        let Some(id) = id else {
            let anything = Program { nodes: vec![Node::default()], root: TRUE };
            return departures(&anything, text);
        };
        if let Some(program) = self.program(id) {
            return departures(program, text);
        }
        Ok(vec![unusable("the contract's schema for this cannot be used")])
    }

    /// Compiles every schema that is used as a whole and names those that do not compile.
    pub(crate) fn verify(&self, used: &BTreeSet<SchemaId>) -> Vec<DocumentError> {
        let failure = |id: &SchemaId| {
            let definition = self.list.get(id.0 as usize)?;
            let reason = self.compile(*id).err()?;
            Some(DocumentError {
                file: Arc::clone(&definition.file),
                line: definition.place.line,
                column: definition.place.column,
                found: format!("a schema that does not compile ({reason})"),
                expected: "a valid schema".to_owned(),
                remedy: "correct the schema; until then whatever it describes is refused"
                    .to_owned(),
            })
        };
        used.iter().filter_map(failure).collect()
    }

    fn program(&self, id: SchemaId) -> Option<&Program> {
        let definition = self.list.get(id.0 as usize)?;
        definition.compiled.0.get_or_init(|| self.compile(id).ok().map(Box::new)).as_deref()
    }

    fn compile(&self, id: SchemaId) -> Result<Program, String> {
        let mut wanted = vec![id.0];
        let mut definitions = serde_json::Map::new();
        while let Some(next) = wanted.pop() {
            let name = next.to_string();
            let Some(definition) = self.list.get(next as usize) else { continue };
            if definitions.contains_key(&name) {
                continue;
            }
            let schema = serde_json::from_str(&definition.text).map_err(|e| e.to_string())?;
            definitions.insert(name, schema);
            wanted.extend(&definition.refs);
        }
        let root = json!({ "$ref": format!("#/$defs/{}", id.0), "$defs": definitions });
        let schema = Schema::compile(&[("", &root)], Draft::Draft202012, true);
        schema.map(|schema| schema.0).map_err(|reason| clipped(&reason))
    }
}

/// The engine that `pattern` needs; `None` when it is not a regular expression.
pub(crate) fn engine_for(pattern: &str) -> Option<Engine> {
    pattern::Pattern::new(pattern).map(|pattern| pattern.engine())
}

/// True when strings are checked against the format of this name.
pub(crate) fn is_checked_format(name: &str) -> bool {
    format::is_known(name)
}

fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(QUOTE_BYTES_MAX);
    match text.get(..end) {
        Some(head) if end < text.len() => format!("{head}…"),
        _ => text.to_owned(),
    }
}
