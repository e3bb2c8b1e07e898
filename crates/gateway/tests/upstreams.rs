//! Upstreams that fail, lie, or answer before they were asked out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exchange::decision::Disposition;

use crate::harness::{Fixture, OK, Upstream, settings};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

/// An upstream whose first answer is `first`, and whose others are fine.
fn once(first: &'static [u8], stays: bool) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::start(move |_, wire| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            wire.send(first);
            return stays;
        }
        wire.send(OK);
        true
    })
}

#[test]
fn what_cannot_be_forwarded_becomes_502_and_harms_nobody_else() {
    const CASES: &[&[u8]] = &[
        b"garbage\r\n\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"HTTP/1.1 099 Low\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    ];
    let mut ran = 0;
    for first in CASES {
        let upstream = once(first, true);
        let mut fixture = Fixture::observing(&upstream);
        let mut client = fixture.client();
        let response = client.ask(GET);
        assert_eq!(response.status(), 502, "{first:?}");
        assert_eq!(response.problem()["type"], "https://palisade.dev/problems/bad-gateway");
        assert_eq!(client.ask(GET).status(), 200, "{first:?}");
        assert_eq!(upstream.connections(), 2, "{first:?}");
        assert_eq!(fixture.observations(2)[0].disposition, Disposition::Dropped);
        ran += 1;
    }
    assert_eq!(ran, CASES.len());
}

#[test]
fn endless_interim_responses_become_502() {
    let upstream = Upstream::start(|_, wire| {
        for _ in 0..20 {
            if std::io::Write::write_all(&mut wire.stream, b"HTTP/1.1 102 Wait\r\n\r\n").is_err() {
                return false;
            }
        }
        false
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(GET);
    let mut statuses = Vec::new();
    while statuses.last() != Some(&502) {
        statuses.push(client.response().status());
    }
    assert_eq!(statuses, [vec![102; 8], vec![502]].concat());
}

#[test]
fn bytes_after_a_response_are_never_the_answer_to_another_request() {
    const SECOND: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let mut ran = 0;
    for together in [true, false] {
        let upstream = Upstream::start(move |_, wire| {
            if together {
                wire.send(&[OK, SECOND].concat());
            } else {
                wire.send(OK);
                std::thread::sleep(Duration::from_millis(20));
                // the gateway may have closed by now
                let _ = std::io::Write::write_all(&mut wire.stream, SECOND);
            }
            true
        });
        let fixture = Fixture::observing(&upstream);
        let mut client = fixture.client();
        for _ in 0..5 {
            assert_eq!(client.ask(GET).body, b"{\"ok\":true}");
            std::thread::sleep(Duration::from_millis(if together { 0 } else { 60 }));
        }
        assert_eq!(upstream.connections(), 5);
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn an_answer_that_breaks_off_never_looks_whole() {
    let cases: [&[u8]; 2] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    ];
    let mut ran = 0;
    for first in cases {
        let upstream = once(first, false);
        let mut fixture = Fixture::observing(&upstream);
        let response = fixture.client().ask(GET);
        assert!(response.truncated);
        assert_eq!(fixture.client().ask(GET).status(), 200);
        assert_eq!(fixture.observations(2)[0].disposition, Disposition::Dropped);
        ran += 1;
    }
    assert_eq!(ran, 2);
}

#[test]
fn an_idle_connection_that_was_closed_is_not_the_clients_problem() {
    // closes each connection some time after its first answer
    let upstream = Upstream::start(|_, wire| {
        wire.send(OK);
        std::thread::sleep(Duration::from_millis(5));
        false
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    for wait in [0, 1, 3, 5, 7, 10, 20] {
        assert_eq!(client.ask(GET).status(), 200);
        std::thread::sleep(Duration::from_millis(wait));
    }
}

#[test]
fn a_request_that_may_have_been_carried_out_is_not_sent_twice() {
    // answers once, and closes when the second request of a connection has come
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let upstream = Upstream::raw(move |wire, _| {
        let mut answered = false;
        while wire.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            if answered {
                return;
            }
            wire.send(OK);
            answered = true;
        }
    });
    let fixture = Fixture::observing(&upstream);
    let post = b"POST /items HTTP/1.1\r\nHost: shop\r\nContent-Length: 0\r\n\r\n";
    let mut client = fixture.client();
    assert_eq!(client.ask(post).status(), 200);
    assert_eq!(client.ask(post).status(), 502);
    assert_eq!(seen.load(Ordering::SeqCst), 2);
    assert_eq!(client.ask(GET).status(), 200);
    assert_eq!(client.ask(GET).status(), 200, "GET is sent again");
    assert_eq!(seen.load(Ordering::SeqCst), 5);
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let upstream = Upstream::raw(|wire, _| {
        let mut some = [0; 64];
        let _ = std::io::Read::read(&mut wire.stream, &mut some);
        wire.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    });
    let fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 40000000\r\n\r\n");
    let mut sender = client.stream.try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        // the gateway may close before it has taken all of this
        let _ = std::io::Write::write_all(&mut sender, &vec![b'x'; 40_000_000]);
    });
    let response = client.response();
    sending.join().unwrap();
    assert_eq!((response.status(), response.body.as_slice()), (413, b"big".as_slice()));
    assert_eq!(response.field("connection"), Some(b"close".as_slice()));
    assert!(client.ends());
}

#[test]
fn a_client_that_goes_away_in_the_middle_is_dropped_and_so_is_its_request() {
    let upstream = Upstream::says(OK);
    let mut fixture = Fixture::observing(&upstream);
    let mut client = fixture.client();
    client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc");
    std::thread::sleep(Duration::from_millis(30));
    drop(client);
    assert_eq!(fixture.observations(1)[0].disposition, Disposition::Dropped);
    let begun = std::time::Instant::now();
    while upstream.requests().is_empty() {
        assert!(begun.elapsed().as_secs() < 5);
    }
    assert!(upstream.requests()[0].truncated);
}

#[test]
fn silence_is_answered_in_time() {
    let upstream = Upstream::raw(|wire, _| while wire.request().is_some() {});
    let mut fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.timeouts.response_head = Duration::from_millis(300);
        config.timeouts.request_head = Duration::from_millis(300);
        config.timeouts.idle = Duration::from_millis(300);
    });
    let mut client = fixture.client();
    let response = client.ask(GET);
    assert_eq!(response.status(), 504);
    assert_eq!(response.problem()["type"], "https://palisade.dev/problems/gateway-timeout");
    assert_eq!(fixture.observations(1)[0].disposition, Disposition::Dropped);
    assert!(client.ends(), "an idle connection is closed");
    let mut slow = fixture.client();
    assert_eq!(slow.ask(b"GET / HTTP/1.1\r\nHos").status(), 408);
    let mut silent = fixture.client();
    assert!(silent.ends());
}

#[test]
fn an_upstream_that_is_down_is_passed_over() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let upstream = Upstream::says(OK);
    let both = format!(
        "[services.shop]\nupstreams = [\"http://{gone}\", \"http://{}\"]",
        upstream.address
    );
    let fixture = Fixture::new(&both);
    let mut client = fixture.client();
    for _ in 0..6 {
        assert_eq!(
            client.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status(),
            200
        );
    }
    let none = Fixture::new(&format!("[services.shop]\nupstreams = [\"http://{gone}\"]"));
    let mut client = none.client();
    assert_eq!(client.ask(GET).status(), 502);
    assert_eq!(client.ask(GET).status(), 502, "the client's connection survives");
}

#[test]
fn upstreams_may_be_names() {
    let upstream = Upstream::says(OK);
    let port = upstream.address.port();
    let named = format!("[services.shop]\nupstreams = [\"http://localhost:{port}\"]");
    let fixture = Fixture::new(&named);
    assert_eq!(fixture.client().ask(GET).status(), 200);
}
