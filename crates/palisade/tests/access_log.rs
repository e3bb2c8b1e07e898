//! `[access_log]` of a running process: written, rotated, and read again by `palisade analyze`.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::run::{Origin, Palisade, get, wait_until, write_settings};

/// Template and number of exchanges of every endpoint that `analyze` finds in a log.
fn endpoints(file: &str, directory: &std::path::Path) -> Vec<(String, u64)> {
    let arguments = ["analyze", file, "--format", "json", "--exit-zero"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
    let output = command.args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["read"]["skipped"], 0, "{report}");
    let endpoints = report["endpoints"].as_array().unwrap().iter();
    let mut all: Vec<(String, u64)> = endpoints
        .map(|one| {
            (one["template"].as_str().unwrap().to_owned(), one["exchanges"].as_u64().unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn our_own_log_is_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let origin = Origin::start();
    let mut ran = 0;
    for (format, paths) in
        [("json", "redacted"), ("json", "raw"), ("combined", "redacted"), ("combined", "raw")]
    {
        write_settings(directory.path(), origin.address, "observe");
        let settings = directory.path().join("palisade.toml");
        let text = fs::read_to_string(&settings).unwrap();
        let file = format!("{format}-{paths}.log");
        let extra = format!(
            "[access_log]\nfile = \"{file}\"\nformat = \"{format}\"\npaths = \"{paths}\"\n"
        );
        fs::write(&settings, text + &extra).unwrap();
        let palisade = Palisade::start(directory.path());
        for id in 0..40 {
            assert_eq!(get(&palisade.gateway, &format!("/v1/orders/{}?page=2", 1_000 + id)).0, 200);
        }
        assert_eq!(get(&palisade.gateway, "/v1/health").0, 200);
        // rotated in the middle
        let log = directory.path().join(&file);
        let first = directory.path().join("first.log");
        wait_until("all lines are there", || {
            fs::read_to_string(&log).unwrap().lines().count() == 41
        });
        fs::rename(&log, &first).unwrap();
        palisade.signal("HUP");
        wait_until("the log is opened anew", || log.exists());
        assert_eq!(get(&palisade.gateway, "/v1/health").0, 200);
        palisade.signal("TERM");
        wait_until("the last line is there", || {
            fs::read_to_string(&log).unwrap().lines().count() == 1
        });
        let seen = endpoints("first.log", directory.path());
        let templates: Vec<&str> = seen.iter().map(|(template, _)| template.as_str()).collect();
        assert_eq!(templates, ["/v1/health", "/v1/orders/{orderId}"], "{file}");
        assert_eq!((seen[0].1, seen[1].1), (1, 40));
        ran += 1;
    }
    assert_eq!(ran, 4);
}

#[test]
fn a_log_that_cannot_be_opened_is_told_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    write_settings(directory.path(), "127.0.0.1:1".parse().unwrap(), "observe");
    let settings = directory.path().join("palisade.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, text + "[access_log]\nfile = \"nowhere/access.log\"\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
    let output = command.arg("run").current_dir(directory.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot write the access log") && said.contains("[access_log] file"));
}
