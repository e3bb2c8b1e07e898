//! Reloads under load: every request is answered, whatever is read anew meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::account;
use crate::rig::client::{self, Pace, Plan};
use crate::rig::nginx::Nginx;
use crate::rig::palisade::{Palisade, Setup};

/// Connections of the load.
const CONNECTIONS: usize = 64;
/// KiB of bodies that are inspected before all reloads; one more after each.
const BODY_KIB: u32 = 1024;
/// How long one reload may take until it is in force.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends so many requests with so many reloads spread over them, and fails if one of the first
/// fails or one of the second does not come into force.
pub(super) fn run(binary: &Path, requests: u64, reloads: u32) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let palisade = Palisade::start(&setup)?;
    let (texts, over) = (account::requests(), AtomicU64::new(0));
    let plan = Plan {
        port: palisade.port,
        connections: CONNECTIONS,
        pace: Pace::Eager,
        requests,
        texts: &texts,
        over: &over,
    };
    let (outcome, slowest) = thread::scope(|scope| {
        let load = scope.spawn(|| client::run(&plan));
        let mut slowest: Result<Duration> = Ok(Duration::ZERO);
        for number in 1..=reloads {
            let share = requests * u64::from(number) / (u64::from(reloads) + 1);
            while over.load(Ordering::Relaxed) < share && !load.is_finished() {
                thread::sleep(Duration::from_millis(1));
            }
            let took = reload(&palisade, number);
            slowest = slowest.and_then(|slowest| Ok(slowest.max(took?)));
            if slowest.is_err() {
                break;
            }
        }
        (load.join(), slowest)
    });
    let outcome = outcome.map_err(|_| anyhow::anyhow!("the load panicked"))??;
    println!(
        "soak reload: {} answered, {} repeated, {} failed; {} reloads, the slowest in force after \
         {} ms; p99 {:.2} ms, slowest answer {:.1} ms",
        outcome.answered,
        outcome.repeated,
        outcome.failures(),
        palisade.reloads()?,
        slowest?.as_millis(),
        outcome.percentile_ms(0.99),
        outcome.percentile_ms(1.0),
    );
    if outcome.failures() > 0 {
        bail!("requests failed: {:?}", outcome.failed);
    }
    Ok(())
}

/// Reloads and waits until it says so; how long that took.
fn reload(palisade: &Palisade, number: u32) -> Result<Duration> {
    let begun = Instant::now();
    palisade.reload(BODY_KIB + number)?;
    while palisade.reloads()? < number as usize {
        if begun.elapsed() > PATIENCE {
            bail!("reload {number} was not in force after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(begun.elapsed())
}
