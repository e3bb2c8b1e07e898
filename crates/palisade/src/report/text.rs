//! The report for terminals.

use std::fmt::Write as _;

use analysis::findings::Finding;
use analysis::snapshot::{Endpoint, EndpointState};
use exchange::rule::Severity;

use super::{Report, by_severity, evidence_line, in_state, open};

/// Findings that are listed before the rest is only counted.
const FINDINGS_SHOWN: usize = 50;

/// Endpoints that are listed before the rest is only counted.
const ENDPOINTS_SHOWN: usize = 100;

/// The whole report.
pub(crate) fn render(report: &Report, color: bool) -> String {
    let mut out = String::new();
    // writing to a String cannot fail
    summary(report, &mut out).ok();
    findings(report, color, &mut out).ok();
    endpoints(report, &mut out).ok();
    out
}

fn summary(report: &Report, out: &mut String) -> std::fmt::Result {
    let read = &report.read;
    write!(out, "read   {} exchanges", grouped(read.exchanges))?;
    if read.credentials_dropped > 0 {
        write!(out, "; dropped credentials from {}", grouped(read.credentials_dropped))?;
    }
    if read.skipped > 0 {
        let reasons: Vec<String> =
            read.reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        write!(out, "; skipped {} ({})", grouped(read.skipped), reasons.join(", "))?;
    }
    let snapshot = &report.snapshot;
    write!(out, "\nsaw    {} endpoints", snapshot.endpoints.len())?;
    let states = [
        (EndpointState::Declared, "declared"),
        (EndpointState::Deprecated, "deprecated in use"),
        (EndpointState::Shadow, "shadow"),
        (EndpointState::Zombie, "zombie"),
        (EndpointState::Unused, "declared but never seen"),
    ];
    for (state, word) in states {
        let count = in_state(snapshot, state);
        if count > 0 {
            write!(out, " · {count} {word}")?;
        }
    }
    let coverage = &snapshot.coverage;
    write!(
        out,
        "; bodies seen for {} of requests, {} of responses",
        percent(coverage.request_bodies),
        percent(coverage.response_bodies)
    )?;
    if snapshot.totals.unrouted > 0 {
        let unrouted = grouped(snapshot.totals.unrouted);
        write!(out, "; {unrouted} calls reached no endpoint")?;
    }
    let levels: Vec<String> = by_severity(snapshot)
        .into_iter()
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let found = if levels.is_empty() { "nothing".to_owned() } else { levels.join("  ") };
    writeln!(out, "\nfound  {found}")
}

fn findings(report: &Report, color: bool, out: &mut String) -> std::fmt::Result {
    let all: Vec<&Finding> = open(&report.snapshot).collect();
    for finding in all.iter().take(FINDINGS_SHOWN) {
        let level = format!("{:<8}", finding.severity.as_str());
        let level = if color { painted(finding.severity, &level) } else { level };
        writeln!(
            out,
            "  {level}  {}  {} {}  {}",
            finding.rule, finding.method, finding.template, finding.title
        )?;
        let evidence = evidence_line(finding);
        if !evidence.is_empty() {
            writeln!(out, "            {evidence}")?;
        }
    }
    let more = all.len().saturating_sub(FINDINGS_SHOWN);
    if more > 0 {
        writeln!(out, "  and {more} more: --format json or html shows all")?;
    }
    Ok(())
}

fn endpoints(report: &Report, out: &mut String) -> std::fmt::Result {
    let mut seen: Vec<&Endpoint> = report.snapshot.endpoints.iter().collect();
    seen.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.exchanges));
    writeln!(out, "\nendpoints by traffic")?;
    let several = report.snapshot.endpoints.windows(2).any(|pair| pair[0].host != pair[1].host);
    for endpoint in seen.iter().take(ENDPOINTS_SHOWN) {
        let host = if several { &*endpoint.host } else { "" };
        let data: Vec<&str> = endpoint.data().iter().map(|class| class.as_str()).collect();
        writeln!(
            out,
            "  {:>9}  {:<10} {:<7} {host}{}  {}",
            grouped(endpoint.exchanges),
            endpoint.state,
            endpoint.method,
            endpoint.template,
            data.join(" ")
        )?;
    }
    let more = seen.len().saturating_sub(ENDPOINTS_SHOWN);
    if more > 0 {
        writeln!(out, "  and {more} more: --format json or html shows all")?;
    }
    Ok(())
}

/// A severity in its colour: the words stay, so that nothing rests on colour alone.
fn painted(severity: Severity, text: &str) -> String {
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "34",
        Severity::Info => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// `48,120`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `61 %`, never rounded up to a whole that it is not.
pub(crate) fn percent(share: f64) -> String {
    let tenths = (share * 1_000.0).floor() / 10.0;
    if tenths.fract() == 0.0 { format!("{tenths:.0} %") } else { format!("{tenths:.1} %") }
}
