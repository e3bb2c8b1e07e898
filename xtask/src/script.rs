//! The scripts that install what a task needs beyond Rust.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command;

/// Chromium and the driver of it, for the tests of the console's pages.
pub(crate) const CHROMIUM: &str = "install-chromium.sh";
/// `cargo fuzz`.
pub(crate) const FUZZ: &str = "install-fuzz.sh";
/// h2load, the load over HTTP/2 and TLS, and `openssl` for a certificate.
pub(crate) const H2LOAD: &str = "install-h2load.sh";
/// nginx, the measure of the gateway's cost.
pub(crate) const NGINX: &str = "install-nginx.sh";
/// An authority that issues certificates by ACME, for the tests of that.
pub(crate) const PEBBLE: &str = "install-pebble.sh";
/// HAProxy, and ModSecurity with the Core Rule Set for nginx.
pub(crate) const PEERS: &str = "install-peers.sh";
/// The programs to which `differential` puts what we forward, beside nginx.
pub(crate) const READERS: &str = "install-readers.sh";
/// wrk, the load of the measurement.
pub(crate) const WRK: &str = "install-wrk.sh";

/// Runs one script of `scripts/`. Each does nothing when its work is already done.
pub(crate) fn run(root: &Path, name: &str) -> Result<()> {
    command::run(Command::new("bash").arg(root.join("scripts").join(name)).current_dir(root))
}
