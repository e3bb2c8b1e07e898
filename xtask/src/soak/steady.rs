//! Steady load at three fifths of what the gateway can carry: does anything grow?

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::account;
use super::slope::slope;
use crate::rig::client::{self, Outcome, Pace, Plan};
use crate::rig::nginx::Nginx;
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::process;

/// The share of the greatest throughput that is kept up.
const SHARE: f64 = 0.6;
/// Requests that find out the greatest throughput.
const PROBE_REQUESTS: u64 = 60_000;
/// Connections of the load.
const CONNECTIONS: usize = 64;
/// How often memory and descriptors are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// The share of the time that counts as warm-up.
const WARM_UP: f64 = 0.25;
/// MiB per minute after the warm-up that memory may grow: below that, allocators and caches settle.
const SLOPE_MAX: f64 = 0.5;
/// Descriptors that may be open more at the end than after the warm-up: connections to the origin
/// come and go.
const DESCRIPTORS_SLACK: usize = 4;

/// One look.
struct Look {
    minutes: f64,
    mebibytes: f64,
    descriptors: usize,
}

/// Loads the binary for some minutes, and fails on growth or on a request that failed.
pub(super) fn run(binary: &Path, minutes: u32) -> Result<()> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let palisade = Palisade::start(&setup)?;
    let texts = account::requests();
    let over = AtomicU64::new(0);
    let plan = |pace, requests| Plan {
        port: palisade.port,
        connections: CONNECTIONS,
        pace,
        requests,
        texts: &texts,
        over: &over,
    };
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 requests")]
    let rate =
        PROBE_REQUESTS as f64 / client::run(&plan(Pace::Eager, PROBE_REQUESTS))?.seconds * SHARE;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, a soak has far fewer than 2^52 requests"
    )]
    let requests = (rate * 60.0 * f64::from(minutes)) as u64;
    println!("xtask: {requests} requests at {rate:.0} per second");
    over.store(0, Ordering::Relaxed);
    let plan = plan(Pace::PerSecond(rate), requests);
    let (outcome, looks) = thread::scope(|scope| {
        let load = scope.spawn(|| client::run(&plan));
        let mut looks = Vec::new();
        let begun = Instant::now();
        while !load.is_finished() {
            looks.push(look(palisade.pid(), begun));
            thread::sleep(LOOK);
        }
        (load.join(), looks)
    });
    let outcome = outcome.map_err(|_| anyhow::anyhow!("the load panicked"))??;
    judge(outcome, &looks.into_iter().collect::<Result<Vec<_>>>()?)
}

#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 bytes")]
fn look(pid: u32, begun: Instant) -> Result<Look> {
    Ok(Look {
        minutes: begun.elapsed().as_secs_f64() / 60.0,
        mebibytes: process::memory_now(pid)? as f64 / 1_048_576.0,
        descriptors: process::descriptors(pid)?,
    })
}

fn judge(outcome: Outcome, looks: &[Look]) -> Result<()> {
    let last = looks.last().context("the soak was too short to look at it")?;
    let warm: Vec<&Look> =
        looks.iter().filter(|look| look.minutes >= last.minutes * WARM_UP).collect();
    let first = warm.first().context("the soak was too short to warm up")?;
    let points: Vec<_> = warm.iter().map(|look| (look.minutes, look.mebibytes)).collect();
    let grown = slope(&points);
    println!(
        "soak steady: {} answered, {} repeated, {} failed; p99 {:.2} ms; {:.1} MiB after warm-up, \
         {:.1} at the end, slope {grown:.3} MiB/min; descriptors {} and {}",
        outcome.answered,
        outcome.repeated,
        outcome.failures(),
        outcome.percentile_ms(0.99),
        first.mebibytes,
        last.mebibytes,
        first.descriptors,
        last.descriptors,
    );
    if outcome.failures() > 0 {
        bail!("requests failed: {:?}", outcome.failed);
    }
    if grown > SLOPE_MAX {
        bail!("memory grew by {grown:.3} MiB/min; {SLOPE_MAX} are accepted");
    }
    if last.descriptors > first.descriptors + DESCRIPTORS_SLACK {
        bail!("descriptors grew from {} to {}", first.descriptors, last.descriptors);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(growth: f64, descriptors: usize) -> Vec<Look> {
        let look = |minute: u32| Look {
            minutes: f64::from(minute),
            mebibytes: 50.0 + growth * f64::from(minute),
            descriptors: 100 + descriptors * minute as usize,
        };
        (0..10).map(look).collect()
    }

    #[test]
    fn growth_and_failures_are_told() {
        assert!(judge(Outcome::default(), &looks(0.4, 0)).is_ok());
        assert!(judge(Outcome::default(), &looks(0.6, 0)).is_err());
        assert!(judge(Outcome::default(), &looks(0.0, 2)).is_err());
        assert!(judge(Outcome::default(), &[]).is_err());
        let mut failed = Outcome::default();
        failed.failed.insert("cut off".to_owned(), 1);
        assert!(judge(failed, &looks(0.0, 0)).is_err());
    }
}
