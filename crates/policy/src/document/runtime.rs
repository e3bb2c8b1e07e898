//! `[runtime]`: where the process is spoken to and what it may use.

use toml::de::DeTable;

use crate::error::SettingError;
use crate::section::Section;

/// `[runtime]` without `workers`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RuntimeDocument {
    /// `control`: the path of the control socket, relative to the settings file.
    pub control: Option<String>,
    /// `memory`: bytes that the process may use.
    pub memory: Option<u64>,
}

/// What it takes to find the process that a settings file belongs to. Read also from a file with
/// mistakes: who mends one must still be able to reach what runs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Whereabouts {
    /// `[runtime] control`.
    pub control: Option<String>,
    /// The path in `[storage] store`.
    pub store: Option<String>,
}

impl RuntimeDocument {
    pub(super) fn read(runtime: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Self {
        let control = runtime.text("control", errors).and_then(|text| {
            if !text.value.is_empty() {
                return Some(text.value);
            }
            errors.push(SettingError {
                code: "config::path",
                span: Some(text.span),
                setting: runtime.name("control"),
                message: "an empty path names no socket".to_owned(),
                remedy: "write a path as in \"/run/palisade/control.sock\", or leave it out"
                    .to_owned(),
            });
            None
        });
        Self { control, memory: runtime.size("memory", errors) }
    }
}

impl Whereabouts {
    /// What can be made out of the text, however broken the rest of it is.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        let value = |table: &str, key: &str| {
            let table = root.get_ref().get(table)?.get_ref().as_table()?;
            table.get(key)?.get_ref().as_str().map(str::to_owned)
        };
        let store = value("storage", "store");
        let store = store.and_then(|store| store.strip_prefix("sqlite:").map(str::to_owned));
        let control = value("runtime", "control").filter(|control| !control.is_empty());
        Self { control, store }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn control_is_a_path() {
        let read = |value: &str| Document::read(&format!("[runtime]\ncontrol = {value}\n"));
        assert_eq!(read("\"c.sock\"").unwrap().runtime.control.as_deref(), Some("c.sock"));
        assert_eq!(read("\"\"").unwrap_err()[0].code, "config::path");
        assert_eq!(read("7").unwrap_err()[0].code, "config::type");
    }

    #[test]
    fn memory_is_a_size() {
        let read = |value: &str| Document::read(&format!("[runtime]\nmemory = {value}\n"));
        assert_eq!(read("\"512MiB\"").unwrap().runtime.memory, Some(512 << 20));
        assert_eq!(read("\"512\"").unwrap_err()[0].code, "config::size");
    }

    #[test]
    fn a_broken_file_still_says_where_its_process_is() {
        let text = "mode = \"blok\"\nbogus = 1\n[runtime]\ncontrol = \"c.sock\"\n\
                    [storage]\nstore = \"sqlite:x.db\"\n[services";
        let read = Whereabouts::read(text);
        assert_eq!(read.control.as_deref(), Some("c.sock"));
        assert_eq!(read.store.as_deref(), Some("x.db"));
        assert_eq!(Whereabouts::read("= ="), Whereabouts::default());
    }
}
