//! The commands of the binary, and the wiring of the rooms behind them.
//!
//! A library so that tests can stand in its doors; nobody else is meant to depend on it.

mod acme;
mod analyze;
mod args;
mod certificates;
mod check;
mod control;
mod demo;
mod explain;
mod manual;
mod progress;
mod report;
mod run;
mod settings;
mod terminal;

use clap::Parser;

use crate::args::{Arguments, Command};

pub use crate::analyze::observe;

/// The job could not be done: bad flag, bad file, nothing to scan.
const EXIT_TROUBLE: u8 = 2;

/// Does what the command line says; the exit code.
pub fn main() -> u8 {
    let arguments = Arguments::parse();
    terminal::init(&arguments.global);
    let outcome = match &arguments.command {
        Command::Run(run) => run::run(run, &arguments.global),
        Command::Demo(demo) => demo::run(demo),
        Command::Analyze(analyze) => analyze::run(analyze, &arguments.global),
        Command::Explain { rule } => explain::run(rule.as_deref()),
        Command::Check { print } => check::run(*print, &arguments.global),
        Command::Reload { target } => control::client::reload(target, &arguments.global),
        Command::Status { target, format } => {
            control::client::status(target, *format, &arguments.global)
        }
        Command::Stop { target, timeout } => {
            control::client::stop(target, *timeout, &arguments.global)
        }
        Command::Upgrade { target } => control::client::upgrade(target, &arguments.global),
        Command::Doctor { target } => control::doctor::run(target, &arguments.global),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { out } => manual::pages(out),
        Command::Schema { of } => manual::schema(*of),
        Command::Version => manual::version(),
    };
    outcome.unwrap_or_else(|error| {
        terminal::error(&error);
        EXIT_TROUBLE
    })
}
