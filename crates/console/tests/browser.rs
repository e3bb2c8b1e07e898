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

#[test]
fn hostile_pages_stay_quiet_in_chromium() {
    let running = Running::new(fixture::full());
    browse(&running, &all_paths(), "full");
}

#[test]
fn an_honest_shops_pages_stay_quiet_in_chromium() {
    let view = fixture::honest();
    let endpoint = format!("/inventory/{}", view.snapshot.endpoints[2].id);
    let finding = format!("/findings/{}", view.snapshot.findings[0].fingerprint);
    let lists = ["/", "/?window=7d", "/inventory", "/findings"].map(str::to_owned);
    let running = Running::new(view);
    browse(&running, &[lists.as_slice(), &[endpoint, finding]].concat(), "shop");
}

#[test]
fn pages_without_data_stay_quiet_in_chromium() {
    let running = Running::new(fixture::empty());
    let paths = ["/", "/inventory", "/findings", "/inventory?q=x", "/nowhere", "/start/none"];
    browse(&running, &paths.map(str::to_owned), "empty");
}
