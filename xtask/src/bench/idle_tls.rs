//! Ten thousand clients over TLS that have asked once and now only hold their connections.

use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::rig::certificate::Certificate;
use crate::rig::figures::table;
use crate::rig::h2load;
use crate::rig::nginx::{Door, Nginx};
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::process::{self, Running};

/// Connections that are held.
const CONNECTIONS: u32 = 10_000;
/// New connections per second: a core makes more handshakes than this.
const CONNECTIONS_PER_SECOND: u32 = 500;
/// How long clients are silent; longer than making all of the connections takes, shorter than
/// servers keep silent ones.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the servers get after the last connection before their memory is read.
const REST: Duration = Duration::from_secs(5);
/// Resident memory that is the goal.
const GOAL_MIB: f64 = 250.0;

/// Measures nginx and the binary, one after the other.
pub(super) fn measure(binary: &Path) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let certificate = Certificate::new(directory)?;
    let origin = Nginx::origin(directory)?;
    let nginx = Nginx::proxy(directory, "nginx", origin.port, Door::Secure(&certificate))?;
    let of_nginx = hold(nginx.port, nginx.worker)?;
    drop(nginx);
    let palisade = Palisade::start(&Setup {
        binary,
        directory,
        origin: origin.port,
        contract: None,
        certificate: Some(&certificate),
    })?;
    let of_palisade = hold(palisade.port, palisade.pid())?;
    let verdict = if of_palisade.held <= GOAL_MIB { "met" } else { "missed" };
    println!("### {CONNECTIONS} idle TLS connections; goal of {GOAL_MIB} MiB {verdict}\n");
    let rows = [("nginx", of_nginx), ("palisade", of_palisade)];
    let row = |(name, memory): &(&str, Memory)| {
        let [before, held, each] = [memory.before, memory.held, memory.each_kib()];
        vec![
            (*name).to_owned(),
            format!("{before:.1}"),
            format!("**{held:.1}**"),
            format!("{each:.1}"),
        ]
    };
    let head = ["", "resident MiB before", "with all of them", "KiB per connection"];
    println!("{}", table(&head, &rows.iter().map(row).collect::<Vec<_>>()));
    let figure = |memory: &Memory| {
        let each = memory.each_kib();
        json!({"before_mib": memory.before, "held_mib": memory.held, "each_kib": each})
    };
    Ok(json!({"nginx": figure(&rows[0].1), "palisade": figure(&rows[1].1)}))
}

/// Resident MiB.
struct Memory {
    before: f64,
    held: f64,
}

impl Memory {
    fn each_kib(&self) -> f64 {
        (self.held - self.before) * 1024.0 / f64::from(CONNECTIONS)
    }
}

/// Has the connections made, waits until the server has all of them, and reads its memory.
#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 bytes")]
fn hold(port: u16, pid: u32) -> Result<Memory> {
    let mebibytes = || process::memory_now(pid).map(|bytes| bytes as f64 / 1_048_576.0);
    let before = mebibytes()?;
    let descriptors = process::descriptors(pid)?;
    let mut command = h2load::idling(port, CONNECTIONS, CONNECTIONS_PER_SECOND, SILENCE);
    let _clients = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let begun = Instant::now();
    let all = descriptors + CONNECTIONS as usize;
    loop {
        let now = process::descriptors(pid)?;
        if now >= all {
            break;
        }
        if begun.elapsed() > SILENCE - REST * 2 {
            bail!("only {} of {CONNECTIONS} connections are open", now.saturating_sub(descriptors));
        }
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(REST);
    let held = mebibytes()?;
    let left = process::descriptors(pid)?;
    if left < all {
        bail!("{} connections were closed while they were to be held", all - left);
    }
    Ok(Memory { before, held })
}
