//! Bounds hold whatever comes: hosts, paths, principals, hours.

use analysis::Analyst;
use exchange::endpoint::Method;
use exchange::limits;

use super::merge::word;
use super::observe::{START, plain};

#[test]
fn hosts_are_bounded() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..limits::HOSTS_MAX as u64 + 50 {
        let mut one = plain(Method::Get, "/health", n);
        one.host = format!("h{n}.example.com").into();
        analyst.absorb(&one);
    }
    let snapshot = analyst.snapshot(START);
    assert_eq!(snapshot.endpoints.len(), limits::HOSTS_MAX);
    assert_eq!(snapshot.totals.overflow, 50);
    assert_eq!(snapshot.totals.exchanges, limits::HOSTS_MAX as u64 + 50);
}

#[test]
fn principals_are_counted_beyond_the_exact_range() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..20_000 {
        analyst.absorb(&plain(Method::Get, "/v1/orders", n % 5_000));
    }
    let counted = analyst.snapshot(START).endpoints[0].principals;
    assert!((3_500..6_500).contains(&counted), "5,000 ± 3 standard errors: {counted}");
}

#[test]
fn deep_and_long_paths_share_a_node() {
    let mut analyst = Analyst::new(Vec::new());
    for n in 0..200 {
        let deep: String = (0..60).map(|at| format!("/{}", word(at + n))).collect();
        analyst.absorb(&plain(Method::Get, &deep, 1));
        let long = format!("/files/{}", word(n).repeat(20));
        analyst.absorb(&plain(Method::Get, &long, 1));
    }
    let snapshot = analyst.snapshot(START);
    let longest = snapshot.endpoints.iter().map(|row| row.template.0.len()).max();
    assert_eq!(longest, Some(limits::PATH_SEGMENTS_MAX));
    let files =
        snapshot.endpoints.iter().filter(|row| row.template.to_string() == "/files/{fileId}");
    assert_eq!(files.map(|row| row.exchanges).sum::<u64>(), 200);
}

#[test]
fn the_overview_keeps_the_latest_hours() {
    let mut analyst = Analyst::new(Vec::new());
    for hour in 0..1_200_i64 {
        let mut one = plain(Method::Get, "/v1/orders", 1);
        one.at = START.plus_micros(hour * 3_600_000_000);
        one.status = [Some(200), Some(404), Some(503), None][hour as usize % 4];
        analyst.absorb(&one);
    }
    let traffic = analyst.snapshot(START).traffic;
    assert_eq!(traffic.len(), limits::TRAFFIC_HOURS_MAX);
    assert_eq!(traffic[0].hour, START.plus_micros(240 * 3_600_000_000));
    let errors: u64 = traffic.iter().map(|hour| hour.server_errors).sum();
    assert_eq!(errors, 480);
}
