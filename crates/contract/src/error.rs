//! What is wrong with a *document*: named with file, line and column, what was found, what was
//! expected and what to do. Traffic never makes one of these.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Findings of one kind that are listed one by one; further ones are counted in the last.
const SAME_KIND_MAX: u32 = 10;

/// Errors that are listed before reading stops being useful.
const ERRORS_MAX: usize = 100;

/// A defect of a document, or a construct in it that is not enforced.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}:{line}:{column}: found {found}; expected {expected}; {remedy}")]
pub struct DocumentError {
    /// The document's name, as the caller gave it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

/// A line and a column of a text, both from 1.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What a text cannot be read for; becomes a [`DocumentError`] once the file's name is known.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) place: Place,
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) remedy: String,
}

impl Unreadable {
    pub(crate) fn in_file(self, file: &Arc<str>) -> DocumentError {
        DocumentError {
            file: Arc::clone(file),
            line: self.place.line,
            column: self.place.column,
            found: self.found,
            expected: self.expected,
            remedy: self.remedy,
        }
    }
}

/// Everything found while documents are read.
#[derive(Debug, Default)]
pub(crate) struct Report {
    errors: Vec<DocumentError>,
    warnings: Vec<DocumentError>,
    /// Per kind of warning: how many there were, and the index of the last one that is listed.
    kinds: BTreeMap<&'static str, (u32, usize)>,
}

impl Report {
    pub(crate) fn error(&mut self, error: DocumentError) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(error);
        }
    }

    /// Adds a warning. Of one `kind` only the first few are listed.
    pub(crate) fn warn(&mut self, kind: &'static str, warning: DocumentError) {
        let (count, last) = self.kinds.entry(kind).or_insert((0, 0));
        *count += 1;
        if *count <= SAME_KIND_MAX {
            *last = self.warnings.len();
            self.warnings.push(warning);
        }
    }

    /// The warnings, or the errors if there are any.
    pub(crate) fn finish(mut self) -> Result<Vec<DocumentError>, Vec<DocumentError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        for (count, last) in self.kinds.into_values() {
            let unlisted = count.saturating_sub(SAME_KIND_MAX);
            if let (1.., Some(warning)) = (unlisted, self.warnings.get_mut(last)) {
                warning.found.push_str(&format!(" (and {unlisted} more of this kind)"));
            }
        }
        Ok(self.warnings)
    }
}
