//! The gateway beside nginx: same origin, same load, in turns, within one run.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::figures::{median, range, table};
use super::load::{self, Load};
use super::nginx::Nginx;
use super::palisade::Palisade;
use super::process::{self, CpuTime};

/// Seconds of load before anything is counted.
const WARM_UP_SECONDS: u32 = 2;

/// One half of a pair.
struct Sample {
    load: Load,
    cpu: CpuTime,
}

impl Sample {
    /// Loads a proxy and takes the CPU time of its process before and after.
    fn take(port: u16, pid: u32, seconds: u32) -> Result<Self> {
        let before = process::cpu_time(pid)?;
        let load = load::run(port, seconds)?;
        Ok(Self { load, cpu: process::cpu_time(pid)?.since(before) })
    }

    /// Microseconds of CPU per request.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    fn per_request(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.load.requests as f64
    }

    fn cpu_per_request(&self) -> f64 {
        self.per_request(self.cpu.total())
    }
}

/// A column of figures, one per sample.
type Figure = (&'static str, fn(&Sample) -> f64);

const FIGURES: &[Figure] = &[
    ("CPU µs/request", Sample::cpu_per_request),
    ("user µs", |sample| sample.per_request(sample.cpu.user)),
    ("system µs", |sample| sample.per_request(sample.cpu.system)),
    ("requests/s", |sample| sample.load.per_second),
    ("p50 ms", |sample| sample.load.p50_ms),
    ("p99 ms", |sample| sample.load.p99_ms),
];

/// Measures pairs of nginx and the binary; without a binary, of nginx and nginx.
pub(super) fn measure(binary: Option<&Path>, pairs: usize, seconds: u32) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let origin = Nginx::origin(directory.path())?;
    let nginx = Nginx::proxy(directory.path(), "nginx", origin.port)?;
    let report = match binary {
        Some(binary) => {
            let palisade = Palisade::start(binary, directory.path(), origin.port, None)?;
            let report =
                in_turns(("palisade", palisade.port, palisade.pid()), &nginx, pairs, seconds)?;
            print_threads(palisade.pid())?;
            report
        }
        None => {
            let second = Nginx::proxy(directory.path(), "second", origin.port)?;
            in_turns(("nginx again", second.port, second.worker), &nginx, pairs, seconds)?
        }
    };
    // Dropped here, in the reverse order of their start, before their directory.
    drop((nginx, origin));
    Ok(report)
}

/// Alternates which of the two goes first, so that neither always follows the other.
fn in_turns(
    (name, port, pid): (&str, u16, u32),
    nginx: &Nginx,
    pairs: usize,
    seconds: u32,
) -> Result<Value> {
    load::run(nginx.port, WARM_UP_SECONDS)?;
    load::run(port, WARM_UP_SECONDS)?;
    let mut samples: Vec<(Sample, Sample)> = Vec::new();
    for pair in 0..pairs.max(1) {
        let of_nginx = || Sample::take(nginx.port, nginx.worker, seconds);
        let of_other = || Sample::take(port, pid, seconds);
        samples.push(if pair % 2 == 0 {
            let first = of_nginx()?;
            (first, of_other()?)
        } else {
            let first = of_other()?;
            (of_nginx()?, first)
        });
        eprintln!("xtask: pair {} of {pairs}", pair + 1);
    }
    Ok(report(name, &samples))
}

fn report(name: &str, samples: &[(Sample, Sample)]) -> Value {
    let mut rows = Vec::new();
    let mut figures = json!({"pairs": samples.len(), "against": name});
    for (label, figure) in FIGURES {
        let nginx = median(samples.iter().map(|(nginx, _)| figure(nginx)));
        let other = median(samples.iter().map(|(_, other)| figure(other)));
        let ratios = || samples.iter().map(|(nginx, other)| figure(other) / figure(nginx));
        let (ratio, (low, high)) = (median(ratios()), range(ratios()));
        rows.push(vec![
            (*label).to_owned(),
            format!("{nginx:.2}"),
            format!("{other:.2}"),
            format!("**{ratio:.2}**"),
            format!("{low:.2} – {high:.2}"),
        ]);
        figures[*label] =
            json!({"nginx": nginx, name: other, "ratio": ratio, "low": low, "high": high});
    }
    println!(
        "### Proxy, {} connections, 1 worker each, median of {} alternating pairs\n",
        load::CONNECTIONS,
        samples.len()
    );
    println!("{}", table(&["", "nginx", name, "ratio", "range of ratios"], &rows));
    figures
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
