//! What describes the program: completions, manual pages, schemas, the version.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::{Arguments, Schema};
use crate::terminal;

/// The JSON Schema of `analyze --format json`.
const ANALYSIS_SCHEMA: &str = include_str!("../schema/analysis.json");

/// Prints completions.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "palisade", &mut script);
    terminal::result(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes one manual page per command.
pub(crate) fn pages(out: &Path) -> anyhow::Result<u8> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    clap_mangen::generate_to(Arguments::command(), out)
        .with_context(|| format!("cannot write to {}", out.display()))?;
    Ok(0)
}

/// Prints a schema.
pub(crate) fn schema(of: Schema) -> anyhow::Result<u8> {
    match of {
        Schema::Analysis => terminal::result(ANALYSIS_SCHEMA)?,
    }
    Ok(0)
}

/// Prints the version.
pub(crate) fn version() -> anyhow::Result<u8> {
    terminal::result(&format!("palisade {}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(0)
}
