//! `cargo xtask test`: everything that can fail, in one command, and a count at the end.

use std::path::Path;

use anyhow::{Result, bail};

use crate::{command, script, tidy, tree};

/// Installs what the tests need, runs them all, then the doc tests, then `tidy`.
pub(crate) fn run() -> Result<()> {
    let root = tree::root()?;
    script::run(&root, script::CHROMIUM)?;
    script::run(&root, script::PEBBLE)?;
    let tests = run_tests(&root)?;
    let doc_tests = run_doc_tests(&root)?;
    tidy::run()?;
    println!(
        "xtask: all green: {} tests passed ({tests} tests, {doc_tests} doc tests), 0 failed",
        tests + doc_tests
    );
    Ok(())
}

/// Unit and integration tests, by nextest where it is installed. How many passed.
fn run_tests(root: &Path) -> Result<u64> {
    let mut cargo = command::cargo(root);
    if command::answers("cargo", &["nextest", "--version"]) {
        cargo.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        cargo.args(["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"]);
    }
    let mut tally = Tally::default();
    command::run_reading(&mut cargo, |line| tally.read(line))?;
    tally.accept("tests")
}

/// The examples in doc comments. How many passed; none is no failure.
fn run_doc_tests(root: &Path) -> Result<u64> {
    let mut cargo = command::cargo(root);
    cargo.args(["test", "--workspace", "--doc", "--no-fail-fast"]);
    let mut tally = Tally::default();
    command::run_reading(&mut cargo, |line| tally.read(line))?;
    match tally {
        Tally { skipped: 1.., .. } => bail!("{} doc tests were skipped", tally.skipped),
        Tally { passed, .. } => Ok(passed),
    }
}

/// What the summaries of the test runners add up to.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    passed: u64,
    skipped: u64,
}

impl Tally {
    /// Takes a line of output; only the summaries count.
    fn read(&mut self, line: &str) {
        let line = line.trim_start();
        let summary = line.starts_with("Summary [") || line.starts_with("test result: ");
        if !summary {
            return;
        }
        let mut before = "";
        for word in line.split([' ', ',', ';', ':']).filter(|word| !word.is_empty()) {
            match word {
                "passed" => self.passed += before.parse::<u64>().unwrap_or(0),
                "skipped" | "ignored" => self.skipped += before.parse::<u64>().unwrap_or(0),
                _ => {}
            }
            before = word;
        }
    }

    /// How many passed. A run without a test, or with one left out, proves nothing.
    fn accept(&self, what: &str) -> Result<u64> {
        match self {
            Self { passed: 0, .. } => bail!("no {what} ran"),
            Self { skipped: 1.., .. } => bail!("{} {what} were skipped", self.skipped),
            Self { passed, .. } => Ok(*passed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summaries_of_both_runners_are_understood() {
        let mut tally = Tally::default();
        tally.read("     Summary [   0.102s] 12 tests run: 12 passed (1 slow), 2 skipped");
        tally.read("test result: ok. 30 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out");
        tally.read("        PASS [   0.004s] wire request::tests::seven_passed");
        assert_eq!(tally, Tally { passed: 42, skipped: 3 });
    }

    #[test]
    fn nothing_run_and_something_skipped_are_failures() {
        assert!(Tally::default().accept("tests").is_err());
        assert!(Tally { passed: 3, skipped: 1 }.accept("tests").is_err());
        assert_eq!(Tally { passed: 3, skipped: 0 }.accept("tests").unwrap(), 3);
    }
}
