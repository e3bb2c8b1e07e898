//! `[access_log]`: a line for every exchange, for people and their tools.

use crate::error::SettingError;
use crate::section::Section;

/// The access log; without the table none is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessLogDocument {
    /// `file`, relative to the settings file.
    pub file: String,
    /// `format`.
    pub format: LogFormat,
    /// `paths`.
    pub paths: LogPaths,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// The combined format of Apache and nginx, with the duration in seconds behind it.
    Combined,
    /// A JSON object.
    #[default]
    Json,
}

/// How much of a path is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogPaths {
    /// All of it, as it came. Some APIs have secrets there.
    Raw,
    /// Segments that look like values are keyed hashes.
    #[default]
    Redacted,
}

impl LogFormat {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Json => "json",
        }
    }
}

impl LogPaths {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Redacted => "redacted",
        }
    }
}

/// Reads `[access_log]`.
pub(super) fn read(
    root: &mut Section<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<AccessLogDocument> {
    let mut section = root.section("access_log", errors)?;
    let file = section.text("file", errors);
    if file.as_ref().is_none_or(|file| file.value.is_empty()) {
        errors.push(SettingError {
            code: "config::missing",
            span: section.span_of("file").or_else(|| root.span_of("access_log")),
            setting: section.name("file"),
            message: "the access log has no file".to_owned(),
            remedy: "add file = \"access.log\"".to_owned(),
        });
    }
    let formats = [LogFormat::Json, LogFormat::Combined];
    let format = word(&mut section, "format", formats.map(|one| (one.as_str(), one)), errors);
    let paths = [LogPaths::Redacted, LogPaths::Raw];
    let paths = word(&mut section, "paths", paths.map(|one| (one.as_str(), one)), errors);
    section.finish(errors);
    Some(AccessLogDocument { file: file?.value, format, paths })
}

/// One of two words; the first is the default.
fn word<T: Copy>(
    section: &mut Section<'_>,
    key: &'static str,
    known: [(&'static str, T); 2],
    errors: &mut Vec<SettingError>,
) -> T {
    let [(first, default), (second, _)] = known;
    let Some(text) = section.text(key, errors) else { return default };
    if let Some((_, value)) = known.into_iter().find(|(name, _)| *name == text.value) {
        return value;
    }
    errors.push(SettingError {
        code: "config::access_log",
        span: Some(text.span),
        setting: section.name(key),
        message: format!("found `{}`, expected `{first}` or `{second}`", text.value),
        remedy: format!("write {key} = \"{first}\""),
    });
    default
}
