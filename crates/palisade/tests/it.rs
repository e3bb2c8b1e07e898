//! The binary and its doors, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access_log;
mod acme;
mod analyze;
mod cli;
mod control;
mod demo;
mod doors;
mod run;
mod upstream_tls;
