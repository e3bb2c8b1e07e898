//! `cache` and `compress` of a service: what is kept of an upstream's answers, and how they are
//! coded for clients.

use toml::de::DeValue;

use crate::error::SettingError;
use crate::section::{Placed, Section};

/// Bytes of a stored answer, unless the settings say otherwise: an API's answers are smaller.
pub(super) const ENTRY_BYTES: usize = 1 << 20;

/// Stored answers of the largest size for which a cache must have room; with fewer, one answer
/// would push out all others.
pub(super) const ENTRIES_MIN: usize = 4;

/// The response cache of a service (RFC 9111).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CacheSettings {
    /// `size`: bytes of all stored answers together, in the whole process.
    pub bytes_max: usize,
    /// `entry`: bytes of one stored answer.
    pub entry_bytes_max: usize,
}

/// A content coding for clients (RFC 9110 §8.4.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Coding {
    /// `br`, RFC 7932.
    Brotli,
    /// `gzip`, RFC 1952.
    Gzip,
    /// `zstd`, RFC 8878.
    Zstd,
}

impl Coding {
    /// All, in the order in which they are preferred where a client has no preference.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The registered name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Reads the registered name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|coding| coding.as_str() == name)
    }
}

/// Reads `cache` of a service.
pub(super) fn cache(
    service: &mut Section<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<CacheSettings> {
    let mut section = service.section("cache", errors)?;
    let size = section.size("size", errors);
    let entry = section.size("entry", errors);
    if !section.has("size") {
        errors.push(SettingError {
            code: "config::missing",
            span: service.span_of("cache"),
            setting: section.name("size"),
            message: "`size` is missing".to_owned(),
            remedy: "say how much memory the cache may use, as in size = \"64MiB\"".to_owned(),
        });
    }
    let bytes_max = usize::try_from(size.unwrap_or(0)).unwrap_or(usize::MAX);
    let largest = bytes_max / ENTRIES_MIN;
    let entry_bytes_max = match entry {
        Some(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX),
        None => ENTRY_BYTES.min(largest),
    };
    if size.is_some() && (entry_bytes_max > largest || entry_bytes_max == 0) {
        errors.push(SettingError {
            code: "config::range",
            span: section.span_of("entry").or_else(|| section.span_of("size")),
            setting: section.name("entry"),
            message: format!("an entry of {entry_bytes_max} B in a cache of {bytes_max} B"),
            remedy: format!("let `size` be at least {ENTRIES_MIN} times `entry`, and not zero"),
        });
    }
    section.finish(errors);
    size.map(|_| CacheSettings { bytes_max, entry_bytes_max })
}

/// Reads `compress` of a service: the codings in order of preference; none: off.
pub(super) fn compress(service: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Vec<Coding> {
    let Some(entry) = service.entry("compress") else { return Vec::new() };
    match entry.get_ref() {
        DeValue::Boolean(true) => return Coding::ALL.to_vec(),
        DeValue::Boolean(false) => return Vec::new(),
        _ => {}
    }
    let mut codings = Vec::new();
    for Placed { value, span } in service.texts("compress", errors) {
        match Coding::parse(&value) {
            Some(coding) if !codings.contains(&coding) => codings.push(coding),
            Some(_) => {}
            None => errors.push(SettingError {
                code: "config::coding",
                span: Some(span),
                setting: service.name("compress"),
                message: format!("`{value}` is not a content coding of this version"),
                remedy: "write true, or a list of \"zstd\", \"br\" and \"gzip\"".to_owned(),
            }),
        }
    }
    codings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    fn read(settings: &str) -> Result<Document, Vec<SettingError>> {
        Document::read(&format!("[services.a]\nupstreams = [\"http://x\"]\n{settings}"))
    }

    #[test]
    fn what_is_set_is_read() {
        let service = read("").unwrap().services.remove(0);
        assert_eq!((service.cache, service.compress), (None, Vec::new()));
        let text = "cache = { size = \"64MiB\" }\ncompress = true";
        let service = read(text).unwrap().services.remove(0);
        let cache = CacheSettings { bytes_max: 64 << 20, entry_bytes_max: ENTRY_BYTES };
        assert_eq!((service.cache, service.compress), (Some(cache), Coding::ALL.to_vec()));
        let text = "cache = { size = \"1MiB\" }\ncompress = [\"gzip\", \"br\", \"gzip\"]";
        let service = read(text).unwrap().services.remove(0);
        let cache = CacheSettings { bytes_max: 1 << 20, entry_bytes_max: 256 << 10 };
        assert_eq!(service.cache, Some(cache));
        assert_eq!(service.compress, [Coding::Gzip, Coding::Brotli]);
        let service = read("compress = false").unwrap().services.remove(0);
        assert_eq!(service.compress, []);
    }

    #[test]
    fn mistakes_have_a_place_and_a_remedy() {
        let cases = [
            ("cache = {}", "config::missing", "{}", "64MiB"),
            ("cache = true", "config::type", "true", "a table"),
            ("cache = { size = \"1MB\" }", "config::size", "\"1MB\"", "MiB"),
            ("cache = { size = \"0B\" }", "config::range", "\"0B\"", "not zero"),
            (
                "cache = { size = \"1MiB\", entry = \"1MiB\" }",
                "config::range",
                "\"1MiB\"",
                "4 times",
            ),
            (
                "cache = { size = \"1MiB\", entri = 3 }",
                "config::unknown_key",
                "entri",
                "did you mean `entry`?",
            ),
            ("compress = [\"deflate\"]", "config::coding", "\"deflate\"", "\"zstd\""),
            ("compress = 3", "config::type", "3", "a text"),
        ];
        let mut told = 0;
        for (text, code, marked, remedy) in cases {
            let error = read(text).unwrap_err().remove(0);
            assert_eq!(error.code, code, "{text}");
            assert!(error.remedy.contains(remedy), "{text}: {}", error.remedy);
            let whole = format!("[services.a]\nupstreams = [\"http://x\"]\n{text}");
            assert_eq!(whole.get(error.span.unwrap()), Some(marked), "{text}");
            told += 1;
        }
        assert_eq!(told, 8);
    }
}
