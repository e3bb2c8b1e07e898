//! What every request must pass, and what every response carries.

use std::net::SocketAddr;
use std::sync::Arc;

use console::{Console, ConsoleError, Settings};
use tokio::sync::{mpsc, watch};

use crate::client::Client;
use crate::fixture;
use crate::running::Running;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

#[test]
fn every_response_carries_the_fields_that_bind_browsers() {
    let running = Running::new(fixture::full());
    let (inside, outside) = (running.client(), Client::new(running.address));
    let mut cases = 0;
    for (client, path, status) in [
        (&inside, "/", 200),
        (&inside, "/inventory", 200),
        (&inside, "/findings", 200),
        (&inside, "/findings/0000000000000000", 404),
        (&inside, "/nowhere", 404),
        (&inside, "/api/v1/overview", 200),
        (&inside, "/api/v1/nowhere", 404),
        (&outside, "/", 401),
        (&outside, "/api/v1/findings", 401),
        (&outside, "/start/none", 410),
        (&outside, "/asset/console.css", 200),
        (&outside, "/asset/nowhere.js", 404),
    ] {
        let answer = client.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.field("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.field("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.field("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.field("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(answer.field("x-frame-options"), "DENY", "{path}");
        let caching = answer.field("cache-control");
        assert!(caching == "no-store" || caching == "no-cache", "{path}: {caching}");
        cases += 1;
    }
    assert_eq!(cases, 12);
}

#[test]
fn nothing_is_shown_without_a_session() {
    let running = Running::new(fixture::full());
    let outside = Client::new(running.address);
    let mut cases = 0;
    for path in [
        "/",
        "/inventory",
        "/findings",
        "/inventory/0",
        "/findings/0",
        "/nowhere",
        "/api/v1/endpoints",
        "/api/v1/findings",
        "/api/v1/overview",
        "/api/v1/openapi.json",
        "/api/v1/events",
    ] {
        let answer = outside.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.body.contains("orders"), "{path}");
        assert!(answer.body.contains("start link"), "{path}");
        cases += 1;
    }
    for path in ["/leave", "/findings/0/status"] {
        assert_eq!(outside.post(path, "token=x").status, 401, "{path}");
    }
    assert_eq!(cases, 11);
}

#[test]
fn a_start_link_opens_once() {
    let running = Running::new(fixture::full());
    let link = running.console.start_link().unwrap();
    let path = link.split_once("/start/").unwrap().1;
    assert_eq!(path.len(), 64, "256 bits");
    let client = Client::new(running.address);
    let first = client.get(&format!("/start/{path}"));
    assert_eq!(first.status, 200);
    let cookie = first.field("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let second = client.get(&format!("/start/{path}"));
    assert_eq!((second.status, second.all("set-cookie").len()), (410, 0));
    assert!(second.body.contains("Restart Palisade"), "{}", second.body);
}

#[test]
fn other_names_for_this_address_are_misdirected() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let port = running.address.port();
    let with = |host: &str| client.send("GET", "/", &[("Host", host)], "").status;
    for host in ["evil.test", "127.0.0.1", "evil.test:80", "127.0.0.1.evil.test", ""] {
        assert_eq!(with(host), 421, "{host}");
    }
    for host in [format!("localhost:{port}"), format!("[::1]:{port}"), "console.test".to_owned()] {
        assert_eq!(with(&host), 200, "{host}");
    }
}

#[test]
fn requests_of_other_sites_are_refused() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let own = format!("http://{}", running.address);
    let mut cases = 0;
    for (method, path, origin, site, status) in [
        ("POST", "/leave", Some("http://evil.test"), Some("cross-site"), 403),
        ("POST", "/leave", Some("null"), Some("cross-site"), 403),
        ("POST", "/leave", Some("null"), None, 403),
        ("POST", "/leave", None, None, 403),
        ("POST", "/leave", Some(own.as_str()), Some("cross-site"), 403),
        ("POST", "/leave", Some(own.as_str()), Some("same-site"), 403),
        ("PUT", "/", None, None, 403),
        ("PUT", "/", Some(own.as_str()), None, 405),
        ("GET", "/api/v1/events", Some("http://evil.test"), Some("cross-site"), 403),
        ("GET", "/api/v1/findings", None, Some("same-site"), 403),
        ("GET", "/api/v1/findings", None, Some("same-origin"), 200),
        ("GET", "/", None, Some("none"), 200),
        // without the form's token
        ("POST", "/leave", Some("null"), Some("same-origin"), 422),
    ] {
        let mut fields = vec![("Content-Type", "application/x-www-form-urlencoded")];
        fields.extend(origin.map(|origin| ("Origin", origin)));
        fields.extend(site.map(|site| ("Sec-Fetch-Site", site)));
        let answer = client.send(method, path, &fields, "");
        assert_eq!(answer.status, status, "{method} {path} {origin:?} {site:?}");
        cases += 1;
    }
    assert_eq!(cases, 13);
    let following = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate")];
    assert_eq!(client.send("GET", "/", &following, "").status, 200, "a link may be followed");
}

#[test]
fn signing_out_ends_the_session() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let page = client.get("/").body;
    let token = page.split_once("name=\"token\" value=\"").unwrap().1.get(..64).unwrap();
    assert_eq!(client.post("/leave", "token=wrong").status, 403);
    assert_eq!(client.get("/").status, 200);
    let left = client.post("/leave", &format!("token={token}"));
    assert_eq!(left.status, 200);
    assert!(left.field("set-cookie").contains("Max-Age=0"));
    assert_eq!(client.get("/").status, 401);
}

#[test]
fn forms_and_heads_have_limits() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let large = "x".repeat(64 << 10);
    assert_eq!(client.post("/leave", &large).status, 413);
    let long = format!("/inventory?q={}", "x".repeat(600));
    assert_eq!(client.get(&long).status, 400);
}

#[test]
fn an_address_that_others_can_reach_is_refused() {
    let (_, view) = watch::channel(Arc::new(fixture::empty()));
    let (commands, _) = mpsc::channel(1);
    let address: SocketAddr = "0.0.0.0:9440".parse().unwrap();
    let settings = Settings {
        address,
        hosts: Vec::new(),
        gateways: Vec::new(),
        version: "0.1.0",
        relink: String::new(),
    };
    let error = Console::new(settings, view, commands).unwrap_err();
    assert!(matches!(error, ConsoleError::NotLoopback(_)));
    assert!(error.to_string().contains("bind it to 127.0.0.1"), "{error}");
}
