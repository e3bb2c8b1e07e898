//! `cargo xtask fuzz-smoke`: every target of `fuzz/` for a short while.
//!
//! libFuzzer needs unstable compiler flags. `RUSTC_BOOTSTRAP=1` lets the pinned stable compiler
//! take them, for this one build, which is never shipped.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{command, script, tree};

/// How long to fuzz, and what.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this target
    #[arg(long)]
    target: Option<String>,
    /// Where libFuzzer's random numbers begin; the same seed asks the same questions
    #[arg(long, default_value_t = 1)]
    seed: u32,
}

impl Options {
    /// What a change must pass: enough to see that every target builds and holds on its seeds.
    pub(crate) const fn of_a_change() -> Self {
        Self { seconds: 5, target: None, seed: 1 }
    }
}

/// Builds the targets and runs each; a crash, a hang or a leak ends the task with an error.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = tree::root()?;
    script::run(&root, script::FUZZ)?;
    let targets = targets(&root, options.target.as_deref())?;
    let mut inputs = 0;
    for target in &targets {
        // What libFuzzer learns goes to the first directory, which git ignores; seeds are kept.
        std::fs::create_dir_all(root.join("fuzz/corpus").join(target))?;
        let mut fuzz = cargo_fuzz(&root);
        fuzz.args(["run", "--sanitizer", "address", target]);
        fuzz.arg(format!("fuzz/corpus/{target}")).arg(format!("fuzz/seeds/{target}")).arg("--");
        fuzz.arg(format!("-max_total_time={}", options.seconds));
        fuzz.arg(format!("-seed={}", options.seed));
        fuzz.args(["-timeout=5", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1"]);
        let failed = || format!("{target}: the input that failed is in fuzz/artifacts/{target}");
        command::run_reading(&mut fuzz, |line| inputs += executed(line)).with_context(failed)?;
    }
    println!(
        "xtask: {} fuzz targets, {} s each, seed {}, {inputs} inputs, no crash",
        targets.len(),
        options.seconds,
        options.seed
    );
    Ok(())
}

/// The number of inputs in libFuzzer's final statistics; 0 for every other line.
fn executed(line: &str) -> u64 {
    let count = line.strip_prefix("stat::number_of_executed_units:");
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// The targets' names: the files of `fuzz/fuzz_targets/`.
fn targets(root: &Path, only: Option<&str>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in std::fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = file?.path();
        if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
            names.push(name.to_owned());
        }
    }
    names.retain(|name| only.is_none_or(|only| only == name));
    names.sort();
    if names.is_empty() {
        bail!("no such fuzz target: {}", only.unwrap_or("fuzz/fuzz_targets is empty"));
    }
    Ok(names)
}

/// `cargo fuzz` as the script installed it, or the developer's own.
fn cargo_fuzz(root: &Path) -> Command {
    let ours = root.join(".tools/cargo/bin/cargo-fuzz");
    let mut command = Command::new(if ours.is_file() { ours } else { "cargo-fuzz".into() });
    command.current_dir(root).env("RUSTC_BOOTSTRAP", "1");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_final_statistics_are_understood() {
        assert_eq!(executed("stat::number_of_executed_units: 65536"), 65_536);
        assert_eq!(executed("stat::average_exec_per_sec:     9362"), 0);
    }
}
