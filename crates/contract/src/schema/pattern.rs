//! Patterns as ECMA-262 means them, matched in time linear in the text wherever that is possible.

use std::fmt;

/// Steps that a pattern with look-around may take on one value, before the value is refused.
const BACKTRACKS_MAX: usize = 10_000;

/// Bytes that one compiled pattern may take: what the `regex` crate allows by default.
const PATTERN_BYTES_MAX: usize = 10 << 20;

/// Which engine can match a pattern in bounded time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Engine {
    /// Linear in the text.
    Linear,
    /// With look-around or back-references: at most [`BACKTRACKS_MAX`] steps.
    Backtracking,
}

/// A compiled pattern.
pub(super) enum Pattern {
    Linear(regex::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

/// Whether a text matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Match {
    Yes,
    No,
    /// It would take more than [`BACKTRACKS_MAX`] steps to tell.
    TooCostly,
}

impl Pattern {
    /// `None` when it is not a regular expression.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let translated = jsonschema_regex::to_rust_regex(pattern).ok()?;
        let linear = regex::RegexBuilder::new(&translated).size_limit(PATTERN_BYTES_MAX).build();
        if let Ok(regex) = linear {
            return Some(Self::Linear(regex));
        }
        let mut builder = fancy_regex::RegexBuilder::new(&translated);
        let built = builder.backtrack_limit(BACKTRACKS_MAX).build().ok()?;
        Some(Self::Backtracking(Box::new(built)))
    }

    pub(super) fn engine(&self) -> Engine {
        match self {
            Self::Linear(_) => Engine::Linear,
            Self::Backtracking(_) => Engine::Backtracking,
        }
    }

    pub(super) fn matches(&self, text: &str) -> Match {
        match self {
            Self::Linear(regex) if regex.is_match(text) => Match::Yes,
            Self::Linear(_) => Match::No,
            Self::Backtracking(regex) => match regex.is_match(text) {
                Ok(true) => Match::Yes,
                Ok(false) => Match::No,
                Err(_) => Match::TooCostly,
            },
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linear(regex) => regex.fmt(out),
            Self::Backtracking(regex) => regex.fmt(out),
        }
    }
}
