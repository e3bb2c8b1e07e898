//! A certificate for loopback, made anew for every run: ECDSA on P-256, as certificate authorities
//! give them out today.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A certificate and its key, in PEM.
pub(crate) struct Certificate {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// Makes one with the `openssl` program.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let made = Self { cert: directory.join("cert.pem"), key: directory.join("key.pem") };
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
        command.args(["-nodes", "-days", "7", "-subj", "/CN=localhost"]);
        command.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        command.arg("-keyout").arg(&made.key).arg("-out").arg(&made.cert);
        let output = command.output().context("openssl did not start")?;
        if !output.status.success() {
            bail!("openssl failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(made)
    }
}
