//! The telemetry listener and the outlet's bounds.

use std::sync::Arc;
use std::time::Duration;

use gateway::health::Telemetry;
use gateway::outlet;

use crate::harness::{Fixture, OK, Upstream, Wire};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

fn get(telemetry: &Telemetry, method: &str, path: &str) -> crate::harness::Message {
    let mut client = Wire::connect(telemetry.local_addr());
    client.send(
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    client.try_response(method == "HEAD").unwrap()
}

#[test]
fn health_follows_the_gateway() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let telemetry =
        Telemetry::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&fixture.metrics)).unwrap();
    let mut ran = 0;
    for (method, path, status) in [
        ("GET", "/livez", 200),
        ("GET", "/healthz", 200),
        ("HEAD", "/readyz", 200),
        ("GET", "/readyz", 200),
        ("POST", "/readyz", 405),
        ("DELETE", "/metrics", 405),
        ("GET", "/other", 404),
    ] {
        let response = get(&telemetry, method, path);
        assert_eq!(response.status(), status, "{method} {path}");
        let allow = (status == 405).then_some(b"GET, HEAD".as_slice());
        assert_eq!(response.field("allow"), allow);
        ran += 1;
    }
    assert_eq!(ran, 7);
    fixture.metrics.reload_failed();
    let verbose = get(&telemetry, "GET", "/readyz?verbose");
    assert_eq!(verbose.status(), 200);
    assert!(String::from_utf8(verbose.body).unwrap().contains("[-] settings"));
    fixture.running.take().unwrap().drain(Duration::from_secs(1));
    assert_eq!(get(&telemetry, "GET", "/readyz").status(), 503);
    assert_eq!(get(&telemetry, "GET", "/livez").status(), 200);
}

#[test]
fn metrics_count_what_happened() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let telemetry =
        Telemetry::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&fixture.metrics)).unwrap();
    let mut client = fixture.client();
    client.ask(GET);
    client.ask(b"GET /items/x HTTP/1.1\r\nHost: shop\r\n\r\n");
    fixture.observations(2);
    fixture.metrics.reload_succeeded(1_700_000_000);
    let exposed = get(&telemetry, "GET", "/metrics");
    let media = exposed.field("content-type").unwrap();
    assert!(media.starts_with(b"application/openmetrics-text"));
    let text = String::from_utf8(exposed.body).unwrap();
    let expected = [
        "palisade_exchanges_total{service=\"shop\",disposition=\"allowed\",mode=\"observe\"} 1",
        "palisade_exchanges_total{service=\"shop\",disposition=\"detected\",mode=\"observe\"} 1",
        "http_server_request_duration_seconds_count{service=\"shop\"} 2",
        "http_server_request_duration_seconds_bucket{le=\"+Inf\",service=\"shop\"} 2",
        "palisade_upstream_request_duration_seconds_count{service=\"shop\"} 2",
        "palisade_contract_violations_total{service=\"shop\",direction=\"request\",\
         location=\"path\"} 1",
        "palisade_inspection_skipped_total{reason=\"panic\"} 0",
        "palisade_events_dropped_total{sink=\"outlet_plain\"} 0",
        "palisade_queue_length{queue=\"outlet_plain\"} 0",
        "palisade_config_last_reload_successful 1",
        "palisade_config_last_reload_success_timestamp_seconds 1700000000",
        "palisade_build_info{version=\"0.1.0\"} 1",
    ];
    for line in expected {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_full_outlet_drops_and_counts() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.ask(GET);
    let observation = fixture.observations(1)[0].clone();
    let (outlet, mut reader) = outlet::bounded(3, 1);
    let taken = (0..5).filter(|_| outlet.send(observation.clone())).count();
    assert_eq!((taken, outlet.plain().dropped, outlet.plain().length), (3, 2, 3));
    drop(outlet);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut batch = Vec::new();
    let counts = runtime.block_on(async {
        [reader.recv_batch(2, &mut batch).await, reader.recv_batch(9, &mut batch).await]
    });
    assert_eq!(counts, [2, 1]);
    assert_eq!(runtime.block_on(reader.recv_batch(9, &mut batch)), 0, "all writers are gone");
}
