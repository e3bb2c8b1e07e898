//! What the settings mean here: the only reader of the environment and of the settings file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use anyhow::{Context, anyhow};
use contract::{Contract, SourceDocument};
use policy::document::Document;
use policy::error::SettingError;
use policy::{Policy, Revision};

use crate::args::Global;
use crate::certificates::Certificates;

/// The name under which the settings file is looked for.
const FILE_NAME: &str = "palisade.toml";

/// Where it is looked for last.
const SYSTEM_FILE: &str = "/etc/palisade/palisade.toml";

/// The database, unless the settings name another.
const STORE_DEFAULT: &str = "palisade.db";

/// Bytes of a settings file: thousands of services.
const SETTINGS_BYTES_MAX: u64 = 4 << 20;

/// Bytes of one contract file: the largest public ones have a fifth of this.
const CONTRACT_BYTES_MAX: u64 = 64 << 20;

/// The control socket of a service: systemd makes the directory (`RuntimeDirectory=`).
const SYSTEM_CONTROL: &str = "/run/palisade/control.sock";

/// Reads a variable of the environment; empty ones count as missing.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Settings that are sound, with everything they refer to.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The file; `None` for settings made by the program itself.
    pub(crate) path: Option<PathBuf>,
    /// The directory against which paths in it are resolved.
    pub(crate) base: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// The file as written.
    pub(crate) document: Document,
    /// What it means.
    pub(crate) policy: Arc<Policy>,
    /// The files of TLS.
    pub(crate) certificates: Certificates,
}

impl Settings {
    /// Finds and reads the settings file.
    pub(crate) fn load(global: &Global) -> anyhow::Result<Self> {
        let path = match &global.config {
            Some(path) => path.clone(),
            None => find_file()?,
        };
        let text = read_settings(&path)?;
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::assemble(text, Some(path), base)
    }

    /// Settings from a text; paths in it are relative to `base`.
    pub(crate) fn from_text(text: &str, base: &Path) -> anyhow::Result<Self> {
        Self::assemble(text.to_owned(), None, base.to_path_buf())
    }

    /// Reads the same file again.
    pub(crate) fn reload(&self) -> anyhow::Result<Self> {
        let text = match &self.path {
            Some(path) => read_settings(path)?,
            None => self.text.clone(),
        };
        Self::assemble(text, self.path.clone(), self.base.clone())
    }

    fn assemble(text: String, path: Option<PathBuf>, base: PathBuf) -> anyhow::Result<Self> {
        let trouble = |errors| Trouble { path: path.clone(), text: text.clone(), errors };
        let document = Document::read(&text).map_err(trouble)?;
        let mut contracts = BTreeMap::new();
        let mut texts = vec![text.clone()];
        for service in &document.services {
            if service.spec.is_empty() {
                continue;
            }
            let files: Vec<PathBuf> =
                service.spec.iter().map(|spec| base.join(&spec.value)).collect();
            let (contract, sources) = load_contract(&files)?;
            texts.extend(sources);
            contracts.insert(service.name.value.clone(), Arc::new(contract));
        }
        let revision = Revision::of(texts.iter().map(String::as_str));
        let policy = Policy::resolve(&document, &contracts, revision).map_err(trouble)?;
        let certificates = Certificates::read(&document, &base).map_err(trouble)?;
        Ok(Self { path, base, text, document, policy: Arc::new(policy), certificates })
    }

    /// Mistakes found later in what the file refers to, shown where it does.
    pub(crate) fn trouble(&self, errors: Vec<SettingError>) -> Trouble {
        Trouble { path: self.path.clone(), text: self.text.clone(), errors }
    }

    /// Where this process is spoken to: what the settings say, else the directory that a service
    /// manager makes, else beside the database.
    pub(crate) fn control_path(&self) -> PathBuf {
        if let Some(control) = &self.document.runtime.control {
            return self.base.join(control);
        }
        let system = Path::new(SYSTEM_CONTROL);
        let directory = system.parent().unwrap_or(system);
        if rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_ok() {
            return system.to_owned();
        }
        beside(&self.store_path())
    }

    /// The database's file by its full name, which tells processes apart.
    pub(crate) fn database(&self) -> PathBuf {
        full_name(&self.store_path())
    }

    /// The database's file.
    pub(crate) fn store_path(&self) -> PathBuf {
        database_file(&self.document, &self.base)
    }
}

/// The file of the database that these settings name.
pub(crate) fn database_file(document: &Document, base: &Path) -> PathBuf {
    base.join(document.store.as_deref().unwrap_or(STORE_DEFAULT))
}

/// How the process of a settings file is found, however broken the file is.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    /// Where it may listen, the likeliest first.
    pub(crate) sockets: Vec<PathBuf>,
    /// Its database, by its full name.
    pub(crate) database: Option<PathBuf>,
}

impl Whereabouts {
    /// From the settings file, unless the socket is named.
    pub(crate) fn find(control: Option<&Path>, global: &Global) -> anyhow::Result<Self> {
        if let Some(control) = control {
            return Ok(Self { sockets: vec![control.to_owned()], database: None });
        }
        let path = match &global.config {
            Some(path) => path.clone(),
            None => find_file()?,
        };
        // a file that has gone leaves the defaults
        let text = read_settings(&path).unwrap_or_default();
        let read = policy::document::Whereabouts::read(&text);
        let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let store = base.join(read.store.as_deref().unwrap_or(STORE_DEFAULT));
        let sockets = match read.control {
            Some(control) => vec![base.join(control)],
            None => vec![beside(&store), PathBuf::from(SYSTEM_CONTROL)],
        };
        Ok(Self { sockets, database: Some(full_name(&store)) })
    }
}

/// The control socket of a process that has no directory of its own for it.
fn beside(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}

/// The file by one name, however it is reached. Its directory is enough: the file may not exist
/// yet.
fn full_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match std::fs::canonicalize(directory) {
        Ok(directory) => directory.join(name),
        Err(_) => path.to_owned(),
    }
}

/// The settings file in the working directory or above, up to the root of a repository.
fn find_file() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the working directory is gone")?;
    for directory in here.ancestors() {
        let file = directory.join(FILE_NAME);
        if file.is_file() {
            return Ok(file);
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    let system = PathBuf::from(SYSTEM_FILE);
    if system.is_file() {
        return Ok(system);
    }
    Err(anyhow!(
        "no settings file: looked for {FILE_NAME} in {} and above, and for {SYSTEM_FILE}\n\
         help: write one, name it with --config FILE, or try `palisade demo`",
        here.display()
    ))
}

fn read_settings(path: &Path) -> anyhow::Result<String> {
    read_bounded(path, SETTINGS_BYTES_MAX)
        .with_context(|| format!("cannot read the settings file {}", path.display()))
}

/// A file's text, unless it is larger than anything of its kind: a wrong name must not take the
/// memory of a process that serves.
fn read_bounded(path: &Path, bytes_max: u64) -> anyhow::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    let read = file.take(bytes_max + 1).read_to_string(&mut text)?;
    if read as u64 > bytes_max {
        return Err(anyhow!("it is larger than {} MiB; is it the right file?", bytes_max >> 20));
    }
    Ok(text)
}

/// Files of one contract and of what they refer to; also their texts, in a fixed order.
pub(crate) fn load_contract(files: &[PathBuf]) -> anyhow::Result<(Contract, Vec<String>)> {
    let mut documents: Vec<SourceDocument> = Vec::new();
    let mut wanted: Vec<PathBuf> = files.to_vec();
    let mut at = 0;
    while let Some(path) = wanted.get(at).cloned() {
        at += 1;
        let text = read_bounded(&path, CONTRACT_BYTES_MAX)
            .with_context(|| format!("cannot read the contract {}", path.display()))?;
        let document = SourceDocument { name: path.display().to_string(), text };
        let references = contract::referenced_files(&document)
            .map_err(|error| anyhow!("{}", contract_errors(&[error])))?;
        for file in references.into_iter().map(PathBuf::from) {
            if file.is_file() && !wanted.contains(&file) {
                wanted.push(file);
            }
        }
        documents.push(document);
    }
    let contract = Contract::from_documents(&documents)
        .map_err(|errors| anyhow!("{}", contract_errors(&errors)))?;
    Ok((contract, documents.into_iter().map(|document| document.text).collect()))
}

/// At most this many mistakes of a contract are shown at once.
const CONTRACT_ERRORS_SHOWN: usize = 20;

fn contract_errors(errors: &[contract::DocumentError]) -> String {
    let shown: Vec<String> =
        errors.iter().take(CONTRACT_ERRORS_SHOWN).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(shown.len());
    let tail = if more > 0 { format!("\nand {more} more") } else { String::new() };
    format!("the contract cannot be used\n{}{tail}", shown.join("\n"))
}

/// Mistakes in a settings file, with the text that they point into.
#[derive(Debug)]
pub(crate) struct Trouble {
    path: Option<PathBuf>,
    text: String,
    errors: Vec<SettingError>,
}

impl Trouble {
    /// Every mistake with its line and a caret.
    pub(crate) fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let path = self.path.as_ref().map(|path| path.display().to_string());
        let mut shown = String::new();
        for error in &self.errors {
            let title = format!("{}: {}", error.setting, error.message);
            let mut group: Group<'_> =
                Group::with_title(Level::ERROR.primary_title(title).id(error.code));
            if let Some(span) = &error.span {
                let mark = AnnotationKind::Primary.span(span.clone());
                let snippet = Snippet::source(&self.text).path(path.as_deref());
                group = group.element(snippet.annotation(mark));
            }
            group = group.element(Level::HELP.message(&*error.remedy));
            shown.push_str(&renderer.render(&[group]));
            shown.push_str("\n\n");
        }
        shown
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Trouble {}
