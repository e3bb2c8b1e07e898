//! `cargo xtask differential`: what we forward, put to nginx, HAProxy, Node.js and Python.

use crate::{command, script, tree};

/// How much to put to them.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Requests to forward to every reader
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// Requests to put through a running gateway beside that
    #[arg(long, default_value_t = 2_000)]
    live: usize,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Options {
    /// What a change must pass.
    pub(crate) const fn of_a_change() -> Self {
        Self { requests: 5_000, live: 500, seed: 1 }
    }
}

/// Installs the readers, and fails where one of them reads anything but what was meant.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let root = tree::root()?;
    script::run(&root, script::NGINX)?;
    script::run(&root, script::READERS)?;
    let mut cargo = command::cargo(&root);
    cargo.args(["run", "--quiet", "-p", "palisade-differential", "--"]);
    cargo.args(["--requests", &options.requests.to_string()]);
    cargo.args(["--live", &options.live.to_string(), "--seed", &options.seed.to_string()]);
    command::run(&mut cargo)
}
