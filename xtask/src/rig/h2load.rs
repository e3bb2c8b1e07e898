//! h2load: HTTP/2 with many streams per connection, and connections made for one request each.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{Load, PATH};

/// HTTP/2 connections, and the streams that each has open at once: 64 requests in flight, as many
/// as wrk has connections.
pub(crate) const CONNECTIONS: u32 = 8;
/// See [`CONNECTIONS`].
pub(crate) const STREAMS: u32 = 8;

/// Connections that are made at once when handshakes are counted: fewer than any server's backlog,
/// so that no attempt is lost and tried again a second later.
const HANDSHAKES_AT_ONCE: u32 = 256;

/// HTTP/2 over TLS for some seconds.
pub(crate) fn http2(port: u16, seconds: u32) -> Result<Load> {
    let mut command = command();
    command.args(["--clients", &CONNECTIONS.to_string()]);
    command.args(["--max-concurrent-streams", &STREAMS.to_string()]);
    command.args(["--duration", &seconds.to_string()]);
    let report = run(command.arg(url(port)))?;
    if report.protocol != "h2" {
        bail!("HTTP/2 was asked for, {:?} was spoken", report.protocol);
    }
    Ok(report.load)
}

/// TLS connections that carry one request each, for some seconds. h2load offers no session, so
/// every handshake is a full one.
pub(crate) fn handshakes(port: u16, seconds: u32) -> Result<Load> {
    let (begun, wanted) = (Instant::now(), Duration::from_secs(seconds.into()));
    let (mut requests, mut busy) = (0, 0.0);
    while begun.elapsed() < wanted {
        let count = HANDSHAKES_AT_ONCE.to_string();
        let mut command = command();
        command.args(["--h1", "--clients", &count, "--requests", &count]);
        let report = run(command.arg(url(port)))?;
        requests += report.load.requests;
        busy += report.seconds;
    }
    #[expect(clippy::cast_precision_loss, reason = "a run has far fewer than 2^52 requests")]
    let per_second = requests as f64 / busy;
    Ok(Load { requests, per_second, p50_ms: None, p99_ms: None })
}

/// The command line of connections that each send a request, and the next one after `rest`.
pub(crate) fn idling(port: u16, connections: u32, per_second: u32, rest: Duration) -> Command {
    let mut command = command();
    command.args(["--h1", "--clients", &connections.to_string()]);
    command.args(["--rate", &per_second.to_string()]);
    command.args(["--requests", &(connections * 2).to_string()]);
    command.args(["--rps", &format!("{:.6}", 1.0 / rest.as_secs_f64())]);
    command.arg(url(port));
    command
}

fn command() -> Command {
    let mut command = Command::new("h2load");
    command.args(["--threads", "1"]);
    command
}

fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}{PATH}")
}

/// What one run of h2load said.
#[derive(Debug, PartialEq)]
struct Report {
    load: Load,
    seconds: f64,
    protocol: String,
}

fn run(command: &mut Command) -> Result<Report> {
    let output = command.output().context("h2load did not start")?;
    if !output.status.success() {
        bail!("h2load failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(text: &str) -> Result<Report> {
    let after = |label: &str| text.lines().find_map(|line| line.strip_prefix(label));
    let finished = after("finished in ").context("h2load named no duration")?;
    let (duration, rest) = finished.split_once(", ").context("h2load named no throughput")?;
    let per_second = rest.split(' ').next().and_then(|number| number.parse().ok());
    let counts = after("requests: ").context("h2load named no requests")?;
    let count = |label: &str| {
        let found = counts.split(", ").find_map(|part| part.strip_suffix(label));
        let number = found.and_then(|text| text.trim().parse::<u64>().ok());
        number.with_context(|| format!("h2load named no number of{label}"))
    };
    let codes = after("status codes: ").context("h2load named no status codes")?;
    let clean = count(" failed")? == 0 && count(" errored")? == 0 && count(" timeout")? == 0;
    if !clean || !codes.ends_with(" 2xx, 0 3xx, 0 4xx, 0 5xx") {
        bail!("the load was not answered cleanly: {counts}; {codes}");
    }
    Ok(Report {
        load: Load {
            requests: count(" succeeded")?,
            per_second: per_second.context("h2load named no throughput")?,
            p50_ms: None,
            p99_ms: None,
        },
        seconds: seconds(duration).context("h2load named no duration")?,
        protocol: after("Application protocol: ").unwrap_or_default().to_owned(),
    })
}

/// `812us`, `420.00ms`, `2.00s`, `1m` as seconds.
fn seconds(text: &str) -> Option<f64> {
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    units.iter().find_map(|(unit, factor)| {
        text.strip_suffix(unit)?.parse::<f64>().ok().map(|value| value * factor)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "starting benchmark...
Application protocol: h2

finished in 612.50ms, 31234.50 req/s, 7.20MB/s
requests: 19131 total, 19140 started, 19131 done, 19131 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 19131 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 4.41MB (4623304) total, 1.10MB (1150000) headers (space savings 60.00%), 3.19MB data
";

    #[test]
    fn the_report_is_read() {
        let report = parse(OUTPUT).unwrap();
        assert_eq!((report.load.requests, report.protocol.as_str()), (19_131, "h2"));
        assert!((report.seconds - 0.6125).abs() < 1e-9, "{}", report.seconds);
        assert!((report.load.per_second - 31_234.5).abs() < 1e-6);
    }

    #[test]
    fn errors_spoil_the_measurement() {
        assert!(parse(&OUTPUT.replace("0 failed", "2 failed")).is_err());
        assert!(parse(&OUTPUT.replace("19131 2xx, 0 3xx", "19130 2xx, 1 3xx")).is_err());
        assert!(parse("nothing").is_err());
    }

    #[test]
    fn durations_have_four_units() {
        let found = ["3us", "4ms", "5s", "2m", "7h"].map(seconds);
        let expected = [Some(3e-6), Some(4e-3), Some(5.0), Some(120.0), None];
        let near = |(a, b): (Option<f64>, Option<f64>)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        assert_eq!(found.into_iter().zip(expected).filter(|pair| near(*pair)).count(), 5);
    }
}
