//! `cargo xtask ci`: what a change must pass, cheapest first, each dependency built twice at most
//! (once checked for clippy and doc, once compiled for the tests and the demo).

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{command, differential, fuzz_smoke, test, tidy, tree};

/// Runs every step and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    let begun = Instant::now();
    let root = tree::root()?;
    let cargo = || command::cargo(&root);
    command::run(cargo().args(["fmt", "--all", "--check"]))?;
    command::run(cargo().args(["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"]))?;
    tidy::run()?;
    command::run(cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    command::run(&mut doc)?;
    test::run()?;
    command::run(Command::new(tested_binary()?).args(["demo", "--check"]).current_dir(&root))?;
    differential::run(&differential::Options::of_a_change())?;
    fuzz_smoke::run(&fuzz_smoke::Options::of_a_change())?;
    println!("xtask: ci passed in {} s", begun.elapsed().as_secs());
    Ok(())
}

/// The `palisade` that the tests have just built; building it anew would select other features of
/// its dependencies and compile half of them again.
fn tested_binary() -> Result<PathBuf> {
    let binary = tree::target_directory(&tree::root()?)?.join("debug/palisade");
    std::fs::metadata(&binary)
        .with_context(|| format!("{} should be there after the tests", binary.display()))?;
    Ok(binary)
}
