//! `palisade analyze` as a process: exit codes, formats, what is said of bad input.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn palisade(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // a process that refuses its arguments does not read
    child.stdin.take().unwrap().write_all(input).ok();
    child.wait_with_output().unwrap()
}

fn entry(method: &str, url: &str, status: u16, body: &str) -> Value {
    json!({
        "startedDateTime": "2026-01-15T09:00:00.000Z", "time": 12,
        "request": {"method": method, "url": url, "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Authorization", "value": "Bearer canary-5521"}]},
        "response": {"status": status, "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"size": body.len(), "mimeType": "application/json", "text": body}},
        "cache": {}, "timings": {}
    })
}

fn har(entries: &[Value]) -> String {
    json!({"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": entries}})
        .to_string()
}

fn shop() -> String {
    let mut entries = Vec::new();
    for id in 0..40 {
        let url = format!("https://api.example.com/v1/orders/{}", 1_000 + id * 7);
        let body = format!(r#"{{"id":{id},"email":"canary{id}@example.com","state":"open"}}"#);
        entries.push(entry("GET", &url, 200, &body));
    }
    entries.push(entry("GET", "https://api.example.com/v1/health", 200, r#"{"ok":true}"#));
    entries.push(entry("GET", "https://api.example.com/wp-login.php", 404, "{}"));
    har(&entries)
}

#[test]
fn a_recording_becomes_an_inventory() {
    let output = palisade(&["analyze", "-", "--format", "json"], shop().as_bytes());
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(analysis["version"], 1);
    assert_eq!(analysis["read"]["exchanges"], 42);
    assert_eq!(analysis["read"]["credentials_dropped"], 42);
    let templates: Vec<&str> = analysis["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| endpoint["template"].as_str().unwrap())
        .collect();
    assert_eq!(templates, ["/v1/health", "/v1/orders/{orderId}"]);
    let orders = &analysis["endpoints"][1];
    assert_eq!(orders["data"], json!(["email"]));
    assert_eq!(orders["authentication"]["bearer"], 40);
    assert_eq!(orders["parameters"][0]["type"], "integer");
    assert!(output.status.code() == Some(0) || output.status.code() == Some(1));
}

#[test]
fn no_value_from_traffic_is_in_any_report() {
    for format in ["text", "json", "html", "openapi"] {
        let output = palisade(&["analyze", "-", "--format", format], shop().as_bytes());
        let shown =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert!(shown.contains("orders"), "{format}: {shown}");
        assert!(!shown.contains("canary"), "{format}: {shown}");
    }
}

#[test]
fn the_json_report_agrees_with_its_schema() {
    let schema = palisade(&["schema", "analysis"], b"");
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let output = palisade(&["analyze", "-", "--format", "json"], shop().as_bytes());
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&analysis).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn exit_codes_say_what_happened() {
    let bad_flag = palisade(&["analyze", "-", "--formt", "json"], b"");
    let no_file = palisade(&["analyze", "no/such/file.har"], b"");
    let nothing = palisade(&["analyze", "-"], har(&[]).as_bytes());
    let garbage = palisade(&["analyze", "-"], b"\x00\x01\x02 not a recording");
    let leak = har(&[entry(
        "GET",
        "https://api.example.com/v1/me",
        200,
        r#"{"passwordHash":"$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"}"#,
    )]);
    let finding = palisade(&["analyze", "-"], leak.as_bytes());
    let milder = palisade(&["analyze", "-", "--fail-on", "critical"], leak.as_bytes());
    let zero = palisade(&["analyze", "-", "--exit-zero"], leak.as_bytes());
    let codes: Vec<_> = [bad_flag, no_file, nothing, garbage, finding, milder, zero]
        .iter()
        .map(|output| output.status.code())
        .collect();
    assert_eq!(codes, [Some(2), Some(2), Some(2), Some(2), Some(1), Some(0), Some(0)]);
}

#[test]
fn a_broken_entry_costs_only_itself() {
    let good = entry("GET", "https://api.example.com/v1/health", 200, "{}").to_string();
    let text =
        format!(r#"{{"log":{{"version":"1.2","entries":[{good},{{"request": oops}},{good}]}}}}"#);
    let output = palisade(&["analyze", "-", "--format", "json"], text.as_bytes());
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(analysis["read"]["exchanges"], 2);
    assert_eq!(analysis["read"]["skipped"], 1);
    assert_eq!(analysis["read"]["reasons"]["broken entry"], 1);
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(notes.contains("record 2, byte") && notes.contains("expected"), "{notes}");
}

#[test]
fn gzip_several_files_and_directories_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("logs");
    std::fs::create_dir(&log).unwrap();
    let mut lines = String::new();
    for number in 0..100 {
        writeln!(
            lines,
            "192.0.2.{number} - - [15/Jan/2026:09:00:{:02} +0000] \"GET /v1/users/{number} HTTP/1.1\" \
             200 17 \"-\" \"curl/8\"",
            number % 60
        )
        .unwrap();
    }
    std::fs::write(log.join("access.log"), &lines).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(shop().as_bytes()).unwrap();
    let packed_path = directory.path().join("shop.har.gz");
    std::fs::write(&packed_path, packed.finish().unwrap()).unwrap();
    let output = palisade(
        &[
            "analyze",
            log.to_str().unwrap(),
            packed_path.to_str().unwrap(),
            "--format",
            "json",
            "--exit-zero",
        ],
        b"",
    );
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(analysis["read"]["exchanges"], 142);
    let coverage = analysis["coverage"]["response_bodies"].as_f64().unwrap();
    assert!(coverage > 0.2 && coverage < 0.4, "{coverage}");
}

#[test]
fn the_learned_contract_can_be_used_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let learned = directory.path().join("learned.yaml");
    let format = format!("openapi={}", learned.display());
    palisade(&["analyze", "-", "--exit-zero", "--format", &format], shop().as_bytes());
    let spec = learned.to_str().unwrap();
    let output = palisade(
        &["analyze", "-", "--exit-zero", "--format", "json", "--contract", spec],
        shop().as_bytes(),
    );
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    let states: Vec<&str> = analysis["endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|endpoint| endpoint["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["declared", "declared"]);
}

#[test]
fn drift_from_the_contract_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let spec = directory.path().join("openapi.yaml");
    std::fs::write(
        &spec,
        "openapi: 3.1.0\ninfo: {title: shop, version: '1'}\npaths:\n  /v1/health:\n    get: \
         {responses: {'200': {description: fine}}}\n  /v1/exports:\n    get: {responses: \
         {'200': {description: fine}}}\n",
    )
    .unwrap();
    let output = palisade(
        &["analyze", "-", "--format", "json", "--contract", spec.to_str().unwrap()],
        shop().as_bytes(),
    );
    let analysis: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules: Vec<(&str, &str)> = analysis["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| (finding["rule"].as_str().unwrap(), finding["template"].as_str().unwrap()))
        .collect();
    assert!(rules.contains(&("PAL-SPEC-002", "/v1/orders/{orderId}")), "{rules:?}");
    assert!(rules.contains(&("PAL-SPEC-005", "/v1/exports")), "{rules:?}");
}
