//! Reads one table of a settings file: typed values with their places, every mistake collected,
//! unknown keys last.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::SettingError;
use crate::mode::Mode;

/// A value with its place in the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// A table being read.
pub(crate) struct Section<'a> {
    table: &'a DeTable<'a>,
    path: String,
    known: Vec<&'static str>,
    later: Vec<&'static str>,
}

type Entry<'a> = &'a Spanned<DeValue<'a>>;

impl<'a> Section<'a> {
    pub(crate) fn new(table: &'a DeTable<'a>, path: String) -> Self {
        Self { table, path, known: Vec::new(), later: Vec::new() }
    }

    /// The full name of a key of this table.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The full name of this table.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Where the keys of this table stand; `None` for an empty one.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        let spans = || self.table.iter().map(|(key, value)| key.span().start..value.span().end);
        let start = spans().map(|span| span.start).min()?;
        Some(start..spans().map(|span| span.end).max()?)
    }

    /// Names keys that the grammar has and this version does not carry out.
    pub(crate) fn later(&mut self, keys: &[&'static str]) {
        self.later.extend(keys);
    }

    pub(crate) fn entry(&mut self, key: &'static str) -> Option<Entry<'a>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// Whether the file has this key, right or wrong.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// Where the value of a key stands.
    pub(crate) fn span_of(&self, key: &str) -> Option<Range<usize>> {
        self.table.get(key).map(Spanned::span)
    }

    /// All keys of a table whose keys are names.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Range<usize>, Entry<'a>)> {
        self.table.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect()
    }

    pub(crate) fn text(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<Placed<String>> {
        let entry = self.entry(key)?;
        self.text_of(key, entry, errors)
    }

    fn text_of(
        &self,
        key: &str,
        entry: Entry<'a>,
        errors: &mut Vec<SettingError>,
    ) -> Option<Placed<String>> {
        match entry.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), span: entry.span() }),
            None => {
                errors.push(self.wrong_type(key, entry, "a text in quotes"));
                None
            }
        }
    }

    /// A list of texts; a single text counts as a list of one.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Vec<Placed<String>> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        match entry.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| self.text_of(key, item, errors)).collect()
            }
            _ => self.text_of(key, entry, errors).into_iter().collect(),
        }
    }

    pub(crate) fn mode(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<Mode> {
        let text = self.text(key, errors)?;
        let mode = Mode::parse(&text.value);
        if mode.is_none() {
            errors.push(SettingError {
                code: "config::unknown_mode",
                span: Some(text.span),
                setting: self.name(key),
                message: format!("`{}` is not a mode", text.value),
                remedy: "use \"disabled\", \"observe\" or \"block\"".to_owned(),
            });
        }
        mode
    }

    /// Bytes, from a text with a unit such as `1MiB`.
    pub(crate) fn size(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<u64> {
        let text = self.text(key, errors)?;
        let size = parse_size(&text.value);
        if size.is_none() {
            errors.push(SettingError {
                code: "config::size",
                span: Some(text.span),
                setting: self.name(key),
                message: format!("`{}` is not a size with a unit", text.value),
                remedy: "write a number and B, KiB, MiB or GiB, as in \"1MiB\"".to_owned(),
            });
        }
        size
    }

    /// A period, from a text with a unit such as `250ms`.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<Placed<Duration>> {
        let text = self.text(key, errors)?;
        let Some(value) = parse_duration(&text.value) else {
            errors.push(SettingError {
                code: "config::duration",
                span: Some(text.span),
                setting: self.name(key),
                message: format!("`{}` is not a period with a unit", text.value),
                remedy: "write a number and ms, s, min or h, as in \"5s\"".to_owned(),
            });
            return None;
        };
        Some(Placed { value, span: text.span })
    }

    pub(crate) fn count(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<Placed<u64>> {
        let entry = self.entry(key)?;
        let value = entry
            .get_ref()
            .as_integer()
            .and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok());
        if value.is_none() {
            errors.push(self.wrong_type(key, entry, "a whole number, 0 or more"));
        }
        value.map(|value| Placed { value, span: entry.span() })
    }

    pub(crate) fn boolean(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<bool> {
        let entry = self.entry(key)?;
        let value = entry.get_ref().as_bool();
        if value.is_none() {
            errors.push(self.wrong_type(key, entry, "true or false"));
        }
        value
    }

    pub(crate) fn section(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Option<Section<'a>> {
        let entry = self.entry(key)?;
        self.table_of(self.name(key), key, entry, errors)
    }

    /// Reads an entry as a table with the given full name.
    pub(crate) fn table_of(
        &self,
        path: String,
        key: &str,
        entry: Entry<'a>,
        errors: &mut Vec<SettingError>,
    ) -> Option<Section<'a>> {
        match entry.get_ref().as_table() {
            Some(table) => Some(Section::new(table, path)),
            None => {
                errors.push(self.wrong_type(key, entry, "a table"));
                None
            }
        }
    }

    /// A list of tables, as `[[key]]` writes it.
    pub(crate) fn sections(
        &mut self,
        key: &'static str,
        errors: &mut Vec<SettingError>,
    ) -> Vec<(Section<'a>, Range<usize>)> {
        let Some(entry) = self.entry(key) else { return Vec::new() };
        let Some(items) = entry.get_ref().as_array() else {
            errors.push(self.wrong_type(key, entry, "a list of tables, written [[…]]"));
            return Vec::new();
        };
        items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| {
                let path = format!("{}[{at}]", self.name(key));
                Some((self.table_of(path, key, item, errors)?, item.span()))
            })
            .collect()
    }

    fn wrong_type(&self, key: &str, entry: Entry<'a>, expected: &str) -> SettingError {
        SettingError {
            code: "config::type",
            span: Some(entry.span()),
            setting: self.name(key),
            message: format!("found a value of type {}", entry.get_ref().type_str()),
            remedy: format!("write {expected}"),
        }
    }

    /// Reports every key that nothing has asked for.
    pub(crate) fn finish(self, errors: &mut Vec<SettingError>) {
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let (code, message, remedy) = if self.later.contains(&name) {
                let message = format!("`{name}` is not carried out by this version");
                let remedy = "remove it: a setting without effect would be a false promise";
                ("config::not_in_this_version", message, remedy.to_owned())
            } else {
                let remedy = match nearest(name, &self.known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", self.known.join(", ")),
                };
                ("config::unknown_key", format!("unknown key `{name}`"), remedy)
            };
            errors.push(SettingError {
                code,
                span: Some(key.span()),
                setting: self.name(name),
                message,
                remedy,
            });
        }
    }
}

/// Bytes of a text such as `64KiB`; whole numbers, binary units, `B` for bytes.
fn parse_size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The period of a text such as `250ms`; whole numbers.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor: u64 = match unit.trim_start() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor).map(Duration::from_millis)
}

/// The known key that differs least, if it differs by no more than a third of its length.
fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let (distance, best) =
        known.iter().map(|key| (edit_distance(name, key), *key)).min_by_key(|(d, _)| *d)?;
    (distance <= best.len().max(3) / 3).then_some(best)
}

/// Levenshtein's distance in bytes, by one row of the matrix.
fn edit_distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}
