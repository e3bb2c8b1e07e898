//! The developers' tasks: `cargo xtask tidy | test | ci | bench | soak | fuzz-smoke |
//! differential`.
//!
//! Nothing here is shipped. Each task runs the same way on a desk and on a build machine.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers talks to the terminal it was started from"
)]

mod bench;
mod ci;
mod command;
mod differential;
mod fuzz_smoke;
mod rig;
mod script;
mod soak;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The command line of `cargo xtask`.
#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the project's developers")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

/// One task.
#[derive(Subcommand)]
enum Task {
    /// Measure the gateway beside nginx and other peers, `analyze`, and an idle `run`
    Bench(bench::Options),
    /// Everything a change must pass: fmt, tidy, clippy, doc, test, demo --check
    Ci,
    /// Put what we forward to nginx, HAProxy, Node.js and Python: they must read what we meant
    Differential(differential::Options),
    /// Run every fuzz target for a while; a crash fails
    FuzzSmoke(fuzz_smoke::Options),
    /// The slow suite: steady load for minutes, then reloads under load; a leak or a loss fails
    Soak(soak::Options),
    /// Install what the tests need, run them all, then tidy
    Test,
    /// Check the house rules that a compiler does not
    Tidy,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Bench(options) => bench::run(&options),
        Task::Ci => ci::run(),
        Task::Differential(options) => differential::run(&options),
        Task::FuzzSmoke(options) => fuzz_smoke::run(&options),
        Task::Soak(options) => soak::run(&options),
        Task::Test => test::run(),
        Task::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
