//! The gateway beside nginx: same origin, same load, in turns, within one run.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::turns::{self, Contender, Effort};
use crate::rig::figures::table;
use crate::rig::nginx::{Door, Nginx};
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::{process, wrk};

/// Measures nginx and the binary; without a binary, nginx and nginx.
pub(super) fn measure(binary: Option<&Path>, effort: Effort) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let nginx = Nginx::proxy(directory, "nginx", origin.port, Door::Plain)?;
    let first = Contender { name: "nginx", port: nginx.port, pid: nginx.worker };
    let title = format!("Proxy, {} keep-alive connections", wrk::CONNECTIONS);
    let compare = |second: Contender<'_>| -> Result<Value> {
        let contenders = [first, second];
        let samples = turns::take(&contenders, effort, &wrk::run)?;
        Ok(turns::report(&title, &contenders, &samples))
    };
    let Some(binary) = binary else {
        let second = Nginx::proxy(directory, "second", origin.port, Door::Plain)?;
        return compare(Contender { name: "nginx again", port: second.port, pid: second.worker });
    };
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let palisade = Palisade::start(&setup)?;
    let figures =
        compare(Contender { name: "palisade", port: palisade.port, pid: palisade.pid() })?;
    print_threads(palisade.pid())?;
    Ok(figures)
}

/// Where the CPU time went inside, over the whole run, warm-up and start included.
fn print_threads(pid: u32) -> Result<()> {
    let threads = process::cpu_time_by_thread(pid)?;
    let rows: Vec<Vec<String>> = threads
        .iter()
        .map(|(name, cpu)| {
            vec![name.clone(), format!("{:.2}", cpu.user), format!("{:.2}", cpu.system)]
        })
        .collect();
    println!("{}", table(&["thread", "user s", "system s"], &rows));
    Ok(())
}
