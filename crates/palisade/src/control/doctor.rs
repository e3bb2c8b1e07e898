//! `palisade doctor`: looks at everything a process needs, from outside and, where one runs, from
//! inside, and says of each thing how it is and what to do about it.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::time::{Duration, SystemTime};

use gateway::limits::{CONNECTIONS_MAX, DESCRIPTORS_EACH, DESCRIPTORS_RESERVED};
use policy::document::Upstream;
use serde_json::Value;

use super::{Request, client};
use crate::EXIT_TROUBLE;
use crate::args::{Global, Target};
use crate::run::{CONSOLE_DEFAULT, TELEMETRY_DEFAULT};
use crate::settings::Settings;
use crate::terminal;

/// How long a server may take to be connected to before it counts as out of reach.
const CONNECT: Duration = Duration::from_secs(2);

/// How long the running process may take to say how it is.
const ANSWER: Duration = Duration::from_secs(10);

/// Free bytes below which a disk is almost full, and below which it is as good as full.
const DISK_LOW: u64 = 1 << 30;
const DISK_FULL: u64 = 64 << 20;

/// How something is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verdict {
    Fail,
    Good,
    Warn,
}

/// What was found, and what to do about it.
struct Check {
    verdict: Verdict,
    subject: &'static str,
    found: String,
    remedy: &'static str,
}

impl Check {
    fn good(subject: &'static str, found: String) -> Self {
        Self { verdict: Verdict::Good, subject, found, remedy: "" }
    }

    fn warn(subject: &'static str, found: String, remedy: &'static str) -> Self {
        Self { verdict: Verdict::Warn, subject, found, remedy }
    }

    fn fail(subject: &'static str, found: String, remedy: &'static str) -> Self {
        Self { verdict: Verdict::Fail, subject, found, remedy }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Fail => "fail",
            Verdict::Good => "ok",
            Verdict::Warn => "warn",
        };
        // what was found may have several lines
        let found = self.found.trim_end().replace('\n', "\n                 ");
        write!(out, "{word:<5}{:<12}{found}", self.subject)?;
        if !self.remedy.is_empty() {
            write!(out, "\n     {:<12}→ {}", "", self.remedy)?;
        }
        Ok(())
    }
}

/// Checks everything; exit code 2 when something fails.
pub(crate) fn run(target: &Target, global: &Global) -> anyhow::Result<u8> {
    let status = ask(target, global);
    let mut checks = Vec::new();
    match Settings::load(global) {
        Ok(settings) => {
            let revision = settings.policy.revision;
            checks.push(Check::good("settings", format!("sound; revision {revision}")));
            contracts(&settings, &mut checks);
            listeners(&settings, status.is_ok(), &mut checks);
            database(&settings, &mut checks);
            memory(settings.document.runtime.memory, &mut checks);
            upstreams(&settings, &mut checks);
            inside(&status, &revision.to_string(), &mut checks);
        }
        Err(error) => {
            let remedy = "mend what is named; a running process keeps what it has";
            checks.push(Check::fail("settings", terminal::plain(&error), remedy));
            inside(&status, "", &mut checks);
        }
    }
    descriptors(&mut checks);
    clock(&mut checks);
    let (mut shown, mut counts) = (String::new(), [0; 3]);
    for check in &checks {
        shown.push_str(&format!("{check}\n"));
        counts[check.verdict as usize] += 1;
    }
    let [failed, good, warned] = counts;
    shown.push_str(&format!("{good} ok, {warned} to look at, {failed} wrong\n"));
    terminal::result(&shown)?;
    Ok(if failed > 0 { EXIT_TROUBLE } else { 0 })
}

fn ask(target: &Target, global: &Global) -> anyhow::Result<Value> {
    let (_, mut reply) = client::ask(target, global, Request::Status, ANSWER)?;
    match reply["error"].as_str() {
        Some(error) => Err(anyhow::anyhow!("{error}")),
        None => Ok(reply["status"].take()),
    }
}

fn contracts(settings: &Settings, checks: &mut Vec<Check>) {
    for service in &settings.policy.services {
        let name = &service.name;
        checks.push(match &service.contract {
            None => Check::warn(
                "contract",
                format!("service {name} has none"),
                "everything it is asked is undocumented; set `spec`, or learn one with `analyze`",
            ),
            Some(contract) => {
                let (operations, left) = (contract.operations().len(), contract.warnings().len());
                let found = format!("service {name}: {operations} operations");
                match (operations, left) {
                    (0, _) => {
                        Check::fail("contract", found, "name a file that declares operations")
                    }
                    (_, 0) => Check::good("contract", found),
                    _ => Check::warn(
                        "contract",
                        format!("{found}; {left} constructs are not enforced"),
                        "`palisade check` names them",
                    ),
                }
            }
        });
    }
}

/// Ports must be free for a process that is to start, and answer for one that runs.
fn listeners(settings: &Settings, runs: bool, checks: &mut Vec<Check>) {
    let document = &settings.document;
    let mut wanted: Vec<SocketAddr> = document.listeners.iter().map(|one| one.bind).collect();
    wanted.push(document.telemetry.unwrap_or(TELEMETRY_DEFAULT));
    wanted.push(document.console.unwrap_or(CONSOLE_DEFAULT));
    for bind in wanted.into_iter().filter(|bind| bind.port() != 0) {
        checks.push(if runs {
            match TcpStream::connect_timeout(&reachable(bind), CONNECT) {
                Ok(_) => Check::good("port", format!("{bind} answers")),
                Err(error) => Check::fail(
                    "port",
                    format!("{bind}: {error}"),
                    "listeners change with a restart only: `palisade stop`, then `palisade run`",
                ),
            }
        } else {
            match TcpListener::bind(bind) {
                Ok(_) => Check::good("port", format!("{bind} is free")),
                Err(error) => Check::fail(
                    "port",
                    format!("{bind}: {error}"),
                    "end what uses it, choose another, or allow this user ports below 1024",
                ),
            }
        });
    }
}

/// An address of this machine at which a socket bound to `bind` answers.
fn reachable(bind: SocketAddr) -> SocketAddr {
    match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, bind.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, bind.port()).into()
        }
        _ => bind,
    }
}

fn database(settings: &Settings, checks: &mut Vec<Check>) {
    let path = settings.database();
    let directory = path.parent().unwrap_or(&path);
    let shown = path.display();
    let place = if path.exists() { path.as_path() } else { directory };
    checks.push(match rustix::fs::access(place, rustix::fs::Access::WRITE_OK) {
        Ok(()) => Check::good("database", format!("{shown} can be written")),
        Err(error) => Check::fail(
            "database",
            format!("{}: {error}", place.display()),
            "give this user the right to write there, or set [storage] store",
        ),
    });
    let Ok(disk) = rustix::fs::statvfs(directory) else { return };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} MiB free in {}", free >> 20, directory.display());
    let remedy = "free some, or move the database: [storage] store";
    checks.push(match free {
        ..DISK_FULL => Check::fail("disk", found, remedy),
        DISK_FULL..DISK_LOW => Check::warn("disk", found, remedy),
        DISK_LOW.. => Check::good("disk", found),
    });
}

fn upstreams(settings: &Settings, checks: &mut Vec<Check>) {
    for service in &settings.document.services {
        for upstream in &service.upstreams.targets {
            let shown = format!("{}:{} of {}", upstream.host, upstream.port, service.name.value);
            checks.push(match connect(upstream) {
                Ok(()) => Check::good("upstream", format!("{shown} can be connected to")),
                Err(error) => Check::fail(
                    "upstream",
                    format!("{shown}: {error}"),
                    "start it, or mend its name, its port or the way to it",
                ),
            });
        }
    }
}

fn connect(upstream: &Upstream) -> std::io::Result<()> {
    let mut last = std::io::Error::other("the name has no address");
    for address in (upstream.host.as_str(), upstream.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What the running process says of itself.
fn inside(status: &anyhow::Result<Value>, revision: &str, checks: &mut Vec<Check>) {
    let status = match status {
        Ok(status) => status,
        Err(error) => {
            let found = format!("{error:#}");
            checks.push(Check::warn("process", found, "nothing is guarded until one runs"));
            return;
        }
    };
    let found = format!("{} answers, version {}", status["pid"], status["version"]);
    checks.push(if status["ready"] == true {
        Check::good("process", found)
    } else {
        Check::fail("process", format!("{found}, and accepts no traffic"), "see its log")
    });
    if status["version"] != env!("CARGO_PKG_VERSION") {
        let found = format!("this program is {}", env!("CARGO_PKG_VERSION"));
        checks.push(Check::warn("version", found, "`palisade upgrade` puts it in place"));
    }
    if let Some(error) = status["last_reload"]["error"].as_str() {
        let found = format!("the last reload was not taken: {error}");
        checks.push(Check::fail("reload", found, "mend the settings, then `palisade reload`"));
    } else if !revision.is_empty() && status["revision"] != revision {
        let found = format!("revision {} is in force", status["revision"]);
        let remedy = "the files have changed since: `palisade reload`";
        checks.push(Check::warn("reload", found, remedy));
    }
    if let Some(trouble) = status["store"]["trouble"].as_str() {
        checks.push(Check::fail(
            "store",
            trouble.to_owned(),
            "nothing is kept until this is mended",
        ));
    }
    let dropped = &status["dropped"];
    if dropped["observations"] != 0 || dropped["connections"] != 0 {
        let found = format!(
            "{} observations and {} connections since the start",
            dropped["observations"], dropped["connections"]
        );
        checks.push(Check::warn("dropped", found, "more traffic than this machine carries"));
    }
    for one in status["certificates"].as_array().into_iter().flatten() {
        checks.push(certificate(one));
    }
    for listener in status["listeners"].as_array().into_iter().flatten() {
        if listener["role"] == "telemetry" {
            checks.push(telemetry(listener["address"].as_str().unwrap_or_default()));
        }
    }
}

/// A certificate should be replaced before the last fifth of its life: those that are ordered are
/// after two thirds.
fn certificate(served: &Value) -> Check {
    let seconds = |name: &str| served[name].as_i64();
    let names: Vec<&str> =
        served["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (Some(begins), Some(ends)) = (seconds("not_before_s"), seconds("not_after_s")) else {
        let found = format!("{} has none, and refuses handshakes", served["listener"]);
        return Check::fail("tls", found, "see the log for what its authority says");
    };
    let found = format!("{} until {}", names.join(" "), served["not_after"]);
    let left = ends - crate::run::now().micros() / 1_000_000;
    if left <= 0 {
        Check::fail("tls", format!("{found}: expired"), "put another certificate in place")
    } else if left < (ends - begins) / 5 {
        Check::warn("tls", found, "put another certificate in place before then")
    } else {
        Check::good("tls", found)
    }
}

fn telemetry(address: &str) -> Check {
    let asked = || -> std::io::Result<String> {
        let address: SocketAddr = address.parse().map_err(std::io::Error::other)?;
        let mut stream = TcpStream::connect_timeout(&reachable(address), CONNECT)?;
        stream.set_read_timeout(Some(CONNECT))?;
        stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    match asked() {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => {
            Check::good("telemetry", format!("{address} is alive"))
        }
        Ok(_) => Check::fail("telemetry", format!("{address} does not say ok"), "see its log"),
        Err(error) => Check::fail("telemetry", format!("{address}: {error}"), "see its log"),
    }
}

/// Memory that a process needs for itself, its contracts and some hundred held bodies.
const MEMORY_LOW: u64 = 128 << 20;

fn memory(written: Option<u64>, checks: &mut Vec<Check>) {
    checks.push(match written.or_else(gateway::budget::memory_limit) {
        None => Check::good("memory", "no limit".to_owned()),
        Some(limit) if limit < MEMORY_LOW => Check::warn(
            "memory",
            format!("at most {} MiB", limit >> 20),
            "raise the limit of the control group, or [runtime] memory",
        ),
        Some(limit) => Check::good("memory", format!("at most {} MiB", limit >> 20)),
    });
}

fn descriptors(checks: &mut Vec<Check>) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let wanted = CONNECTIONS_MAX as u64 * DESCRIPTORS_EACH + DESCRIPTORS_RESERVED;
    checks.push(match limit.maximum {
        Some(most) if most < wanted => Check::warn(
            "descriptors",
            format!("at most {most}; {CONNECTIONS_MAX} connections need {wanted}"),
            "raise the hard limit: LimitNOFILE= of the unit, or ulimit -Hn",
        ),
        Some(most) => Check::good("descriptors", format!("at most {most}")),
        None => Check::good("descriptors", "no limit".to_owned()),
    });
}

/// A clock before the program itself was built is wrong, and makes tokens valid that are not.
fn clock(checks: &mut Vec<Check>) {
    let built = std::env::current_exe().and_then(|program| program.metadata()?.modified());
    let now = SystemTime::now();
    let remedy = "set it, and keep it set: systemd-timesyncd, chrony";
    checks.push(match built {
        Ok(built) if built > now => {
            Check::fail("clock", "the time is before this program was installed".to_owned(), remedy)
        }
        _ => Check::good("clock", format!("{}", crate::run::now())),
    });
}
