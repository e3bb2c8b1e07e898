//! Slow clients (SL) and large requests (SZ), by their ids in the catalogue of hostile input.

use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};

use gateway::limits::Timeouts;

use crate::harness::{Fixture, OK, Upstream, settings};

#[test]
fn the_periods_are_those_of_the_catalogue() {
    let periods = Timeouts::default();
    let seconds = [periods.request_head, periods.client_stall, periods.idle].map(|p| p.as_secs());
    assert_eq!(seconds, [10, 30, 75]);
}

#[test]
fn sl_01_a_head_that_trickles_in_is_answered_in_time() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.timeouts.request_head = Duration::from_secs(1);
    });
    let mut client = fixture.client();
    let begun = Instant::now();
    let mut writer = client.stream.try_clone().unwrap();
    let trickle = thread::spawn(move || {
        for byte in b"GET /items/7 HTTP/1.1\r\nHost: shop\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyy" {
            // each byte comes well before any timer between two bytes would go off
            if writer.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(client.response().status(), 408);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    trickle.join().unwrap();
    assert!(upstream.requests().is_empty());
}

#[test]
fn sl_02_a_body_below_the_floor_is_cut_held_or_passed_on() {
    let mut ran = 0;
    for mode in ["observe", "block"] {
        let upstream = Upstream::says(OK);
        let fixture = Fixture::new(&settings(mode, upstream.address, ""));
        let mut client = fixture.client();
        client.send(
            b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
              Content-Length: 100000\r\n\r\n",
        );
        let begun = Instant::now();
        let mut writer = client.stream.try_clone().unwrap();
        let trickle = thread::spawn(move || {
            for _ in 0..60 {
                if writer.write_all(b"          ").is_err() {
                    return;
                }
                thread::sleep(Duration::from_millis(500));
            }
        });
        assert_eq!(client.response().status(), 408, "{mode}");
        let took = begun.elapsed();
        assert!(took > Duration::from_secs(4) && took < Duration::from_secs(15), "{took:?}");
        drop(client);
        trickle.join().unwrap();
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn sl_03_a_client_that_does_not_read_is_given_up() {
    const BODY: usize = 32 << 20;
    let upstream = Upstream::start(|_, wire| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
        wire.send(head.as_bytes());
        let piece = vec![b'x'; 64 << 10];
        for _ in 0..BODY / piece.len() {
            if wire.stream.write_all(&piece).is_err() {
                break;
            }
        }
        false
    });
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.timeouts.client_stall = Duration::from_secs(1);
    });
    let mut client = fixture.client();
    client.send(b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n");
    let dropped = "palisade_exchanges_total{service=\"shop\",disposition=\"dropped\"";
    fixture.wait_for(dropped, 1);
    // what is left in the system's buffers is far from all
    let mut rest = Vec::new();
    client.stream.read_to_end(&mut rest).ok();
    assert!(rest.len() < BODY, "everything was sent");
}

#[test]
fn sl_04_and_sl_09_connections_without_a_request_are_closed() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.timeouts.request_head = Duration::from_millis(500);
        config.timeouts.idle = Duration::from_millis(500);
    });
    assert!(fixture.client().ends(), "SL-04: a silent connection stays");
    let mut idle = fixture.client();
    assert_eq!(idle.ask(b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n").status(), 200);
    assert!(idle.ends(), "SL-09: an idle connection stays");
}

/// SL-10: pings keep a WebSocket, silence in both directions does not.
#[test]
fn sl_10_a_websocket_lives_as_long_as_it_says_something() {
    let upstream = Upstream::raw(|wire, _| {
        drop(wire.request());
        wire.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        );
        drop(wire.rest());
    });
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.timeouts.tunnel_idle = Duration::from_secs(1);
    });
    let mut client = fixture.client();
    client.send(
        b"GET /chat HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    assert_eq!(client.response_to_head().status(), 101);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        client.send(b"\x89\x80abcd");
        thread::sleep(Duration::from_millis(200));
    }
    let silent = Instant::now();
    assert!(client.ends(), "a silent tunnel stays");
    assert!(silent.elapsed() < Duration::from_secs(5), "{:?}", silent.elapsed());
}

/// SZ-08: names that would collide under an unkeyed hash cost what other names cost, in a body that
/// is full of them.
#[test]
fn sz_08_many_names_cost_no_more_than_their_bytes() {
    // equal under Java's String::hashCode and PHP's DJBX33A: every pair of these is
    let colliding = |number: usize| -> String {
        (0..16).map(|bit| if number >> bit & 1 == 0 { "Ez" } else { "FY" }).collect()
    };
    let upstream = Upstream::says(OK);
    let fixture = Fixture::new(&settings("observe", upstream.address, ""));
    let mut took = Vec::new();
    for names in [false, true] {
        let name = |at: usize| if names { colliding(at) } else { format!("{at:032}") };
        let pairs: Vec<String> = (0..24_000).map(|at| format!("\"{}\":1", name(at))).collect();
        let body = format!("{{{}}}", pairs.join(","));
        assert!(body.len() < 1 << 20);
        let head = format!(
            "POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let mut client = fixture.client();
        let begun = Instant::now();
        assert_eq!(client.ask(format!("{head}{body}").as_bytes()).status(), 200);
        took.push(begun.elapsed());
    }
    let bound = took[0] * 4 + Duration::from_millis(500);
    assert!(took[1] < bound, "{took:?}");
}

/// A request that is too large, and what it is refused with.
struct Case {
    id: &'static str,
    request: String,
    statuses: &'static [u16],
}

fn get(id: &'static str, target: &str, fields: &str, statuses: &'static [u16]) -> Case {
    Case { id, request: format!("GET {target} HTTP/1.1\r\nHost: shop\r\n{fields}\r\n"), statuses }
}

fn cases() -> Vec<Case> {
    let field = |count: usize| format!("X: {}\r\n", "v".repeat(count));
    let posted = "POST /items HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n";
    let post = |id, rest: &str, statuses| Case { id, request: format!("{posted}{rest}"), statuses };
    let digits = "9".repeat(3 << 20);
    vec![
        get("SZ-01", &format!("/items/{}", "7".repeat(8 << 10)), "", &[414]),
        get("SZ-02 one field", "/items/7", &field(8 << 10), &[431]),
        get("SZ-02 all fields", "/items/7", &field(8_000).repeat(9), &[431]),
        get("SZ-02 101 fields", "/items/7", &"X: y\r\n".repeat(101), &[431]),
        get("SZ-03 parameters", &format!("/items/7?{}", "a=1&".repeat(10_000)), "", &[414, 400]),
        get("SZ-03 bytes", &format!("/items/7?q={}", "x".repeat(1 << 20)), "", &[414, 400]),
        post("SZ-04", &format!("Content-Length: {}\r\n\r\n", 10_u64 << 40), &[413]),
        post(
            "SZ-05",
            &format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n[{digits}", digits.len() + 2),
            &[413],
        ),
        get("SZ-06", "/items/7", &format!("Cookie: {}\r\n", "a=1; ".repeat(4_096)), &[431]),
        get("SZ-07", &"/a".repeat(5_000), "", &[414, 400]),
        get("SZ-09", "/items/7", &format!("Date: {}\r\n", "(".repeat(1 << 20)), &[431]),
    ]
}

#[test]
fn sz_requests_that_are_too_large_are_refused_before_the_application_sees_them() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::blocking(&upstream);
    let mut ran = 0;
    for Case { id, request, statuses } in cases() {
        let mut client = fixture.client();
        let mut writer = client.stream.try_clone().unwrap();
        let begun = Instant::now();
        let writing = thread::spawn(move || {
            // who is refused in the middle need not be read to the end
            writer.write_all(request.as_bytes()).ok();
        });
        let answer = client.response();
        assert!(statuses.contains(&answer.status()), "{id}: {}", answer.status());
        assert!(begun.elapsed() < Duration::from_secs(8), "{id}: {:?}", begun.elapsed());
        drop(client);
        writing.join().unwrap();
        ran += 1;
    }
    assert_eq!(ran, 11);
    assert!(upstream.requests().is_empty());
}
