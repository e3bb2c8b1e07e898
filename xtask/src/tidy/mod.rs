//! `cargo xtask tidy`: the house rules that neither rustc nor clippy checks. One file per rule.
//!
//! A rule is a function from what it reads to the complaints it has; it has no exceptions file.
//! Where a rule knows of permitted cases, they stand in its own file with the reason.

mod clippy_copies;
mod dependencies;
mod duplicates;
mod edges;
mod file_length;
mod function_length;
mod globs;
mod graph;
mod licences;
mod line_width;
mod machine_paths;
mod module_names;
mod opening;
mod pages;
mod serde_json_features;
mod serializable;
mod source;
mod spdx;
mod unfinished;
mod vendored;

use std::fmt;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::tree::{self, Tree};
use source::Source;

/// One breach of one rule, at one place.
#[derive(Debug, PartialEq)]
struct Complaint {
    path: String,
    /// From 1; 0 is the whole file.
    line: usize,
    what: String,
}

impl Complaint {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// All that the rules read.
struct Evidence {
    tree: Tree,
    sources: Vec<Source>,
    metadata: Value,
}

/// A rule: a name to print, and the function.
type Rule = (&'static str, fn(&Evidence) -> Vec<Complaint>);

const RULES: &[Rule] = &[
    ("function length", |all| per_source(all, function_length::check)),
    ("file length", |all| per_source(all, file_length::check)),
    ("opening sentence", |all| per_source(all, opening::check)),
    ("module names", |all| per_source(all, module_names::check)),
    ("glob imports", |all| per_source(all, globs::check)),
    ("line width", |all| per_source(all, line_width::check)),
    ("unfinished work", |all| per_source(all, unfinished::check)),
    ("serializable types", |all| per_source(all, serializable::check)),
    ("who may know whom", |all| edges::check(&all.metadata)),
    ("dependencies of the core", |all| dependencies::check(&all.metadata)),
    ("duplicate versions", |all| duplicates::check(&all.metadata)),
    ("licences", |all| licences::check(&all.metadata)),
    ("serde_json features", |all| serde_json_features::check(&all.metadata)),
    ("clippy.toml of the core", |all| clippy_copies::check(&all.tree)),
    ("a page per rule", |all| pages::check(&all.tree, &all.sources)),
    ("vendored assets", |all| vendored::check(&all.tree)),
    ("machine paths", |all| machine_paths::check(&all.tree)),
];

fn per_source(all: &Evidence, check: fn(&Source) -> Vec<Complaint>) -> Vec<Complaint> {
    all.sources.iter().flat_map(check).collect()
}

/// Checks every rule, prints every complaint, and fails when there is one.
pub(crate) fn run() -> Result<()> {
    let begun = Instant::now();
    let root = tree::root()?;
    let tree = Tree::read(&root)?;
    let (sources, mut complaints) = source::parse_all(&tree);
    let all = Evidence { metadata: tree::metadata(&root)?, tree, sources };
    for (name, check) in RULES {
        let found = check(&all);
        if !found.is_empty() {
            println!("tidy: {name}: {} to mend", found.len());
        }
        complaints.extend(found);
    }
    for complaint in &complaints {
        println!("{complaint}");
    }
    if !complaints.is_empty() {
        bail!("tidy: {} places to mend", complaints.len());
    }
    println!(
        "tidy: {} rules hold over {} files ({} of Rust), {} ms",
        RULES.len(),
        all.tree.files.len(),
        all.sources.len(),
        begun.elapsed().as_millis()
    );
    Ok(())
}
