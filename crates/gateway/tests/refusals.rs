//! What is refused, how the client is told, and that nothing of it reaches the upstream.

use exchange::decision::Disposition;

use crate::harness::{Fixture, Message, OK, Upstream, settings};

fn check_problem(response: &Message, status: u16, slug: &str) -> serde_json::Value {
    let problem = response.problem();
    assert_eq!(response.status(), status);
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("https://palisade.dev/problems/{slug}"));
    let instance = problem["instance"].as_str().unwrap();
    assert_eq!(instance.strip_prefix("urn:palisade:exchange:").unwrap().len(), 26);
    assert!(!problem["title"].as_str().unwrap().is_empty());
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    problem
}

fn post(body: &str) -> Vec<u8> {
    format!(
        "POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn what_the_contract_does_not_allow_is_refused() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::blocking(&upstream);
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: shop\r\n\r\n").into_bytes();
    let text = b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: text/plain\r\n\
                 Content-Length: 2\r\n\r\nhi";
    let cases: [(Vec<u8>, u16, &str); 8] = [
        (get("/items/seven"), 400, "contract-violation"),
        (get("/nothing"), 404, "undocumented-operation"),
        (b"DELETE /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec(), 405, "undocumented-method"),
        (get("/items/../items/7"), 400, "ambiguous-path"),
        (post("{\"name\":1}"), 400, "contract-violation"),
        (post("{\"name\":"), 400, "contract-violation"),
        (post("{\"name\":\"pen\",\"admin\":true}"), 400, "contract-violation"),
        (text.to_vec(), 415, "unsupported-media-type"),
    ];
    // all on one connection: a refused request whose end is known costs nothing more
    let mut client = fixture.client();
    let mut ran = 0;
    for (request, status, slug) in &cases {
        let response = client.ask(request);
        let problem = check_problem(&response, *status, slug);
        if *slug == "ambiguous-path" {
            // what follows doubtful bytes is not read
            assert_eq!(response.field("connection"), Some(b"close".as_slice()));
            assert!(client.ends());
            client = fixture.client();
        } else {
            assert_eq!(response.field("connection"), None, "{slug}");
        }
        if *status == 405 {
            assert_eq!(response.field("allow"), Some(b"GET, HEAD".as_slice()));
        }
        if *slug == "contract-violation" {
            let error = &problem["errors"][0];
            assert!(error["in"].is_string() && error["keyword"].is_string(), "{error}");
            assert!(error["pointer"].is_string() && error["detail"].is_string(), "{error}");
            assert!(!problem.to_string().contains("seven"));
        }
        ran += 1;
    }
    assert_eq!(ran, 8);
    assert_eq!(client.ask(&post("{\"name\":\"pen\"}")).status(), 200);
    assert_eq!(upstream.requests().len(), 1);
    let seen = fixture.observations(9);
    let blocked = seen.iter().filter(|seen| seen.disposition == Disposition::Blocked).count();
    assert_eq!(blocked, 8);
    fixture.wait_for("palisade_exchanges_total{service=\"shop\",disposition=\"blocked\"", 8);
}

#[test]
fn in_observe_mode_the_same_passes_and_is_noted() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    for request in [post("{\"name\":1}"), b"GET /nothing HTTP/1.1\r\nHost: shop\r\n\r\n".to_vec()] {
        assert_eq!(client.ask(&request).body, b"{\"ok\":true}");
    }
    assert_eq!(upstream.requests().len(), 2);
    let seen = fixture.observations(2);
    assert!(seen.iter().all(|seen| seen.disposition == Disposition::Detected), "{seen:?}");
}

#[test]
fn a_held_body_does_not_leave_before_its_last_byte_was_judged() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::blocking(&upstream);
    let mut client = fixture.client();
    let request = post("{\"name\":\"pen\",\"admin\":true}");
    for piece in request.chunks(7) {
        client.send(piece);
        std::thread::yield_now();
    }
    check_problem(&client.response(), 400, "contract-violation");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_body_over_the_limit_is_refused_or_passed_as_the_settings_say() {
    let mut ran = 0;
    for (overflow, status) in [("block", 413), ("observe", 200)] {
        let upstream = Upstream::says(OK);
        let limits = format!("limits = {{ body = \"1KiB\", on_overflow = \"{overflow}\" }}");
        let mut fixture = Fixture::new(&settings("block", upstream.address, &limits));
        let mut client = fixture.client();
        let body = format!("{{\"name\":\"pen\"{}}}", " ".repeat(200_000));
        client.send(&post(&body));
        let response = client.response();
        assert_eq!(response.status(), status);
        if status == 413 {
            check_problem(&response, 413, "body-too-large");
            assert_eq!(upstream.connections(), 0);
        } else {
            assert_eq!(upstream.requests()[0].body, body.as_bytes());
        }
        assert_eq!(fixture.observations(1).len(), 1);
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn a_host_that_nobody_serves_is_refused_in_every_mode() {
    let upstream = Upstream::says(OK);
    let mut ran = 0;
    for mode in ["observe", "block"] {
        let hosts = "hosts = [\"shop.example\"]";
        let fixture = Fixture::new(&settings(mode, upstream.address, hosts));
        let mut client = fixture.client();
        let response = client.ask(b"GET /items/7 HTTP/1.1\r\nHost: other.example\r\n\r\n");
        check_problem(&response, 421, "misdirected-request");
        let served = client.ask(b"GET /items/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        assert_eq!(served.status(), 200);
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn bytes_with_two_readings_are_refused_in_every_mode() {
    const CASES: &[(&str, u16, &str)] = &[
        ("POST /|Host: a|Content-Length: 4|Transfer-Encoding: chunked|", 400, "h1.cl_te"),
        ("POST /|Host: a|Content-Length: 4|Content-Length: 5|", 400, "h1.cl_conflict"),
        ("POST /|Host: a|Content-Length: +4|", 400, "h1.cl_invalid"),
        ("POST /|Host: a|Transfer-Encoding: gzip, chunked|", 501, "h1.te_unknown"),
        ("GET /|Host: a\nX: y|", 400, "h1.bare_lf"),
        ("GET /|Host: a|X : y|", 400, "h1.field_name_space"),
        ("GET /|Host: a|X: y| z|", 400, "h1.obs_fold"),
        ("GET /|Host: a|Host: b|", 400, "host.repeated"),
        ("GET /|", 400, "host.missing"),
        ("GET http://b/|Host: a|", 400, "host.mismatch"),
        ("CONNECT a:443|Host: a|", 405, "h1.method_refused"),
        ("GET  /|Host: a|", 400, "h1.request_line"),
    ];
    // `|` ends a line
    let message = |text: &str| {
        let (first, rest) = text.split_once('|').unwrap();
        format!("{first} HTTP/1.1|{rest}|").replace('|', "\r\n").into_bytes()
    };
    let upstream = Upstream::says(OK);
    let mut ran = 0;
    for mode in ["observe", "block"] {
        let fixture = Fixture::new(&settings(mode, upstream.address, ""));
        for (text, status, code) in CASES {
            let mut client = fixture.client();
            let response = client.ask(&message(text));
            check_problem(&response, *status, "malformed-request");
            assert_eq!(response.field("connection"), Some(b"close".as_slice()), "{code}");
            assert!(client.ends(), "{code}");
            fixture.wait_for(&format!("palisade_wire_refusals_total{{reason=\"{code}\"}}"), 1);
            ran += 1;
        }
    }
    assert_eq!(ran, 2 * CASES.len());
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_broken_chunk_never_ends_a_forwarded_body() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    // the first chunk is on its way before the second one is found to be none
    std::thread::sleep(std::time::Duration::from_millis(50));
    let response = client.ask(b"zz\r\n");
    check_problem(&response, 400, "malformed-request");
    assert!(client.ends());
    assert!(upstream.requests().iter().all(|request| request.truncated));
    assert_eq!(fixture.observations(1)[0].disposition, Disposition::Blocked);
}

#[test]
fn a_client_too_many_is_told_to_come_again() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.connections_max = 2
    });
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut held: Vec<_> = (0..2).map(|_| fixture.client()).collect();
    for client in &mut held {
        assert_eq!(client.ask(get).status(), 200);
    }
    let mut third = fixture.client();
    let response = third.response();
    check_problem(&response, 503, "overloaded");
    assert_eq!(response.field("retry-after"), Some(b"1".as_slice()));
    assert_eq!(fixture.metric("palisade_overloads_total"), 1);
    held.pop();
    // the place of the one that left is free again
    let begun = std::time::Instant::now();
    loop {
        let mut client = fixture.client();
        client.send(get);
        if client.try_response(false).is_some_and(|response| response.status() == 200) {
            break;
        }
        assert!(begun.elapsed().as_secs() < 5);
    }
}
