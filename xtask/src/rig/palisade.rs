//! The program under measurement: its settings for a bench, its start, and its `analyze`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::certificate::Certificate;
use super::loopback;
use super::process::{Cost, Running};
use crate::{command, tree};

/// How long an upgrade may take: the old process gives its exchanges a minute.
const UPGRADE: Duration = Duration::from_secs(90);

/// How long a start may take.
const START: Duration = Duration::from_secs(5);

/// The program to measure, built in release unless one was given.
pub(crate) fn binary(root: &Path, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(binary) = given {
        return std::fs::canonicalize(binary)
            .with_context(|| format!("{} is not there", binary.display()));
    }
    command::run(command::cargo(root).args(["build", "--release", "--package", "palisade"]))?;
    Ok(tree::target_directory(root)?.join("release/palisade"))
}

/// `palisade run` with everything on loopback and in a directory of its own.
pub(crate) struct Palisade {
    process: Running,
    home: PathBuf,
    pub(crate) port: u16,
    /// From the start of the process until /readyz said 200.
    pub(crate) ready_after: Duration,
}

/// What one `palisade run` is to do: one worker in front of an origin, observing.
pub(crate) struct Setup<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) directory: &'a Path,
    pub(crate) origin: u16,
    /// Its API's description; without one it learns.
    pub(crate) contract: Option<&'a Path>,
    /// What clients get to see where they come over TLS.
    pub(crate) certificate: Option<&'a Certificate>,
}

impl Palisade {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Self> {
        let home = setup.directory.join("palisade");
        std::fs::create_dir_all(&home)?;
        let ports @ [port, _, telemetry] = loopback::free_ports()?;
        let place = home.join("palisade.toml");
        std::fs::write(&place, settings(ports, setup))?;
        let process = Running::start(&mut run(setup.binary, &home, &[])?)?;
        let ready_after = loopback::wait_until_ok(telemetry, "/readyz", START)
            .with_context(|| std::fs::read_to_string(home.join("stderr")).unwrap_or_default())?;
        Ok(Self { process, home, port, ready_after })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Changes the limit of inspected bodies and has the settings read again.
    pub(crate) fn reload(&self, body_kib: u32) -> Result<()> {
        let place = self.home.join("palisade.toml");
        let settings = std::fs::read_to_string(&place)?;
        let line = limits(body_kib);
        let changed: Vec<&str> = settings
            .lines()
            .map(|old| if old.starts_with("limits = ") { line.as_str() } else { old })
            .collect();
        std::fs::write(&place, changed.join("\n"))?;
        self.process.signal("HUP")
    }

    /// Has a new process take over, and waits until the old one has ended.
    pub(crate) fn upgrade(&mut self, binary: &Path) -> Result<()> {
        let mut new = Running::start(&mut run(binary, &self.home, &["--upgrade"])?)?;
        let begun = Instant::now();
        while !self.process.has_ended()? {
            if new.has_ended()? || begun.elapsed() > UPGRADE {
                let said = std::fs::read_to_string(self.home.join("stderr"))?;
                bail!("the new process did not take over: {said}");
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.process = new;
        Ok(())
    }

    /// How many reloads it says have come into force.
    pub(crate) fn reloads(&self) -> Result<usize> {
        let mut said = std::fs::read_to_string(self.home.join("stderr"))?;
        said.push_str(&std::fs::read_to_string(self.home.join("stdout"))?);
        Ok(said.matches("reloaded: revision ").count())
    }
}

fn settings([port, console, telemetry]: [u16; 3], setup: &Setup<'_>) -> String {
    let spec = setup.contract.map(|path| format!("spec = \"{}\"\n", path.display()));
    let tls = setup.certificate.map(|Certificate { cert, key }| {
        format!("tls = {{ cert = \"{}\", key = \"{}\" }}\n", cert.display(), key.display())
    });
    format!(
        "mode = \"observe\"
[[listeners]]
bind = \"127.0.0.1:{port}\"
{}[services.bench]
upstreams = [\"http://127.0.0.1:{}\"]
{}
{}[storage]
store = \"sqlite:palisade.db\"
observations = \"sqlite:palisade.db\"
[console]
bind = \"127.0.0.1:{console}\"
[telemetry]
bind = \"127.0.0.1:{telemetry}\"
[runtime]
workers = 1
",
        tls.unwrap_or_default(),
        setup.origin,
        limits(1024),
        spec.unwrap_or_default()
    )
}

/// The command line of `palisade run`, whose output is added to what is there.
fn run(binary: &Path, home: &Path, more: &[&str]) -> Result<Command> {
    let output = |name| File::options().create(true).append(true).open(home.join(name));
    let mut command = Command::new(binary);
    command.args(["run", "--config", "palisade.toml"]).args(more).current_dir(home);
    command.stdout(output("stdout")?).stderr(output("stderr")?);
    Ok(command)
}

/// The line that reloads change.
fn limits(body_kib: u32) -> String {
    format!("limits = {{ body = \"{body_kib}KiB\" }}")
}

/// What `palisade analyze` cost, and the number of exchanges it says it has read.
pub(crate) fn analyze(binary: &Path, recording: &Path, directory: &Path) -> Result<(Cost, u64)> {
    let output = directory.join("analysis.json");
    let mut command = Command::new(binary);
    command.arg("analyze").arg(recording).args(["--format", "json"]);
    command.stdout(File::create(&output)?).stderr(Stdio::null());
    let cost = Running::start(&mut command)?.measure_to_end()?;
    let analysis: Value = serde_json::from_slice(&std::fs::read(&output)?)
        .with_context(|| format!("analyze {} printed no JSON", recording.display()))?;
    let read = analysis["read"]["exchanges"].as_u64().context("the analysis names no exchanges")?;
    Ok((cost, read))
}
