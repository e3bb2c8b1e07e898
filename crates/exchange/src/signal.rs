//! One thing that one detector noticed in one exchange.

use serde::{Deserialize, Serialize};

use crate::data_class::DataClass;
use crate::limits;
use crate::phase::Phase;
use crate::rule::{RuleId, Severity};

/// Where in the exchange something was noticed. Names and pointers only, never a value.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// A place in a body, as a JSON pointer; elements of arrays are `*`.
    Body(Box<str>),
    /// A cookie, by name.
    Cookie(Box<str>),
    /// The exchange as a whole.
    Exchange,
    /// A header field, by name.
    Header(Box<str>),
    /// A parameter in the path, by name.
    Path(Box<str>),
    /// A query parameter, by name.
    Query(Box<str>),
}

impl Location {
    /// A pointer of at most [`limits::POINTER_BYTES_MAX`] bytes.
    #[must_use]
    pub fn body(pointer: &str) -> Self {
        let end = pointer.floor_char_boundary(limits::POINTER_BYTES_MAX);
        Self::Body(pointer.get(..end).unwrap_or_default().into())
    }

    /// The word for the kind of place: `body`, `cookie`, `header`, `path`, `query`, `exchange`.
    #[must_use]
    pub const fn place(&self) -> &'static str {
        match self {
            Self::Body(_) => "body",
            Self::Cookie(_) => "cookie",
            Self::Exchange => "exchange",
            Self::Header(_) => "header",
            Self::Path(_) => "path",
            Self::Query(_) => "query",
        }
    }

    /// The name or pointer; empty for [`Location::Exchange`].
    #[must_use]
    pub const fn name(&self) -> &str {
        match self {
            Self::Body(name)
            | Self::Cookie(name)
            | Self::Header(name)
            | Self::Path(name)
            | Self::Query(name) => name,
            Self::Exchange => "",
        }
    }
}

/// What was noticed, beyond which rule: from closed sets, so that no value can slip in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Sensitive data of this class.
    Data(DataClass),
    /// A contract's keyword that was violated, as in `required` or `maxLength`.
    Keyword(Box<str>),
    /// A word of the detector's own, such as the name of a framework whose trace it is.
    Word(Box<str>),
}

/// One thing that one detector noticed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Signal {
    /// The rule.
    pub rule: RuleId,
    /// The part of the exchange that showed it.
    pub phase: Phase,
    /// Where.
    pub location: Location,
    /// What.
    pub detail: Detail,
    /// How bad, if it is true.
    pub severity: Severity,
    /// How sure, from 0 to 1.
    pub confidence: f32,
}
