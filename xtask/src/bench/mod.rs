//! `cargo xtask bench`: the gateway beside nginx in one run, `analyze` over big recordings, and an
//! idle `run`. Prints Markdown for `docs/measurements.md`; writes the same figures as JSON.
//!
//! Absolute times belong to one machine on one day. What is to be compared are the ratios.

mod analyze;
mod figures;
mod idle;
mod load;
mod loopback;
mod nginx;
mod palisade;
mod process;
mod proxy;
mod recording;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{command, script, tree};

/// What to measure, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Alternating pairs of nginx and palisade
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Seconds of load for each half of a pair
    #[arg(long, default_value_t = 4)]
    seconds: u32,
    /// nginx on both sides: how much of a ratio is noise on this machine
    #[arg(long)]
    noise: bool,
    /// Also analyze these recordings
    #[arg(long, value_name = "FILE")]
    recording: Vec<PathBuf>,
    /// Measure this binary; by default the release build of this tree
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the JSON goes; by default target/bench.json
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A part of the measurement.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Part {
    /// The gateway beside nginx
    Proxy,
    /// Recordings through `analyze`
    Analyze,
    /// Start and memory of an idle `run`
    Idle,
}

/// Runs the parts asked for; everything started is stopped and every file made is removed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = tree::root()?;
    let wants = |part| options.only.is_none_or(|only| only == part);
    if wants(Part::Proxy) {
        script::run(&root, script::NGINX)?;
        script::run(&root, script::WRK)?;
    }
    let target = tree::metadata(&root)?["target_directory"]
        .as_str()
        .map(PathBuf::from)
        .context("no target_directory")?;
    let binary = if options.noise { None } else { Some(binary(&root, &target, options)?) };
    let mut figures = json!({"machine": machine()});
    println!("\n## Measured on {}\n", machine());
    if wants(Part::Proxy) {
        figures["proxy"] = proxy::measure(binary.as_deref(), options.pairs, options.seconds)?;
    }
    if let Some(binary) = &binary {
        if wants(Part::Analyze) {
            figures["analyze"] = analyze::measure(binary, &options.recording)?;
        }
        if wants(Part::Idle) {
            figures["idle"] = idle::measure(binary)?;
        }
    }
    let place = options.json.clone().unwrap_or_else(|| target.join("bench.json"));
    write(&place, &figures)
}

/// The program to measure, built in release unless one was given.
fn binary(root: &Path, target: &Path, options: &Options) -> Result<PathBuf> {
    if let Some(binary) = &options.binary {
        return std::fs::canonicalize(binary)
            .with_context(|| format!("{} is not there", binary.display()));
    }
    command::run(command::cargo(root).args(["build", "--release", "--package", "palisade"]))?;
    Ok(target.join("release/palisade"))
}

/// Processor and number of cores, as /proc tells.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unnamed processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

fn write(place: &Path, figures: &Value) -> Result<()> {
    if let Some(directory) = place.parent() {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(place, serde_json::to_string_pretty(figures)?)
        .with_context(|| format!("writing {}", place.display()))?;
    println!("\nxtask: figures are in {}", place.display());
    Ok(())
}
