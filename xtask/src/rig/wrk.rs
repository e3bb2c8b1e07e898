//! wrk: connections that stay open, each with one request after the other.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Load, PATH};

/// Connections that are open at once.
pub(crate) const CONNECTIONS: u32 = 64;

/// Loads a port of loopback. Answers other than success spoil the measurement: an error.
pub(crate) fn run(port: u16, seconds: u32) -> Result<Load> {
    to(&format!("http://127.0.0.1:{port}{PATH}"), seconds)
}

/// Like [`run`], over TLS.
pub(crate) fn run_tls(port: u16, seconds: u32) -> Result<Load> {
    to(&format!("https://127.0.0.1:{port}{PATH}"), seconds)
}

fn to(url: &str, seconds: u32) -> Result<Load> {
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", &CONNECTIONS.to_string(), "--latency"])
        .args(["--duration", &format!("{seconds}s"), url])
        .output()
        .context("wrk did not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("wrk failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&text)
}

fn parse(text: &str) -> Result<Load> {
    if let Some(line) = text.lines().find(|l| l.contains("Non-2xx") || l.contains("Socket errors"))
    {
        bail!("the load was not answered cleanly: {}", line.trim());
    }
    let lines = || text.lines().map(str::trim);
    let after = |label: &str| lines().find_map(|line| Some(line.strip_prefix(label)?.trim()));
    let requests = lines()
        .find_map(|line| line.split_once(" requests in ")?.0.parse().ok())
        .context("wrk named no number of requests")?;
    let per_second = after("Requests/sec:").and_then(|text| text.parse().ok());
    let percentile = |label: &str| {
        let found = after(label).and_then(milliseconds);
        found.with_context(|| format!("wrk named no {label} of latency"))
    };
    Ok(Load {
        requests,
        per_second: per_second.context("wrk named no throughput")?,
        p50_ms: Some(percentile("50%")?),
        p99_ms: Some(percentile("99%")?),
    })
}

/// `420.00us`, `1.31ms`, `2.00s` as milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0)];
    units.iter().find_map(|(unit, factor)| {
        text.strip_suffix(unit)?.parse::<f64>().ok().map(|value| value * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "Running 4s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.61ms    0.42ms  12.11ms   91.07%
  Latency Distribution
     50%    1.52ms
     75%    1.70ms
     90%    1.98ms
     99%  950.00us
  158311 requests in 4.00s, 50.12MB read
Requests/sec:  39577.13
Transfer/sec:     12.53MB
";

    #[test]
    fn the_report_is_read() {
        let load = parse(OUTPUT).unwrap();
        assert_eq!(load.requests, 158_311);
        let figures = [load.per_second, load.p50_ms.unwrap(), load.p99_ms.unwrap()];
        for (found, expected) in figures.into_iter().zip([39_577.13, 1.52, 0.95]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn errors_spoil_the_measurement() {
        assert!(parse(&format!("{OUTPUT}  Non-2xx or 3xx responses: 3\n")).is_err());
        assert!(parse("nothing").is_err());
    }
}
