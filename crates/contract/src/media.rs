//! Which declared content a media type selects: the exact type before `type/*` before `*/*`.

use crate::schema::SchemaId;
use crate::shape::Shape;

/// The bodies that are declared, by media type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) entries: Vec<Entry>,
}

/// One declared media type or range of them.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// In lower case, without parameters.
    pub(crate) range: Box<str>,
    pub(crate) schema: Option<SchemaId>,
    /// What the fields of a form are.
    pub(crate) shape: Option<Box<Shape>>,
}

/// How a body of a certain media type is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selected<'a> {
    /// As JSON, by this schema if there is one.
    Json(Option<SchemaId>),
    /// As a form.
    Form(SchemaId, &'a Shape),
    /// Not at all: what is inside is not understood.
    Unchecked,
}

impl Content {
    /// What is declared for `media_type`; `None` when nothing is.
    pub(crate) fn select(&self, media_type: &[u8]) -> Option<Selected<'_>> {
        let rank = |entry: &Entry| specificity(entry.range.as_bytes(), media_type);
        let best = self.entries.iter().filter(|entry| rank(entry) > 0).max_by_key(|it| rank(it))?;
        Some(match (best.schema, best.shape.as_deref()) {
            (schema, _) if is_json(media_type) => Selected::Json(schema),
            (Some(schema), Some(shape)) if is_form(media_type) => Selected::Form(schema, shape),
            _ => Selected::Unchecked,
        })
    }

    /// The declared types, as they read in a violation.
    pub(crate) fn names(&self) -> String {
        let names: Vec<_> = self.entries.iter().take(8).map(|entry| &*entry.range).collect();
        names.join(", ")
    }
}

/// How well a range fits a media type; 0 for not at all.
fn specificity(range: &[u8], media_type: &[u8]) -> u8 {
    if range.eq_ignore_ascii_case(media_type) {
        return 3;
    }
    if range == b"*/*" || range == b"*" {
        return 1;
    }
    let class = range.strip_suffix(b"*").filter(|class| class.ends_with(b"/"));
    let fits = class.is_some_and(|class| {
        media_type.get(..class.len()).is_some_and(|start| start.eq_ignore_ascii_case(class))
    });
    if fits { 2 } else { 0 }
}

/// The media type of a `Content-Type` value, without its parameters.
pub(crate) fn essence(content_type: &[u8]) -> &[u8] {
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// True for `application/json`, `text/json` and everything that ends with `+json`.
pub(crate) fn is_json(media_type: &[u8]) -> bool {
    let suffix = media_type.len().checked_sub(5).and_then(|start| media_type.get(start..));
    media_type.eq_ignore_ascii_case(b"application/json")
        || media_type.eq_ignore_ascii_case(b"text/json")
        || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
}

/// True for forms as HTML sends them by default.
pub(crate) fn is_form(media_type: &[u8]) -> bool {
    media_type.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}
