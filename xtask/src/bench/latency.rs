//! Latency at half of what nginx can carry, open loop: requests come when they come.

use std::path::Path;
use std::sync::atomic::AtomicU64;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::turns::Effort;
use crate::rig::client::{self, Outcome, Pace, Plan};
use crate::rig::figures::{median, range, table};
use crate::rig::nginx::{Door, Nginx};
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::{PATH, wrk};

/// The share of nginx's greatest throughput at which both are measured.
const SHARE: f64 = 0.5;
/// Runs of wrk that find out the greatest throughput.
const RUNS: usize = 3;
/// How much slower than nginx's the 99th percentile may be.
const GOAL: f64 = 1.2;
/// Percentiles that are told.
const SHARES: &[(&str, f64)] =
    &[("p50 ms", 0.5), ("p90 ms", 0.9), ("p99 ms", 0.99), ("p99.9 ms", 0.999)];

/// Measures nginx and the binary in turns.
pub(super) fn measure(binary: &Path, effort: Effort) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let nginx = Nginx::proxy(directory, "nginx", origin.port, Door::Plain)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let palisade = Palisade::start(&setup)?;
    wrk::run(palisade.port, effort.seconds)?;
    let greatest = (0..RUNS).map(|_| Ok(wrk::run(nginx.port, effort.seconds)?.per_second));
    let rate = median(greatest.collect::<Result<Vec<_>>>()?) * SHARE;
    let mut samples: Vec<[Vec<f64>; 2]> = Vec::new();
    for round in 0..effort.rounds.max(1) {
        let mut of = [Vec::new(), Vec::new()];
        for turn in 0..2 {
            let whose = (round + turn) % 2;
            let port = [nginx.port, palisade.port][whose];
            let outcome = paced(port, rate, effort.seconds)?;
            of[whose] = SHARES.iter().map(|(_, share)| outcome.percentile_ms(*share)).collect();
        }
        samples.push(of);
        eprintln!("xtask: round {} of {}", round + 1, effort.rounds.max(1));
    }
    Ok(report(rate, &samples))
}

/// Sends at the rate for some seconds. Every request must be answered.
fn paced(port: u16, rate: f64, seconds: u32) -> Result<Outcome> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive and a run has far fewer than 2^52 requests"
    )]
    let requests = (rate * f64::from(seconds)) as u64;
    let plan = Plan {
        port,
        connections: wrk::CONNECTIONS as usize,
        pace: Pace::PerSecond(rate),
        requests,
        texts: &[client::get(PATH)],
        over: &AtomicU64::new(0),
    };
    let outcome = client::run(&plan)?;
    if outcome.failures() > 0 {
        bail!("the load was not answered cleanly: {:?}", outcome.failed);
    }
    Ok(outcome)
}

fn report(rate: f64, samples: &[[Vec<f64>; 2]]) -> Value {
    let mut rows = Vec::new();
    let mut figures = json!({"requests_per_second": rate, "rounds": samples.len()});
    for (place, (label, _)) in SHARES.iter().enumerate() {
        let of = |whose: usize| median(samples.iter().map(|sample| sample[whose][place]));
        let ratios = || samples.iter().map(|[nginx, other]| other[place] / nginx[place]);
        let (nginx, other, ratio) = (of(0), of(1), median(ratios()));
        let (low, high) = range(ratios());
        rows.push(vec![
            (*label).to_owned(),
            format!("{nginx:.2}"),
            format!("{other:.2}"),
            format!("**{ratio:.2}** ({low:.2} – {high:.2})"),
        ]);
        figures[*label] =
            json!({"nginx": nginx, "palisade": other, "ratio": ratio, "low": low, "high": high});
    }
    println!(
        "### Latency, open loop, {rate:.0} requests/s (half of nginx's most), median of {} rounds; \
         goal: p99 at most {GOAL} times nginx's\n",
        samples.len()
    );
    println!("{}", table(&["", "nginx", "palisade", "ratio (range)"], &rows));
    figures
}
