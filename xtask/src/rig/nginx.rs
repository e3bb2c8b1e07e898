//! nginx twice: the origin that answers, and the proxy that is the measure of cost; plain, with
//! TLS and HTTP/2, or with ModSecurity and the Core Rule Set.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;

use super::certificate::Certificate;
use super::loopback;
use super::process::Running;

/// What the origin answers: 175 bytes of JSON, the size of a small API answer.
const ANSWER: &str = concat!(
    r#"{"id":"8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11","status":"paid","total":{"amount":4250,"#,
    r#""currency":"EUR"},"items":3,"created":"2026-01-15T09:20:00Z","note":"leave it at the door"}"#
);

/// Descriptors for ten thousand clients, and as many upstreams should all of them ask at once.
const CONNECTIONS_MAX: u32 = 20_000;

/// Proxying as anybody would configure it for speed: connections to the origin stay open.
const PASS: &str = "proxy_pass http://origin; proxy_http_version 1.1; \
                    proxy_set_header Connection '';";

/// Where Debian's packages put ModSecurity's own settings and the Core Rule Set.
const MODSECURITY: &str = "Include /etc/nginx/modsecurity.conf
SecAuditEngine Off
SecResponseBodyMimeType text/plain text/html text/xml application/json
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
";

/// An nginx with one worker.
pub(crate) struct Nginx {
    /// Held for its end: the worker ends with it.
    _master: Running,
    pub(crate) worker: u32,
    pub(crate) port: u16,
}

/// How clients reach a proxy.
#[derive(Clone, Copy)]
pub(crate) enum Door<'a> {
    Plain,
    /// HTTP/1.1 and HTTP/2 over TLS, as the client chooses.
    Secure(&'a Certificate),
}

/// What one nginx is to do.
struct Role<'a> {
    name: &'a str,
    /// Before everything else.
    modules: &'a str,
    /// In `http`.
    http: String,
    /// In `server`.
    server: String,
    location: &'a str,
    door: Door<'a>,
}

impl Nginx {
    /// The origin: answers every request at once from memory.
    pub(crate) fn origin(directory: &Path) -> Result<Self> {
        let location = format!("default_type application/json; return 200 '{ANSWER}';");
        let (name, door) = ("origin", Door::Plain);
        let role = Role {
            modules: "",
            http: String::new(),
            server: String::new(),
            location: &location,
            name,
            door,
        };
        Self::start(directory, &role)
    }

    /// A proxy that keeps connections to the origin open.
    pub(crate) fn proxy(directory: &Path, name: &str, origin: u16, door: Door<'_>) -> Result<Self> {
        let role = Role {
            name,
            modules: "",
            http: upstream(origin),
            server: String::new(),
            location: PASS,
            door,
        };
        Self::start(directory, &role)
    }

    /// A proxy that looks for attacks with ModSecurity and the Core Rule Set, in both bodies, and
    /// blocks nothing: what `observe` is here.
    pub(crate) fn guarded(directory: &Path, origin: u16) -> Result<Self> {
        let name = "modsecurity";
        let rules = directory.join("modsecurity.conf");
        std::fs::write(&rules, MODSECURITY)?;
        let role = Role {
            name,
            modules: "load_module /usr/lib/nginx/modules/ngx_http_modsecurity_module.so;",
            http: upstream(origin),
            server: format!("modsecurity on; modsecurity_rules_file {};", rules.display()),
            location: PASS,
            door: Door::Plain,
        };
        Self::start(directory, &role)
    }

    fn start(directory: &Path, role: &Role<'_>) -> Result<Self> {
        let [port] = loopback::free_ports()?;
        let home = directory.join(role.name);
        std::fs::create_dir_all(&home)?;
        let settings = home.join("nginx.conf");
        std::fs::write(&settings, configuration(&home, port, role))?;
        let mut command = Command::new(program());
        command.arg("-p").arg(&home).arg("-c").arg(&settings).args(["-e", "error.log"]);
        let master = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
        match role.door {
            Door::Plain => loopback::wait_until_ok(port, "/", Duration::from_secs(5))?,
            Door::Secure(_) => loopback::wait_until_open(port, Duration::from_secs(5))?,
        };
        let worker = master.first_child()?;
        Ok(Self { _master: master, worker, port })
    }
}

fn upstream(origin: u16) -> String {
    format!("upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; }}")
}

/// Debian keeps nginx where only root's search path looks.
fn program() -> PathBuf {
    let debian = PathBuf::from("/usr/sbin/nginx");
    if debian.is_file() { debian } else { "nginx".into() }
}

fn configuration(home: &Path, port: u16, role: &Role<'_>) -> String {
    let home = home.display();
    let Role { modules, http, server, location, .. } = role;
    let (how, secrets) = match role.door {
        Door::Plain => ("", String::new()),
        Door::Secure(Certificate { cert, key }) => (
            " ssl http2",
            format!(
                "ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {}; ssl_certificate_key {};",
                cert.display(),
                key.display()
            ),
        ),
    };
    format!(
        "{modules}
daemon off; worker_processes 1; worker_rlimit_nofile {CONNECTIONS_MAX};
pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections {CONNECTIONS_MAX}; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  server_tokens off; client_max_body_size 0;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  {http}
  server {{
    listen 127.0.0.1:{port}{how}; {secrets} {server}
    location / {{ {location} }}
  }}
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
