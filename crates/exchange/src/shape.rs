//! The shape of a body: which fields of which types, without any value.

use serde::{Deserialize, Serialize};

use crate::data_class::DataClasses;
use crate::kind::ValueKind;

/// JSON types as a set of bits.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Types(u8);

impl Types {
    /// No type.
    pub const NONE: Self = Self(0);
    /// `[…]`.
    pub const ARRAY: Self = Self(1);
    /// `true` or `false`.
    pub const BOOLEAN: Self = Self(2);
    /// A number without fraction and exponent.
    pub const INTEGER: Self = Self(4);
    /// `null`.
    pub const NULL: Self = Self(8);
    /// A number with a fraction or an exponent.
    pub const NUMBER: Self = Self(16);
    /// `{…}`.
    pub const OBJECT: Self = Self(32);
    /// A string.
    pub const STRING: Self = Self(64);

    /// JSON Schema's names, in its usual order.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::OBJECT, "object"),
        (Self::ARRAY, "array"),
        (Self::STRING, "string"),
        (Self::INTEGER, "integer"),
        (Self::NUMBER, "number"),
        (Self::BOOLEAN, "boolean"),
        (Self::NULL, "null"),
    ];

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// True when all of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One field, element or root of a body. Its fields have short names in the journal, which keeps
/// many of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShapeNode {
    /// Index of the parent in [`Shape::nodes`]; the root is its own parent.
    #[serde(rename = "p")]
    pub parent: u16,
    /// Where the name lies in [`Shape::names`]: offset and length. Elements of an array, which
    /// share one node, and the root have the length 0.
    #[serde(rename = "n")]
    pub name: (u32, u16),
    /// Types seen here.
    #[serde(rename = "t")]
    pub types: Types,
    /// What the strings here look like; `None` when they differ or there are none.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ValueKind>,
    /// Sensitive data recognised here.
    #[serde(rename = "d", default, skip_serializing_if = "DataClasses::is_none")]
    pub data: DataClasses,
    /// How often it occurs in this body.
    #[serde(rename = "c")]
    pub count: u32,
}

/// What one body is made of. Nodes come in the order of their first occurrence, so a parent
/// always comes before its children.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shape {
    /// The nodes; the first is the root.
    pub nodes: Vec<ShapeNode>,
    /// All names, end to end.
    pub names: String,
    /// True when [`crate::limits::SHAPE_NODES_MAX`] was reached and something was left out.
    pub cut: bool,
}

impl Shape {
    /// The name of a node; empty for the root and for elements.
    #[must_use]
    pub fn name(&self, node: &ShapeNode) -> &str {
        let (start, length) = (node.name.0 as usize, usize::from(node.name.1));
        self.names.get(start..start + length).unwrap_or_default()
    }
}
