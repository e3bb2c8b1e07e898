//! `palisade analyze` over recordings: how fast, at what memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::recording;
use crate::rig::figures::{median, table};
use crate::rig::palisade;
use crate::rig::process::Cost;

/// How often each recording is read; the median counts.
const RUNS: usize = 3;

/// Measures the generated recordings and those given.
pub(super) fn measure(binary: &Path, given: &[PathBuf]) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let (har, log) = (directory.path().join("shop.har"), directory.path().join("access.log"));
    recording::write_har(&har, recording::HAR_ENTRIES)?;
    recording::write_access_log(&log, recording::LOG_LINES)?;
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for place in [&har, &log].into_iter().chain(given) {
        let figure = measure_one(binary, place, directory.path())?;
        let number = |key: &str| figure[key].as_f64().unwrap_or_default();
        rows.push(vec![
            figure["recording"].as_str().unwrap_or_default().to_owned(),
            format!("{:.0}", number("bytes") / 1e6),
            format!("{:.0}", number("exchanges")),
            format!("{:.2}", number("seconds")),
            format!("{:.2} + {:.2}", number("user_seconds"), number("system_seconds")),
            format!("**{:.0}**", number("megabytes_per_second")),
            format!("**{:.0}**", number("exchanges_per_second")),
            format!("{:.0}", number("memory_peak_bytes") / 1_048_576.0),
        ]);
        figures.push(figure);
    }
    println!("### `palisade analyze`, median of {RUNS} runs\n");
    let head = [
        "recording",
        "MB",
        "exchanges",
        "seconds",
        "user + system s",
        "MB/s",
        "exchanges/s",
        "peak MiB",
    ];
    println!("{}", table(&head, &rows));
    Ok(figures.into())
}

#[expect(clippy::cast_precision_loss, reason = "sizes and counts far below 2^52")]
fn measure_one(binary: &Path, place: &Path, directory: &Path) -> Result<Value> {
    let bytes = std::fs::metadata(place).with_context(|| place.display().to_string())?.len() as f64;
    let mut costs: Vec<Cost> = Vec::new();
    let mut exchanges = 0;
    for _ in 0..RUNS {
        let (cost, read) = palisade::analyze(binary, place, directory)?;
        costs.push(cost);
        exchanges = read;
    }
    let of = |figure: fn(&Cost) -> f64| median(costs.iter().map(figure));
    let seconds = of(|cost| cost.seconds);
    Ok(json!({
        "recording": place.file_name().map(|name| name.to_string_lossy()),
        "bytes": bytes,
        "exchanges": exchanges,
        "seconds": seconds,
        "user_seconds": of(|cost| cost.cpu.user),
        "system_seconds": of(|cost| cost.cpu.system),
        "megabytes_per_second": bytes / 1e6 / seconds,
        "exchanges_per_second": exchanges as f64 / seconds,
        "memory_peak_bytes": of(|cost| cost.memory_peak as f64),
    }))
}
