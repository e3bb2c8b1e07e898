//! Every page in Chromium, with everything hostile in it: nothing runs, nothing is fetched from
//! elsewhere, nothing breaks the layout.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture;
use crate::pages::all_paths;
use crate::running::Running;

/// Set to a directory, it is filled with pictures of the pages.
const PICTURES: &str = "PALISADE_PICTURES";

const CHROMIUM: &str = "/usr/bin/chromium";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the script in node against a console that shows this view.
fn browse(running: &Running, paths: &[String], set: &str) {
    let playwright = root().join(".tools/browser/node_modules/playwright-core/index.mjs");
    for needed in [Path::new(CHROMIUM), &playwright] {
        assert!(
            needed.exists(),
            "{} is missing; install it by running: scripts/install-chromium.sh",
            needed.display()
        );
    }
    let client = running.client();
    let task = serde_json::json!({
        "origin": format!("http://{}", running.address),
        "cookie": client.cookie(),
        "paths": paths,
        "playwright": playwright,
        "chromium": CHROMIUM,
        "pictures": std::env::var(PICTURES).ok(),
        "pictured": pictured(paths),
        "set": set,
    });
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/pages.mjs");
    let output = Command::new("node").arg(script).arg(task.to_string()).output();
    let output =
        output.expect("node is missing; install it by running: scripts/install-chromium.sh");
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
    let expected = format!("{} pages, 0 complaints", paths.len() * 6);
    assert_eq!(said.trim(), expected, "{complaints}");
}

/// One page of each kind, and one of those whose every text is hostile.
fn pictured(paths: &[String]) -> Vec<&String> {
    let lists = paths.iter().take(4);
    let about = |place: &'static str| paths.iter().filter(move |path| path.starts_with(place));
    let endpoints =
        about("/inventory/").enumerate().filter(|(index, _)| [2, 9, 21].contains(index));
    let findings = about("/findings/").enumerate().filter(|(index, _)| [0, 4].contains(index));
    lists.chain(endpoints.chain(findings).map(|(_, path)| path)).collect()
}

#[test]
fn hostile_pages_stay_quiet_in_chromium() {
    let running = Running::new(fixture::full());
    browse(&running, &all_paths(), "full");
}

#[test]
fn pages_without_data_stay_quiet_in_chromium() {
    let running = Running::new(fixture::empty());
    let paths = ["/", "/inventory", "/findings", "/inventory?q=x", "/nowhere", "/start/none"];
    browse(&running, &paths.map(str::to_owned), "empty");
}
