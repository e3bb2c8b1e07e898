//! HAProxy as one of the peers: one thread, the same origin, connections kept open on both sides.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::loopback;
use super::process::Running;

/// A HAProxy in the foreground; it has no process but this one.
pub(crate) struct Haproxy {
    process: Running,
    pub(crate) port: u16,
}

impl Haproxy {
    pub(crate) fn start(directory: &Path, origin: u16) -> Result<Self> {
        let [port] = loopback::free_ports()?;
        let settings = directory.join("haproxy.cfg");
        std::fs::write(&settings, configuration(port, origin))?;
        let mut command = Command::new(program());
        command.arg("-db").arg("-f").arg(&settings);
        let process = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        loopback::wait_until_ok(port, "/", Duration::from_secs(5))?;
        Ok(Self { process, port })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// Debian keeps it where only root's search path looks.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/haproxy");
    if debian.is_file() { debian } else { "haproxy".into() }
}

fn configuration(port: u16, origin: u16) -> String {
    format!(
        "global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen bench
  bind 127.0.0.1:{port}
  server origin 127.0.0.1:{origin}
"
    )
}
