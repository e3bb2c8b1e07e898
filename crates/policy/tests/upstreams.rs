//! What a service's settings say about its upstreams, and who may say for whom a client speaks.

use std::time::Duration;

use policy::document::upstreams::{
    Balance, CircuitBounds, HashOn, HealthCheck, Protocol, Retries, Scheme,
};
use policy::document::{Document, Upstream, Upstreams};

fn read(extra: &str) -> Upstreams {
    let text = format!("[services.a]\nupstreams = [\"http://x\", \"http://y:81\"]\n{extra}");
    Document::read(&text).unwrap().services[0].upstreams.clone()
}

#[test]
fn a_service_without_settings_has_good_ones() {
    let upstreams = read("");
    let named = |host: &str, port| Upstream {
        scheme: Scheme::Http,
        protocol: Protocol::Http1,
        host: host.to_owned(),
        port,
    };
    assert_eq!(upstreams.targets, [named("x", 80), named("y", 81)]);
    assert_eq!(upstreams.balance, Balance::LeastLoaded);
    assert_eq!(upstreams.health, None);
    assert_eq!(upstreams.circuit, CircuitBounds::default());
    assert_eq!(upstreams.timeouts.connect, None);
    assert_eq!(upstreams.retries, Retries::Once);
}

#[test]
fn everything_can_be_set() {
    let upstreams = read(
        r#"
balance = "hash"
hash_on = "header:X-Tenant"
retries = 0
health = { path = "/up?deep=1", interval = "10s", timeout = "500ms", unhealthy_after = 5, healthy_after = 1 }
circuit = { in_flight = 10, pending = 0, error_percent = 20, requests_min = 5, window = "1min", open_for = "2s" }
timeouts = { connect = "1s", response_head = "2min", stall = "30s", idle = "1h" }
"#,
    );
    assert_eq!(upstreams.balance, Balance::Hash(HashOn::Header("x-tenant".to_owned())));
    assert_eq!(upstreams.retries, Retries::Never);
    let health = HealthCheck {
        path: "/up?deep=1".to_owned(),
        interval: Duration::from_secs(10),
        timeout: Duration::from_millis(500),
        unhealthy_after: 5,
        healthy_after: 1,
    };
    assert_eq!(upstreams.health, Some(health));
    let circuit = CircuitBounds {
        in_flight_max: 10,
        pending_max: 0,
        error_percent: 20,
        requests_min: 5,
        window: Duration::from_secs(60),
        open_for: Duration::from_secs(2),
    };
    assert_eq!(upstreams.circuit, circuit);
    assert_eq!(upstreams.timeouts.response_head, Some(Duration::from_secs(120)));
    assert_eq!(upstreams.timeouts.idle, Some(Duration::from_secs(3_600)));
    assert_eq!(read("balance = \"hash\"").balance, Balance::Hash(HashOn::ClientIp));
}

#[test]
fn upstreams_speak_http_2_where_that_is_said() {
    let table = [
        ("[\"h2c://a:81\", \"h2c://b\"]", "", Scheme::Http, Protocol::Http2),
        ("[\"http://a:81\", \"h2c://b\"]", "protocol = \"http2\"", Scheme::Http, Protocol::Http2),
        (
            "[\"https://a:81\", \"https://b\"]",
            "protocol = \"http2\"",
            Scheme::Https,
            Protocol::Http2,
        ),
        ("[\"http://a:81\", \"http://b\"]", "protocol = \"http1\"", Scheme::Http, Protocol::Http1),
    ];
    let mut read = 0;
    for (upstreams, line, scheme, protocol) in table {
        let text = format!("[services.a]\nupstreams = {upstreams}\n{line}");
        let document = Document::read(&text).unwrap();
        for target in &document.services[0].upstreams.targets {
            assert_eq!((target.scheme, target.protocol), (scheme, protocol), "{text}");
            read += 1;
        }
    }
    assert_eq!(read, 8);
}

#[test]
fn listeners_and_clients_are_set_as_well() {
    let text = "[[listeners]]\nbind = \"127.0.0.1:1\"\nproxy_protocol = true\n\
                [trust]\nproxies = [\"::ffff:10.0.0.0/104\"]\n\
                [runtime]\ntimeouts = { request_head = \"5s\", idle = \"30s\" }";
    let document = Document::read(text).unwrap();
    assert!(document.listeners[0].proxy_protocol);
    assert_eq!(document.trusted[0].to_string(), "10.0.0.0/8");
    assert_eq!(document.client_timeouts.request_head, Some(Duration::from_secs(5)));
    assert_eq!(document.client_timeouts.idle, Some(Duration::from_secs(30)));
}

/// (a line of a service, the code of its first mistake, a part of the remedy)
const MISTAKES: &[(&str, &str, &str)] = &[
    ("upstreams = [\"h2://x\"]", "config::upstream", "without a path"),
    ("upstreams = [\"http://x:0\"]", "config::upstream", "HOST:PORT"),
    ("upstreams = [\"http://x:80x\"]", "config::upstream", "HOST:PORT"),
    ("upstreams = [\"http://a@x\"]", "config::upstream", "HOST:PORT"),
    ("upstreams = [\"http://x\", \"http://x:80\"]", "config::upstream_twice", "once"),
    ("upstreams = [\"h2c://x\", \"http://y\"]", "config::protocol", "speak the same"),
    ("protocol = \"http3\"", "config::protocol", "http2"),
    ("balance = \"random\"", "config::balance", "least_loaded"),
    ("hash_on = \"client_ip\"", "config::contradiction", "balance = \"hash\""),
    ("balance = \"hash\"\nhash_on = \"cookie:a\"", "config::hash_on", "header:NAME"),
    ("balance = \"hash\"\nhash_on = \"header:a b\"", "config::hash_on", "header:NAME"),
    ("retries = 2", "config::range", "many times"),
    ("retries = \"once\"", "config::type", "whole number"),
    ("health = { interval = \"1s\" }", "config::missing", "/healthz"),
    ("health = { path = \"up\" }", "config::path", "absolute"),
    ("health = { path = \"/a b\" }", "config::path", "absolute"),
    ("health = { path = \"/\", interval = \"5\" }", "config::duration", "\"5s\""),
    ("health = { path = \"/\", interval = \"99ms\" }", "config::range", "default"),
    ("health = { path = \"/\", healthy_after = 0 }", "config::range", "default"),
    ("health = { path = \"/\", intervall = \"5s\" }", "config::unknown_key", "`interval`"),
    ("circuit = { error_percent = 101 }", "config::range", "default"),
    ("circuit = { in_flight = 0 }", "config::range", "default"),
    ("circuit = { window = \"25h\" }", "config::range", "default"),
    ("circuit = { inflight = 1 }", "config::unknown_key", "`in_flight`"),
    ("timeouts = { connect = \"0s\" }", "config::range", "default"),
    ("timeouts = { conect = \"1s\" }", "config::unknown_key", "`connect`"),
];

#[test]
fn mistakes_are_told_with_a_place() {
    let mut told = 0;
    for (line, code, remedy) in MISTAKES {
        let usual = if line.starts_with("upstreams") { "" } else { "upstreams = [\"http://x\"]\n" };
        let errors = Document::read(&format!("[services.a]\n{usual}{line}")).unwrap_err();
        assert_eq!(errors[0].code, *code, "{line}: {errors:?}");
        assert!(errors[0].span.is_some(), "{line}");
        assert!(errors[0].remedy.contains(remedy), "{line}: {}", errors[0].remedy);
        told += 1;
    }
    assert_eq!(told, 26);
}

#[test]
fn a_proxy_header_from_nobody_is_a_mistake() {
    let text = "[[listeners]]\nbind = \"127.0.0.1:1\"\nproxy_protocol = true";
    let errors = Document::read(text).unwrap_err();
    assert_eq!(errors[0].code, "config::proxy_protocol_without_trust");
    assert_eq!(text.get(errors[0].span.clone().unwrap()), Some("true"));
}
