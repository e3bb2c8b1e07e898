//! The program under measurement: its settings for a bench, its start, and its `analyze`.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::loopback;
use super::process::{Cost, Running};

/// `palisade run` with everything on loopback and in a directory of its own.
pub(super) struct Palisade {
    process: Running,
    pub(super) port: u16,
    /// From the start of the process until /readyz said 200.
    pub(super) ready_after: Duration,
}

impl Palisade {
    /// Starts one worker in front of an origin, observing, with a contract or without.
    pub(super) fn start(
        binary: &Path,
        directory: &Path,
        origin: u16,
        contract: Option<&Path>,
    ) -> Result<Self> {
        let home = directory.join("palisade");
        std::fs::create_dir_all(&home)?;
        let [port, console, telemetry] = loopback::free_ports()?;
        let spec = contract.map(|path| format!("spec = \"{}\"\n", path.display()));
        let settings = settings([port, console, telemetry], origin, &spec.unwrap_or_default());
        let place = home.join("palisade.toml");
        std::fs::write(&place, settings)?;
        let mut command = Command::new(binary);
        command.arg("run").arg("--config").arg(&place).current_dir(&home);
        command.stdout(File::create(home.join("stdout"))?);
        command.stderr(File::create(home.join("stderr"))?);
        let process = Running::start(&mut command)?;
        let ready_after = loopback::wait_until_ok(telemetry, "/readyz", Duration::from_secs(20))
            .with_context(|| std::fs::read_to_string(home.join("stderr")).unwrap_or_default())?;
        Ok(Self { process, port, ready_after })
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }
}

fn settings([port, console, telemetry]: [u16; 3], origin: u16, spec: &str) -> String {
    format!(
        "mode = \"observe\"
[[listeners]]
bind = \"127.0.0.1:{port}\"
[services.bench]
upstreams = [\"http://127.0.0.1:{origin}\"]
{spec}[storage]
store = \"sqlite:palisade.db\"
observations = \"sqlite:palisade.db\"
[console]
bind = \"127.0.0.1:{console}\"
[telemetry]
bind = \"127.0.0.1:{telemetry}\"
[runtime]
workers = 1
"
    )
}

/// What `palisade analyze` cost, and the number of exchanges it says it has read.
pub(super) fn analyze(binary: &Path, recording: &Path, directory: &Path) -> Result<(Cost, u64)> {
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
