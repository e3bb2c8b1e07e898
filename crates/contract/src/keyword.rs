//! The vocabulary of schemas: what each keyword is, and what its value has to be.

use crate::document::tree::{Content, Node};

/// What lowering does with a keyword.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Says nothing about what is valid.
    Annotation,
    /// Constrains by itself.
    Assertion(Shape),
    /// `readOnly`, `writeOnly` and `nullable`, which decide over other keywords.
    Direction,
    /// `exclusiveMinimum` and `exclusiveMaximum`.
    ExclusiveBound,
    /// `format`.
    Format,
    /// A schema for the same instance.
    InPlace,
    /// Schemas for the same instance.
    InPlaceList,
    /// Schemas by name for the same instance.
    InPlaceMap,
    /// `items`: one schema, or in old drafts a list.
    Items,
    /// A schema for parts of the instance.
    Nested,
    /// Schemas for elements of the instance.
    NestedList,
    /// Schemas by name for parts of the instance.
    NestedMap,
    /// `pattern`.
    Pattern,
    /// `properties`.
    Properties,
    /// `$ref`.
    Reference,
    /// `required`.
    Required,
    /// `type`.
    Type,
    /// Known or unknown, but not enforced.
    Unenforced,
}

/// What the value of an assertion has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Any,
    Boolean,
    Count,
    List,
    NameLists,
    Number,
    PositiveNumber,
}

impl Shape {
    pub(crate) fn fits(self, node: &Node) -> bool {
        let number = |positive: bool| match &node.content {
            Content::Number(number) => !positive || number.as_f64().is_some_and(|it| it > 0.0),
            _ => false,
        };
        match self {
            Self::Any => true,
            Self::Boolean => node.as_bool().is_some(),
            Self::Count => {
                matches!(&node.content, Content::Number(number) if is_count(number))
            }
            Self::List => node.as_list().is_some_and(|list| !list.is_empty()),
            Self::NameLists => node.as_map().is_some_and(|map| {
                map.iter().all(|member| {
                    let list = member.node.as_list();
                    list.is_some_and(|list| list.iter().all(|name| name.as_text().is_some()))
                })
            }),
            Self::Number => number(false),
            Self::PositiveNumber => number(true),
        }
    }

    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Boolean => "true or false",
            Self::Count => "a whole number that is not negative",
            Self::List => "a list that is not empty",
            Self::NameLists => "lists of properties' names",
            Self::Number => "a number",
            Self::PositiveNumber => "a number above 0",
        }
    }
}

fn is_count(number: &serde_json::Number) -> bool {
    number.as_u64().is_some()
        || number.as_f64().is_some_and(|float| float >= 0.0 && float.fract() == 0.0)
}

/// What the keyword of this name is.
pub(crate) fn kind(name: &str) -> Kind {
    match name {
        "$ref" => Kind::Reference,
        "readOnly" | "writeOnly" | "nullable" => Kind::Direction,
        "required" => Kind::Required,
        "type" => Kind::Type,
        "format" => Kind::Format,
        "pattern" => Kind::Pattern,
        "properties" => Kind::Properties,
        "items" => Kind::Items,
        "not" | "if" | "then" | "else" => Kind::InPlace,
        "allOf" | "anyOf" | "oneOf" => Kind::InPlaceList,
        "dependentSchemas" => Kind::InPlaceMap,
        "additionalProperties"
        | "propertyNames"
        | "contains"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Kind::Nested,
        "prefixItems" => Kind::NestedList,
        "patternProperties" => Kind::NestedMap,
        "exclusiveMinimum" | "exclusiveMaximum" => Kind::ExclusiveBound,
        "minimum" | "maximum" => Kind::Assertion(Shape::Number),
        "multipleOf" => Kind::Assertion(Shape::PositiveNumber),
        "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties" | "minProperties"
        | "maxContains" | "minContains" => Kind::Assertion(Shape::Count),
        "uniqueItems" => Kind::Assertion(Shape::Boolean),
        "enum" => Kind::Assertion(Shape::List),
        "const" => Kind::Assertion(Shape::Any),
        "dependentRequired" => Kind::Assertion(Shape::NameLists),
        "title" | "description" | "default" | "example" | "examples" | "externalDocs" | "xml"
        | "deprecated" | "definitions" | "contentEncoding" | "contentMediaType"
        | "contentSchema" | "id" => Kind::Annotation,
        "$comment" | "$schema" | "$id" | "$anchor" | "$dynamicAnchor" | "$vocabulary" | "$defs" => {
            Kind::Annotation
        }
        _ if name.starts_with("x-") => Kind::Annotation,
        _ => Kind::Unenforced,
    }
}

/// The group in which warnings about an unenforced keyword are counted.
pub(crate) fn warning_of(name: &str) -> &'static str {
    match name {
        "discriminator" => "discriminator",
        "$dynamicRef" | "$recursiveRef" => "dynamic reference",
        _ => "unknown keyword",
    }
}

/// True for JSON Schema's types.
pub(crate) fn is_type(name: &str) -> bool {
    let types = ["array", "boolean", "integer", "null", "number", "object", "string"];
    types.contains(&name)
}

/// The bounds that an integer format implies (OpenAPI format registry).
pub(crate) fn integer_range(format: &str) -> Option<(i128, i128)> {
    let range = match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0, u8::MAX.into()),
        "uint16" => (0, u16::MAX.into()),
        "uint32" => (0, u32::MAX.into()),
        "uint64" => (0, u64::MAX.into()),
        _ => return None,
    };
    Some(range)
}

/// Formats of the registry that describe a value but do not constrain it.
pub(crate) fn is_annotation_format(format: &str) -> bool {
    matches!(format, "binary" | "commonmark" | "decimal" | "double" | "float" | "html" | "password")
}
