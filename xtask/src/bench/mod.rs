//! `cargo xtask bench`: the gateway beside nginx and other peers, in clear, over TLS and HTTP/2;
//! latency, memory and hostile requests; and `analyze` over big recordings. Prints Markdown for
//! `docs/measurements.md`; writes the same figures as JSON.
//!
//! Absolute times belong to one machine on one day. What is to be compared are the ratios.

mod analyze;
mod contract;
mod hostile;
mod idle;
mod idle_tls;
mod latency;
mod peers;
mod proxy;
mod recording;
mod secure;
mod stages;
mod turns;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use serde_json::{Value, json};

use self::turns::Effort;
use crate::rig::palisade::binary;
use crate::{script, tree};

/// What to measure, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these parts; repeatable
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Rounds in which nginx, palisade and others are loaded in turns
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Seconds of load for each in each round
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
    /// The same over TLS: open connections, and full handshakes
    Tls,
    /// The same over HTTP/2
    Http2,
    /// Beside HAProxy, and nginx with ModSecurity and the Core Rule Set
    Peers,
    /// Latency at half of nginx's greatest throughput, open loop
    Latency,
    /// Memory of ten thousand idle TLS connections
    IdleTls,
    /// CPU and memory of hostile requests beside plain ones of their size
    Hostile,
    /// Recordings through `analyze`
    Analyze,
    /// Start and memory of an idle `run`
    Idle,
    /// One exchange behind the gateway, stage by stage
    Stages,
    /// One JSON body against its schema
    Contract,
}

impl Part {
    /// The scripts that install what it needs.
    fn scripts(self) -> &'static [&'static str] {
        match self {
            Self::Proxy | Self::Latency => &[script::NGINX, script::WRK],
            Self::Tls => &[script::NGINX, script::WRK, script::H2LOAD],
            Self::Http2 | Self::IdleTls => &[script::NGINX, script::H2LOAD],
            Self::Peers => &[script::NGINX, script::WRK, script::PEERS],
            Self::Hostile | Self::Idle => &[script::NGINX],
            Self::Analyze | Self::Stages | Self::Contract => &[],
        }
    }

    fn measure(self, binary: &Path, effort: Effort, options: &Options) -> Result<Value> {
        match self {
            Self::Proxy => proxy::measure(Some(binary), effort),
            Self::Tls => secure::measure_tls(binary, effort),
            Self::Http2 => secure::measure_http2(binary, effort),
            Self::Peers => peers::measure(binary, effort),
            Self::Latency => latency::measure(binary, effort),
            Self::IdleTls => idle_tls::measure(binary),
            Self::Hostile => hostile::measure(binary, effort.seconds),
            Self::Analyze => analyze::measure(binary, &options.recording),
            Self::Idle => idle::measure(binary),
            Self::Stages => stages::measure(),
            Self::Contract => contract::measure(),
        }
    }
}

/// Runs the parts asked for; everything started is stopped and every file made is removed.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = tree::root()?;
    let parts: Vec<Part> = match (options.noise, options.only.as_slice()) {
        (true, _) => vec![Part::Proxy],
        (false, []) => Part::value_variants().to_vec(),
        (false, only) => only.to_vec(),
    };
    let scripts: BTreeSet<_> = parts.iter().flat_map(|part| part.scripts()).collect();
    for name in scripts {
        script::run(&root, name)?;
    }
    let target = tree::target_directory(&root)?;
    let effort = Effort { rounds: options.pairs, seconds: options.seconds };
    let mut figures = json!({"machine": machine()});
    if options.noise {
        println!("\n## Measured on {}\n", machine());
        figures["noise"] = proxy::measure(None, effort)?;
    } else {
        let binary = binary(&root, options.binary.as_deref())?;
        println!("\n## Measured on {}\n", machine());
        for part in parts {
            let name = part.to_possible_value().context("no part is hidden")?;
            figures[name.get_name()] = part.measure(&binary, effort, options)?;
        }
    }
    let place = options.json.clone().unwrap_or_else(|| target.join("bench.json"));
    write(&place, &figures)
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
