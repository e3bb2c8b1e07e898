//! The response cache on real sockets: what is stored, for whom, and when it is used (RFC 9111).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use crate::harness::{Fixture, Message, Upstream, Wire, settings};

const CACHE: &str = "cache = { size = \"1MiB\", entry = \"64KiB\" }";

/// An upstream whose every answer has these fields and a body of its own.
fn upstream(head: &'static str) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |request, wire| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let body = format!("answer {number}");
        let text = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len());
        wire.send(text.as_bytes());
        if !request.start.starts_with(b"HEAD") {
            wire.send(body.as_bytes());
        }
        true
    })
}

fn caching(upstream: &Upstream) -> Fixture {
    Fixture::new(&settings("observe", upstream.address, CACHE))
}

fn ask(client: &mut Wire, method: &str, target: &str, fields: &str) -> Message {
    client.send(format!("{method} {target} HTTP/1.1\r\nHost: shop\r\n{fields}\r\n").as_bytes());
    client.try_response(method == "HEAD").unwrap()
}

fn get(client: &mut Wire, fields: &str) -> Message {
    ask(client, "GET", "/items/7", fields)
}

/// (what it shows, fields of the answer, of the first request, of the second, reused)
type Case = (&'static str, &'static str, &'static str, &'static str, bool);

const CASES: &[Case] = &[
    ("fresh by max-age", "Cache-Control: max-age=60\r\n", "", "", true),
    ("fresh by s-maxage", "Cache-Control: max-age=0, s-maxage=60\r\n", "", "", true),
    ("nothing said", "", "", "", false),
    ("already stale", "Cache-Control: max-age=60\r\nAge: 60\r\n", "", "", false),
    ("not old yet", "Cache-Control: max-age=60\r\nAge: 59\r\n", "", "", true),
    ("no-store", "Cache-Control: no-store, max-age=60\r\n", "", "", false),
    ("private", "Cache-Control: private, max-age=60\r\n", "", "", false),
    ("no-cache", "Cache-Control: no-cache, max-age=60\r\n", "", "", false),
    (
        "the request's no-store",
        "Cache-Control: max-age=60\r\n",
        "Cache-Control: no-store\r\n",
        "",
        false,
    ),
    (
        "the request's no-cache",
        "Cache-Control: max-age=60\r\n",
        "",
        "Cache-Control: no-cache\r\n",
        false,
    ),
    ("Pragma", "Cache-Control: max-age=60\r\n", "", "Pragma: no-cache\r\n", false),
    (
        "the request's max-age=0",
        "Cache-Control: max-age=60\r\nAge: 5\r\n",
        "",
        "Cache-Control: max-age=0\r\n",
        false,
    ),
    (
        "enough min-fresh",
        "Cache-Control: max-age=60\r\n",
        "",
        "Cache-Control: min-fresh=30\r\n",
        true,
    ),
    (
        "not enough min-fresh",
        "Cache-Control: max-age=60\r\n",
        "",
        "Cache-Control: min-fresh=90\r\n",
        false,
    ),
    (
        "max-stale",
        "Cache-Control: max-age=1\r\nAge: 9\r\nETag: \"a\"\r\n",
        "",
        "Cache-Control: max-stale=60\r\n",
        true,
    ),
    (
        "max-stale against must-revalidate",
        "Cache-Control: max-age=1, must-revalidate\r\nAge: 9\r\nETag: \"a\"\r\n",
        "",
        "Cache-Control: max-stale\r\n",
        false,
    ),
    (
        "Vary, same",
        "Cache-Control: max-age=60\r\nVary: Accept\r\n",
        "Accept: a\r\n",
        "accept: a\r\n",
        true,
    ),
    (
        "Vary, other",
        "Cache-Control: max-age=60\r\nVary: Accept\r\n",
        "Accept: a\r\n",
        "Accept: b\r\n",
        false,
    ),
    ("Vary, absent", "Cache-Control: max-age=60\r\nVary: Accept\r\n", "Accept: a\r\n", "", false),
    ("Vary: *", "Cache-Control: max-age=60\r\nVary: *\r\n", "", "", false),
    ("Set-Cookie", "Cache-Control: max-age=60\r\nSet-Cookie: a=b\r\n", "", "", false),
    (
        "Set-Cookie, public",
        "Cache-Control: max-age=60, public\r\nSet-Cookie: a=b\r\n",
        "",
        "",
        true,
    ),
    (
        "Authorization",
        "Cache-Control: max-age=60\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer x\r\n",
        false,
    ),
    (
        "Authorization, s-maxage",
        "Cache-Control: s-maxage=60\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer x\r\n",
        true,
    ),
    (
        "CA-01: another caller",
        "Cache-Control: s-maxage=60\r\n",
        "Authorization: Bearer x\r\n",
        "Authorization: Bearer y\r\n",
        false,
    ),
    ("CA-01: another host", "Cache-Control: max-age=60\r\n", "", "X-Test-Host: other\r\n", false),
    (
        "CA-01: no caller at all",
        "Cache-Control: public, max-age=60\r\n",
        "Cookie: s=1\r\n",
        "",
        false,
    ),
    (
        "Cookie, not public",
        "Cache-Control: max-age=60\r\n",
        "Cookie: s=1\r\n",
        "Cookie: s=1\r\n",
        false,
    ),
    ("Range", "Cache-Control: max-age=60\r\n", "", "Range: bytes=0-1\r\n", false),
    (
        "Expires and Date",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nExpires: Sun, 06 Nov 1994 08:50:37 GMT\r\n",
        "",
        "",
        true,
    ),
    (
        "a trailing dot in a name is another host",
        "Cache-Control: max-age=60\r\n",
        "",
        "X-Test-Host: shop.\r\n",
        false,
    ),
];

#[test]
fn answers_are_used_again_as_rfc_9111_says() {
    let mut ran = 0;
    for (name, head, first, second, reused) in CASES {
        let upstream = upstream(head);
        let fixture = caching(&upstream);
        let mut client = fixture.client();
        let one = get(&mut client, first);
        assert_eq!((one.status(), one.body.as_slice()), (200, b"answer 1".as_slice()), "{name}");
        let two = match second.strip_prefix("X-Test-Host: ") {
            Some(host) => client
                .ask(format!("GET /items/7 HTTP/1.1\r\nHost: {}\r\n\r\n", host.trim()).as_bytes()),
            None => get(&mut client, second),
        };
        let expected: &[u8] = if *reused { b"answer 1" } else { b"answer 2" };
        assert_eq!(two.body, expected, "{name}");
        assert_eq!(upstream.requests().len(), if *reused { 1 } else { 2 }, "{name}");
        if *reused {
            let status = String::from_utf8(two.field("cache-status").unwrap().to_vec()).unwrap();
            assert!(status.starts_with("palisade; hit; ttl="), "{name}: {status}");
            assert!(two.field("age").is_some(), "{name}");
            assert_eq!(two.field("etag"), one.field("etag"));
        }
        ran += 1;
    }
    assert_eq!(ran, 31);
}

#[test]
fn head_and_conditions_are_answered_from_what_is_stored() {
    const HEAD: &str = "Cache-Control: max-age=60\r\nETag: \"a,b\"\r\n\
                        Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Own: 1\r\n";
    let upstream = upstream(HEAD);
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    get(&mut client, "If-None-Match: \"other\"\r\n");
    let head = ask(&mut client, "HEAD", "/items/7", "");
    assert_eq!((head.status(), head.field("content-length")), (200, Some(b"8".as_slice())));
    let cases = [
        ("If-None-Match: \"a,b\"\r\n", 304),
        ("If-None-Match: \"x\", W/\"a,b\"\r\n", 304),
        ("If-None-Match: *\r\n", 304),
        ("If-None-Match: \"a\"\r\n", 200),
        ("If-None-Match: \"a\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 200),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 304),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", 200),
        ("If-Modified-Since: Thu, 01 Dec 1994 00:00:00 GMT\r\n", 304),
        ("If-Modified-Since: yesterday\r\n", 200),
    ];
    let mut ran = 0;
    for (condition, status) in cases {
        let answer = get(&mut client, condition);
        assert_eq!(answer.status(), status, "{condition}");
        assert_eq!(answer.field("x-own").is_some(), status == 200);
        assert_eq!(answer.field("etag"), Some(b"\"a,b\"".as_slice()));
        ran += 1;
    }
    assert_eq!(ran, 9);
    assert_eq!(upstream.requests().len(), 1);
    assert_eq!(upstream.requests()[0].field("if-none-match"), None, "the cache wants all of it");
    assert_eq!(
        fixture.metric("palisade_cache_requests_total{service=\"shop\",outcome=\"hit\"}"),
        10
    );
    assert_eq!(fixture.metric("palisade_cache_entries{service=\"shop\"}"), 1);
}

#[test]
fn what_is_stale_is_validated_and_renewed() {
    let upstream = Upstream::start(|request, wire| {
        let renewed = request.field("if-none-match") == Some(b"\"v1\"");
        wire.send(if renewed {
            b"HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\n\
              X-New: 1\r\n\r\n"
        } else {
            b"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nCache-Control: max-age=0\r\n\
              Content-Length: 3\r\n\r\none"
        });
        true
    });
    let mut fixture = caching(&upstream);
    let mut client = fixture.client();
    assert_eq!(get(&mut client, "").body, b"one");
    let renewed = get(&mut client, "");
    assert_eq!((renewed.status(), renewed.body.as_slice()), (200, b"one".as_slice()));
    assert_eq!(renewed.field("x-new"), Some(b"1".as_slice()));
    let status = String::from_utf8(renewed.field("cache-status").unwrap().to_vec()).unwrap();
    assert!(status.starts_with("palisade; hit; fwd=stale; fwd-status=304"), "{status}");
    assert_eq!(get(&mut client, "").body, b"one");
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(upstream.connections(), 1);
    let seen = fixture.observations(3);
    assert!(seen.iter().all(|seen| seen.status == Some(200)), "hits are inspected, too");
}

/// A 304 about something else than what is stored helps nobody: the request is made again.
#[test]
fn a_304_about_another_answer_is_not_believed() {
    let upstream = Upstream::start(|request, wire| {
        wire.send(match request.field("if-none-match") {
            Some(_) => b"HTTP/1.1 304 Not Modified\r\nETag: \"v9\"\r\n\r\n".as_slice(),
            None => b"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 3\r\n\r\none",
        });
        true
    });
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    get(&mut client, "");
    assert_eq!(get(&mut client, "").body, b"one");
    assert_eq!(upstream.requests().len(), 3);
}

#[test]
fn a_stored_answer_stands_in_for_an_error_where_it_may() {
    let mut ran = 0;
    for (control, failure, status) in [
        ("max-age=0, stale-if-error=60", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 200),
        ("max-age=0, stale-if-error=60", "", 200),
        ("max-age=0", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 503),
        ("max-age=0", "", 502),
        ("max-age=0, must-revalidate, stale-if-error=60", "", 502),
    ] {
        let count = AtomicUsize::new(0);
        let upstream = Upstream::start(move |_, wire| {
            if count.fetch_add(1, Ordering::Relaxed) > 0 {
                wire.send(failure.as_bytes());
                return !failure.is_empty();
            }
            let head = "HTTP/1.1 200 OK\r\nETag: \"a\"\r\nContent-Length: 3";
            wire.send(format!("{head}\r\nCache-Control: {control}\r\n\r\none").as_bytes());
            true
        });
        let fixture = caching(&upstream);
        let mut client = fixture.client();
        get(&mut client, "");
        assert_eq!(get(&mut client, "").status(), status, "{control} {failure}");
        ran += 1;
    }
    assert_eq!(ran, 5);
}

#[test]
fn unsafe_requests_forget_their_target_if_they_succeed() {
    let upstream = Upstream::start(|request, wire| {
        let status = if request.field("x-fail").is_some() { "500 No" } else { "200 OK" };
        let head = "Cache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n";
        wire.send(format!("HTTP/1.1 {status}\r\n{head}").as_bytes());
        true
    });
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    let mut ran = 0;
    for (method, fields, forgets) in [
        ("POST", "Content-Length: 0\r\n", true),
        ("PUT", "Content-Length: 0\r\n", true),
        ("DELETE", "", true),
        ("PATCH", "Content-Length: 0\r\n", true),
        ("POST", "X-Fail: 1\r\nContent-Length: 0\r\n", false),
        ("OPTIONS", "", false),
    ] {
        get(&mut client, "");
        ask(&mut client, method, "/items/7", fields);
        let before = upstream.requests().len();
        get(&mut client, "");
        assert_eq!(upstream.requests().len() - before, usize::from(forgets), "{method} {fields}");
        ran += 1;
    }
    assert_eq!(ran, 6);
}

/// CA-05: nothing that a client may set and nothing is keyed by reaches the upstream.
#[test]
fn an_unkeyed_field_cannot_poison_what_is_stored() {
    let upstream = Upstream::start(|request, wire| {
        let host = request.field("x-forwarded-host").unwrap_or(b"none").to_vec();
        let head = format!(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {}",
            host.len()
        );
        wire.send(&[head.as_bytes(), b"\r\n\r\n", &host].concat());
        true
    });
    let mut ran = 0;
    for (mode, expected) in [("observe", "none"), ("block", "shop")] {
        for poison in ["X-Forwarded-Host: evil\r\n", "x_forwarded_host: evil\r\n"] {
            let fixture = Fixture::new(&settings(mode, upstream.address, CACHE));
            let mut client = fixture.client();
            assert_eq!(get(&mut client, poison).body, expected.as_bytes(), "{mode}");
            assert_eq!(get(&mut client, "").body, expected.as_bytes(), "{mode}");
            ran += 1;
        }
    }
    assert_eq!(ran, 4);
    for name in ["x_forwarded_host", "forwarded", "x-original-url", "x-http-method-override"] {
        let all = upstream.requests();
        assert!(all.iter().all(|request| request.field(name).is_none()), "{name}");
    }
}

/// CA-04: a suffix does not make an answer public, and what its owner marks so is shared with
/// nobody else under credentials.
#[test]
fn a_suffix_does_not_make_an_answer_public() {
    let upstream = upstream("Content-Type: text/css\r\nCache-Control: max-age=60\r\n");
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    for (number, fields) in ["Cookie: s=victim\r\n", "", "Cookie: s=other\r\n"].iter().enumerate() {
        let answer = ask(&mut client, "GET", "/account/me.css", fields);
        assert_eq!(answer.body, format!("answer {}", number + 1).as_bytes());
    }
}

#[test]
fn one_request_goes_upstream_for_a_hundred() {
    const CLIENTS: usize = 100;
    let count = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&count);
    let upstream = Upstream::start(move |_, wire| {
        asked.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(700));
        wire.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok");
        true
    });
    let fixture = caching(&upstream);
    let (address, barrier) = (fixture.address(), Arc::new(Barrier::new(CLIENTS)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            std::thread::spawn(move || {
                let mut client = Wire::connect(address);
                barrier.wait();
                get(&mut client, "").body
            })
        })
        .collect();
    let bodies: Vec<Vec<u8>> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    assert!(bodies.len() == CLIENTS && bodies.iter().all(|body| body == b"ok"));
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let metric = |outcome: &str| {
        fixture.metric(&format!(
            "palisade_cache_requests_total{{service=\"shop\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!((metric("miss"), metric("coalesced") + metric("hit")), (1, 99));
}

/// Whoever waits for an answer that turns out to be nobody else's is let go at its head.
#[test]
fn waiting_ends_when_the_answer_cannot_be_shared() {
    let upstream = Upstream::start(|_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Length: 2\r\n\r\n");
        std::thread::sleep(Duration::from_millis(300));
        wire.send(b"ok");
        true
    });
    let fixture = caching(&upstream);
    let address = fixture.address();
    let clients: Vec<_> = (0..10)
        .map(|_| std::thread::spawn(move || get(&mut Wire::connect(address), "").body))
        .collect();
    assert!(clients.into_iter().all(|client| client.join().unwrap() == b"ok"));
    assert_eq!(upstream.requests().len(), 10);
}

#[test]
fn a_flood_of_keys_stays_within_the_bound() {
    const KEYS: usize = 10_000;
    let upstream = Upstream::start(|_, wire| {
        let body = [b'x'; 900];
        wire.send(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 900\r\n\r\n");
        wire.send(&body);
        true
    });
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    let mut most = 0;
    for key in 0..KEYS {
        let answer = ask(&mut client, "GET", &format!("/items/{key}"), "");
        assert_eq!(answer.body.len(), 900);
        if key % 500 == 0 {
            most = most.max(fixture.metric("palisade_cache_bytes{service=\"shop\"}"));
        }
    }
    let bytes = fixture.metric("palisade_cache_bytes{service=\"shop\"}");
    assert!(bytes > 400 << 10 && most.max(bytes) <= 1 << 20, "{bytes}, {most}");
    assert_eq!(fixture.metric("palisade_cache_stores_total{service=\"shop\"}"), KEYS as u64);
    assert!(fixture.metric("palisade_cache_entries{service=\"shop\"}") > 300);
}

#[test]
fn answers_that_are_too_large_or_broken_are_not_stored() {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::start(move |request, wire| {
        let target = request.target().to_vec();
        let head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n";
        match target.as_slice() {
            b"/large" => {
                wire.send(format!("{head}Content-Length: 70000\r\n\r\n").as_bytes());
                wire.send(&[b'x'; 70_000]);
            }
            b"/chunked" => {
                wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n11170\r\n").as_bytes());
                wire.send(&[b'x'; 70_000]);
                wire.send(b"\r\n0\r\n\r\n");
            }
            b"/close" => {
                wire.send(format!("{head}\r\nto the end").as_bytes());
                return false;
            }
            _ => {
                wire.send(format!("{head}Content-Length: 10\r\n\r\nhalf").as_bytes());
                return count.fetch_add(1, Ordering::Relaxed) > 9;
            }
        }
        true
    });
    let fixture = caching(&upstream);
    let mut ran = 0;
    for (target, bytes) in [("/large", 70_000), ("/chunked", 70_000), ("/close", 10), ("/half", 4)]
    {
        for _ in 0..2 {
            let answer = ask(&mut fixture.client(), "GET", target, "");
            assert_eq!(
                (answer.body.len(), answer.truncated),
                (bytes, target == "/half"),
                "{target}"
            );
        }
        ran += 1;
    }
    assert_eq!((ran, upstream.requests().len()), (4, 8));
    assert_eq!(fixture.metric("palisade_cache_entries{service=\"shop\"}"), 0);
    assert_eq!(fixture.metric("palisade_cache_bytes{service=\"shop\"}"), 0);
}

#[test]
fn another_policy_begins_with_an_empty_cache() {
    let upstream = upstream("Cache-Control: max-age=60\r\n");
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    get(&mut client, "");
    assert_eq!(get(&mut client, "").body, b"answer 1");
    let changed = settings("block", upstream.address, CACHE);
    fixture.running.as_ref().unwrap().reload(crate::harness::arrangement(&changed));
    assert_eq!(get(&mut client, "").body, b"answer 2");
    let denied = ask(&mut client, "GET", "/items/seven", "");
    assert_eq!(denied.status(), 400, "hit or not, the request is inspected");
}

#[test]
fn only_if_cached_asks_nobody() {
    let upstream = upstream("Cache-Control: max-age=60\r\n");
    let fixture = caching(&upstream);
    let mut client = fixture.client();
    let none = get(&mut client, "Cache-Control: only-if-cached\r\n");
    assert_eq!((none.status(), none.problem()["status"].as_u64()), (504, Some(504)));
    get(&mut client, "");
    assert_eq!(get(&mut client, "Cache-Control: only-if-cached\r\n").body, b"answer 1");
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn what_is_stored_is_coded_for_each_client_anew() {
    let upstream = Upstream::start(|_, wire| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=60";
        wire.send(
            format!("{head}\r\nContent-Length: 4000\r\n\r\n{}", "text".repeat(1_000)).as_bytes(),
        );
        true
    });
    let extra = format!("{CACHE}\ncompress = true");
    let fixture = Fixture::new(&settings("observe", upstream.address, &extra));
    let mut client = fixture.client();
    for coding in ["gzip", "br", "zstd"] {
        let answer = get(&mut client, &format!("Accept-Encoding: {coding}\r\n"));
        assert_eq!(answer.field("content-encoding"), Some(coding.as_bytes()));
        assert!(answer.body.len() < 200);
    }
    assert_eq!(get(&mut client, "").body.len(), 4_000);
    assert_eq!(upstream.requests().len(), 1);
}
