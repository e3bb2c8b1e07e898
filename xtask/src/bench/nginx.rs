//! nginx twice: the origin that answers, and the `proxy_pass` that is the measure of cost.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::loopback;
use super::process::Running;

/// What the origin answers: 175 bytes of JSON, the size of a small API answer.
const ANSWER: &str = concat!(
    r#"{"id":"8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11","status":"paid","total":{"amount":4250,"#,
    r#""currency":"EUR"},"items":3,"created":"2026-01-15T09:20:00Z","note":"leave it at the door"}"#
);

/// An nginx with one worker.
pub(super) struct Nginx {
    /// Held for its end: the worker ends with it.
    _master: Running,
    pub(super) worker: u32,
    pub(super) port: u16,
}

impl Nginx {
    /// The origin: answers every request at once from memory.
    pub(super) fn origin(directory: &Path) -> Result<Self> {
        let location = format!("default_type application/json; return 200 '{ANSWER}';");
        Self::start(directory, "origin", "", &location)
    }

    /// A proxy that keeps connections to the origin open, as anybody would configure it for speed.
    pub(super) fn proxy(directory: &Path, name: &str, origin: u16) -> Result<Self> {
        let upstream = format!("upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; }}");
        let location = "proxy_pass http://origin; proxy_http_version 1.1; \
                        proxy_set_header Connection '';";
        Self::start(directory, name, &upstream, location)
    }

    fn start(directory: &Path, name: &str, upstream: &str, location: &str) -> Result<Self> {
        let [port] = loopback::free_ports()?;
        let home = directory.join(name);
        std::fs::create_dir_all(&home)?;
        let settings = home.join("nginx.conf");
        std::fs::write(&settings, configuration(&home, port, upstream, location))?;
        let mut command = Command::new(program());
        command.arg("-p").arg(&home).arg("-c").arg(&settings).args(["-e", "error.log"]);
        let master = Running::start(command.stdout(Stdio::null()))?;
        loopback::wait_until_ok(port, "/", Duration::from_secs(5))?;
        let worker = master.first_child()?;
        Ok(Self { _master: master, worker, port })
    }
}

/// Debian keeps nginx where only root's search path looks.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nginx");
    if debian.is_file() { debian } else { "nginx".into() }
}

fn configuration(home: &Path, port: u16, upstream: &str, location: &str) -> String {
    let home = home.display();
    format!(
        "daemon off; worker_processes 1; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; server_tokens off;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  {upstream}
  server {{ listen 127.0.0.1:{port}; location / {{ {location} }} }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_json_of_the_size_that_is_claimed() {
        assert!(serde_json::from_str::<serde_json::Value>(ANSWER).is_ok());
        assert_eq!(ANSWER.len(), 175);
        assert!(!ANSWER.contains('\''));
    }
}
