//! `cargo xtask soak`: what only shows after a while. Steady load, after which memory and
//! descriptors must be where they were; and reloads and upgrades under load, of which no client may
//! notice any.

mod account;
mod reload;
mod slope;
mod steady;

use std::path::PathBuf;

use anyhow::Result;

use self::reload::Changes;
use crate::rig::palisade::binary;
use crate::{script, tree};

/// What to run, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// Minutes of steady load
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Requests during which there are reloads and upgrades
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// Reloads during those requests
    #[arg(long, default_value_t = 50)]
    reloads: u32,
    /// Upgrades during those requests, between the reloads
    #[arg(long, default_value_t = 10)]
    upgrades: u32,
    /// This binary; by default the release build of this tree
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// A part of the soak.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Part {
    /// Steady load: the slope of memory, and descriptors
    Steady,
    /// Reloads and upgrades under load
    Reload,
}

/// Runs the parts asked for. A goal that is missed is an error.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = tree::root()?;
    script::run(&root, script::NGINX)?;
    let binary = binary(&root, options.binary.as_deref())?;
    let wants = |part| options.only.is_none_or(|only| only == part);
    if wants(Part::Steady) {
        steady::run(&binary, options.minutes)?;
    }
    if wants(Part::Reload) {
        let changes = Changes { reloads: options.reloads, upgrades: options.upgrades };
        reload::run(&binary, options.requests, changes)?;
    }
    Ok(())
}
