//! Contenders under the same load in turns, within one run: what is compared are figures that
//! were taken seconds apart, on a machine whose speed moves by the minute.

use anyhow::Result;
use serde_json::{Value, json};

use crate::rig::Load;
use crate::rig::figures::{median, range, table};
use crate::rig::process::{self, CpuTime};

/// Seconds of load before anything is counted.
const WARM_UP_SECONDS: u32 = 2;

/// A server under measurement.
pub(super) struct Contender<'a> {
    pub(super) name: &'a str,
    pub(super) port: u16,
    /// The process whose CPU time counts.
    pub(super) pid: u32,
}

/// How often, and how long each time.
#[derive(Clone, Copy)]
pub(super) struct Effort {
    pub(super) rounds: usize,
    pub(super) seconds: u32,
}

/// One contender's part of a round.
pub(super) struct Sample {
    load: Load,
    cpu: CpuTime,
}

impl Sample {
    /// Loads a server and takes the CPU time of its process before and after.
    fn take(contender: &Contender<'_>, seconds: u32, load: Loader<'_>) -> Result<Self> {
        let before = process::cpu_time(contender.pid)?;
        let load = load(contender.port, seconds)?;
        Ok(Self { load, cpu: process::cpu_time(contender.pid)?.since(before) })
    }

    /// Microseconds of CPU per request.
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    fn per_request(&self, seconds: f64) -> f64 {
        seconds * 1e6 / self.load.requests as f64
    }
}

/// Loads a port for some seconds.
pub(super) type Loader<'a> = &'a dyn Fn(u16, u32) -> Result<Load>;

/// A row of figures, or nothing where the load does not tell it.
type Figure = (&'static str, fn(&Sample) -> Option<f64>);

const FIGURES: &[Figure] = &[
    ("CPU µs/request", |sample| Some(sample.per_request(sample.cpu.total()))),
    ("user µs", |sample| Some(sample.per_request(sample.cpu.user))),
    ("system µs", |sample| Some(sample.per_request(sample.cpu.system))),
    ("requests/s", |sample| Some(sample.load.per_second)),
    ("p50 ms", |sample| sample.load.p50_ms),
    ("p99 ms", |sample| sample.load.p99_ms),
];

/// The samples of every contender. Who begins moves on from round to round, so that nobody always
/// follows the same other.
pub(super) fn take(
    contenders: &[Contender<'_>],
    effort: Effort,
    load: Loader<'_>,
) -> Result<Vec<Vec<Sample>>> {
    for contender in contenders {
        load(contender.port, WARM_UP_SECONDS.min(effort.seconds))?;
    }
    let mut samples: Vec<Vec<Sample>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 0..effort.rounds.max(1) {
        for turn in 0..contenders.len() {
            let whose = (round + turn) % contenders.len();
            samples[whose].push(Sample::take(&contenders[whose], effort.seconds, load)?);
        }
        eprintln!("xtask: round {} of {}", round + 1, effort.rounds.max(1));
    }
    Ok(samples)
}

/// Prints a row for each figure and a column for each contender; with the ratio to the first one
/// when there are two. The same as JSON.
pub(super) fn report(title: &str, contenders: &[Contender<'_>], samples: &[Vec<Sample>]) -> Value {
    let mut rows = Vec::new();
    let mut figures = json!({"rounds": samples.first().map_or(0, Vec::len)});
    for (label, figure) in FIGURES {
        let of = |whose: usize| samples[whose].iter().filter_map(figure).collect::<Vec<f64>>();
        let first = of(0);
        if first.is_empty() {
            continue;
        }
        let mut row = vec![(*label).to_owned(), format!("{:.2}", median(first.iter().copied()))];
        figures[*label][contenders[0].name] = median(first.iter().copied()).into();
        for (whose, contender) in contenders.iter().enumerate().skip(1) {
            let other = of(whose);
            let ratios = || other.iter().zip(&first).map(|(other, first)| other / first);
            let (middle, ratio, (low, high)) =
                (median(other.iter().copied()), median(ratios()), range(ratios()));
            row.push(format!("{middle:.2}"));
            row.push(format!("**{ratio:.2}** ({low:.2} – {high:.2})"));
            figures[*label][contender.name] =
                json!({"median": middle, "ratio": ratio, "low": low, "high": high});
        }
        rows.push(row);
    }
    let mut head = vec![String::new(), contenders[0].name.to_owned()];
    for contender in &contenders[1..] {
        head.extend([contender.name.to_owned(), "ratio (range)".to_owned()]);
    }
    println!("### {title}, 1 worker each, median of {} rounds in turns\n", figures["rounds"]);
    println!("{}", table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(requests: u64, user: f64, p99_ms: Option<f64>) -> Sample {
        let load = Load { requests, per_second: 10.0, p50_ms: None, p99_ms };
        Sample { load, cpu: CpuTime { user, system: 0.0 } }
    }

    #[test]
    fn ratios_are_of_the_same_round_and_missing_figures_have_no_row() {
        let contender = |name| Contender { name, port: 1, pid: 1 };
        let samples = vec![
            vec![sample(100, 1.0, None), sample(100, 4.0, None), sample(100, 2.0, None)],
            vec![sample(100, 2.0, None), sample(100, 4.0, None), sample(200, 8.0, None)],
        ];
        let figures = report("Test", &[contender("a"), contender("b")], &samples);
        let cpu = &figures["CPU µs/request"];
        let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-6;
        assert!(near(&cpu["a"], 20_000.0), "{cpu}");
        assert!(near(&cpu["b"]["median"], 40_000.0), "{cpu}");
        assert!(near(&cpu["b"]["ratio"], 2.0), "{cpu}");
        assert!(near(&cpu["b"]["low"], 1.0) && near(&cpu["b"]["high"], 2.0), "{cpu}");
        assert!(figures.get("p99 ms").is_none(), "{figures}");
    }
}
