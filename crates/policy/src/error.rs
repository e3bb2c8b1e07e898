//! What is wrong with a settings file: place, what was found, what was expected, what to do.

use std::fmt;
use std::ops::Range;

/// One mistake in a settings file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SettingError {
    /// A stable name, as in `config::unknown_key`.
    pub code: &'static str,
    /// Where in the text, in bytes; `None` for what is missing or concerns the whole file.
    pub span: Option<Range<usize>>,
    /// The setting, as in `services.shop.mode`.
    pub setting: String,
    /// What was found, and what was expected instead.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for SettingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} ({})", self.setting, self.message, self.remedy)
    }
}

impl std::error::Error for SettingError {}
