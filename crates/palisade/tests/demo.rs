//! The demo as an end-to-end test: shop, gateway, analyser and score in one process, as shipped.

use std::process::Command;
use std::time::{Duration, Instant};

/// What the demo promises to stay below.
const PROMISED: Duration = Duration::from_secs(60);

#[test]
fn the_demo_finds_what_was_planted_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("demo.html");
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(["demo", "--check", "--seed", "7", "--report"])
        .arg(&report)
        .output()
        .unwrap();
    let took = started.elapsed();
    let told = String::from_utf8_lossy(&output.stdout);
    let noted = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}\n{noted}");
    let score = told.lines().find(|line| line.starts_with("planted ")).unwrap_or_default();
    assert!(score.contains("found 9 / 9, false alarms 0 / 12"), "{told}");
    assert!(!told.contains("not analysed"), "{told}");
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(page.contains("/internal/export"), "the report does not name the shadow endpoint");
    assert!(took < PROMISED, "took {took:?}");
}
