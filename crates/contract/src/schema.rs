//! Schemas as validators. The only file that names the `jsonschema` crate: its version is pinned
//! because its API moves, and everything it can do beyond checking (fetching, backtracking
//! without a bound) is switched off here.
//!
//! A contract keeps its schemas as compact JSON text and compiles each one when it is first used:
//! of a large contract, traffic uses a small part, and a compiled schema is many times its text.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, Keyword, PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::{Value, json};

use exchange::limits;

use crate::error::{DocumentError, Place};

/// Steps that a pattern with look-around may take on one value, before the value is refused.
const BACKTRACKS_MAX: usize = 10_000;

/// Values in an instance up to which all violations are collected. The validator collects without
/// a bound, so of a larger instance only the first is asked for.
const COLLECTED_VALUES_MAX: usize = 4_096;

/// Bytes of what is quoted from the contract in one detail.
const QUOTE_BYTES_MAX: usize = 160;

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

/// A validator, made when it is first asked for; `None` when the schema does not compile.
#[derive(Default)]
pub(crate) struct Compiled(OnceLock<Option<Box<Validator>>>);

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
    /// True when a pattern needs look-around, for which there is no engine with linear time.
    pub(crate) backtracking: bool,
}

/// Where an instance departs from its schema.
#[derive(Debug)]
pub(crate) struct Departure {
    /// A JSON pointer into the instance; elements of arrays are `*`.
    pub(crate) pointer: String,
    pub(crate) keyword: Box<str>,
    pub(crate) detail: Box<str>,
}

impl Definitions {
    /// True when `instance` conforms.
    pub(crate) fn allows(&self, id: SchemaId, instance: &Value) -> bool {
        self.validator(id).is_some_and(|validator| validator.is_valid(instance))
    }

    /// All departures of `instance`, at most [`limits::VIOLATIONS_MAX`]. `values` is the number of
    /// values in it.
    pub(crate) fn departures(
        &self,
        id: SchemaId,
        instance: &Value,
        values: usize,
    ) -> Vec<Departure> {
        let Some(validator) = self.validator(id) else {
            return vec![Departure {
                pointer: String::new(),
                keyword: "schema".into(),
                detail: "the contract's schema for this cannot be used".into(),
            }];
        };
        if validator.is_valid(instance) {
            return Vec::new();
        }
        let mut out = Vec::new();
        if values <= COLLECTED_VALUES_MAX {
            for error in validator.iter_errors(instance).take(limits::VIOLATIONS_MAX) {
                describe(&error, instance, &mut out);
            }
        } else if let Err(error) = validator.validate(instance) {
            describe(&error, instance, &mut out);
        }
        out.truncate(limits::VIOLATIONS_MAX);
        out
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

    fn validator(&self, id: SchemaId) -> Option<&Validator> {
        let definition = self.list.get(id.0 as usize)?;
        definition.compiled.0.get_or_init(|| self.compile(id).ok().map(Box::new)).as_deref()
    }

    fn compile(&self, id: SchemaId) -> Result<Validator, String> {
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
        let built = if self.backtracking {
            options().with_pattern_options(backtracking()).build(&root)
        } else {
            options().with_pattern_options(PatternOptions::regex()).build(&root)
        };
        built.map_err(|error| clipped(&error.to_string()))
    }
}

/// Which engine can match a pattern in bounded time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Engine {
    /// Linear in the text.
    Linear,
    /// With look-around or back-references: at most [`BACKTRACKS_MAX`] steps.
    Backtracking,
}

/// The engine that `pattern` needs; `None` when it is not a regular expression.
pub(crate) fn engine_for(pattern: &str) -> Option<Engine> {
    let schema = json!({ "pattern": pattern });
    if options().with_pattern_options(PatternOptions::regex()).build(&schema).is_ok() {
        return Some(Engine::Linear);
    }
    let built = options().with_pattern_options(backtracking()).build(&schema);
    built.is_ok().then_some(Engine::Backtracking)
}

/// True when strings are checked against the format of this name.
pub(crate) fn is_checked_format(name: &str) -> bool {
    options().is_known_format(Draft::Draft202012, name)
}

fn backtracking() -> PatternOptions<jsonschema::FancyRegex> {
    PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS_MAX)
}

fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .offline()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("byte", is_base64)
        .with_keyword("readOnly", |_, _, _| Ok(Box::new(Forbidden)))
        .with_keyword("writeOnly", |_, _, _| Ok(Box::new(Forbidden)))
}

/// The keywords `readOnly` and `writeOnly`, which lowering leaves only where the property must
/// not occur in that direction.
struct Forbidden;

impl Keyword<'_> for Forbidden {
    fn validate(&self, _: &Value) -> Result<(), ValidationError<'static>> {
        Err(ValidationError::custom("not allowed in this direction"))
    }

    fn is_valid(&self, _: &Value) -> bool {
        false
    }
}

/// RFC 4648 section 4, the format `byte` of OpenAPI.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && text.len() - body.len() <= 2 && body.bytes().all(letter)
}

fn describe(error: &ValidationError<'_>, instance: &Value, out: &mut Vec<Departure>) {
    let pointer = generalized(error.instance_path().as_str(), instance);
    let kind = error.kind();
    match kind {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            for name in unexpected.iter().take(limits::VIOLATIONS_MAX) {
                let name = name.replace('~', "~0").replace('/', "~1");
                out.push(Departure {
                    pointer: format!("{pointer}/{name}"),
                    keyword: kind.keyword().into(),
                    detail: "this property is not declared".into(),
                });
            }
        }
        _ => out.push(Departure {
            pointer,
            keyword: kind.keyword().into(),
            detail: clipped(&detail(kind)).into(),
        }),
    }
}

/// The pointer with `*` for elements of arrays.
fn generalized(pointer: &str, instance: &Value) -> String {
    let mut out = String::new();
    let mut at = Some(instance);
    for name in pointer.split('/').skip(1) {
        out.push('/');
        match at {
            Some(Value::Array(list)) => {
                out.push('*');
                at = name.parse().ok().and_then(|index: usize| list.get(index));
            }
            Some(Value::Object(map)) => {
                out.push_str(name);
                at = map.get(&*name.replace("~1", "/").replace("~0", "~"));
            }
            _ => out.push_str(name),
        }
    }
    out
}

/// What was expected; quotes the contract, never the instance.
fn detail(kind: &ValidationErrorKind) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::Type { kind: TypeKind::Single(one) } => format!("expected {one}"),
        Kind::Type { kind: TypeKind::Multiple(several) } => {
            let names: Vec<_> = several.iter().map(|one| one.to_string()).collect();
            format!("expected {}", names.join(" or "))
        }
        Kind::Required { property } => {
            format!("the property `{}` is missing", property.as_str().unwrap_or_default())
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "expected one of the declared alternatives".to_owned()
        }
        Kind::OneOfMultipleValid { .. } => {
            "expected exactly one of the declared alternatives, several match".to_owned()
        }
        Kind::Constant { expected_value } => format!("expected {expected_value}"),
        Kind::Enum { options } => format!("expected one of {options}"),
        Kind::ExclusiveMaximum { limit } => format!("expected less than {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("expected more than {limit}"),
        Kind::Maximum { limit } => format!("expected at most {limit}"),
        Kind::Minimum { limit } => format!("expected at least {limit}"),
        Kind::MultipleOf { multiple_of } => format!("expected a multiple of {multiple_of}"),
        Kind::MaxItems { limit } => format!("expected at most {limit} elements"),
        Kind::MinItems { limit } => format!("expected at least {limit} elements"),
        Kind::MaxLength { limit } => format!("expected at most {limit} characters"),
        Kind::MinLength { limit } => format!("expected at least {limit} characters"),
        Kind::MaxProperties { limit } => format!("expected at most {limit} properties"),
        Kind::MinProperties { limit } => format!("expected at least {limit} properties"),
        Kind::UniqueItems => "expected elements that differ".to_owned(),
        Kind::Format { format } => format!("expected the format `{format}`"),
        Kind::Pattern { pattern } => format!("expected text that matches `{pattern}`"),
        Kind::BacktrackLimitExceeded { .. } => "the pattern takes too long on this".to_owned(),
        Kind::FalseSchema => "expected nothing here".to_owned(),
        Kind::Custom { keyword, .. } if keyword == "readOnly" => {
            "this property is only for responses".to_owned()
        }
        Kind::Custom { keyword, .. } if keyword == "writeOnly" => {
            "this property is only for requests".to_owned()
        }
        other => format!("does not meet `{}`", other.keyword()),
    }
}

fn clipped(text: &str) -> String {
    let end = text.floor_char_boundary(QUOTE_BYTES_MAX);
    match text.get(..end) {
        Some(head) if end < text.len() => format!("{head}…"),
        _ => text.to_owned(),
    }
}
