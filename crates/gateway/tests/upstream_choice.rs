//! Which upstream gets a request, and how checks take one out and put it back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Fixture, OK, Upstream, Wire, arrangement};
use crate::upstream_faults::service;

fn asked_by(client: &mut Wire, user: usize) {
    let request = format!("GET /items/{user} HTTP/1.1\r\nHost: shop\r\nX-User: u{user}\r\n\r\n");
    assert_eq!(client.ask(request.as_bytes()).status(), 200);
}

/// For each user, the upstreams that have seen it.
fn seen(upstreams: &[Upstream], users: usize) -> Vec<BTreeSet<usize>> {
    let mut seen = vec![BTreeSet::new(); users];
    for (at, upstream) in upstreams.iter().enumerate() {
        for request in upstream.requests() {
            let user = std::str::from_utf8(request.field("x-user").unwrap()).unwrap();
            let number: usize = user.strip_prefix('u').unwrap().parse().unwrap();
            seen[number].insert(at);
        }
    }
    seen
}

#[test]
fn requests_are_spread_over_all() {
    let upstreams: Vec<Upstream> = (0..3).map(|_| Upstream::says(OK)).collect();
    let all: Vec<_> = upstreams.iter().map(|one| one.address).collect();
    let fixture = Fixture::new(&service(&all, ""));
    let mut client = fixture.client();
    (0..150).for_each(|user| asked_by(&mut client, user));
    let counts: Vec<usize> = upstreams.iter().map(|one| one.requests().len()).collect();
    assert!(counts.iter().all(|count| (25..=80).contains(count)), "{counts:?}");
    assert_eq!(counts.iter().sum::<usize>(), 150);
}

#[test]
fn who_belongs_together_goes_together_and_moves_only_with_its_upstream() {
    const USERS: usize = 60;
    let upstreams: Vec<Upstream> = (0..4).map(|_| Upstream::says(OK)).collect();
    let all: Vec<_> = upstreams.iter().map(|one| one.address).collect();
    let hash = "balance = \"hash\"\nhash_on = \"header:X-User\"";
    let fixture = Fixture::new(&service(&all, hash));
    let mut client = fixture.client();
    for _ in 0..3 {
        (0..USERS).for_each(|user| asked_by(&mut client, user));
    }
    let before = seen(&upstreams, USERS);
    assert!(before.iter().all(|homes| homes.len() == 1), "{before:?}");
    assert!(upstreams.iter().all(|one| !one.requests().is_empty()));
    fixture.running.as_ref().unwrap().reload(arrangement(&service(&all[..3], hash)));
    let fourth = upstreams[3].requests().len();
    (0..USERS).for_each(|user| asked_by(&mut client, user));
    let mut moved = 0;
    for (old, new) in before.iter().zip(seen(&upstreams, USERS)) {
        assert!(old.contains(&3) || *old == new);
        moved += usize::from(*old != new);
    }
    assert!((1..=USERS / 4 * 2).contains(&moved), "{moved} of {USERS} moved");
    assert_eq!(upstreams[3].requests().len(), fourth);
}

#[test]
fn checks_take_an_upstream_out_and_put_it_back() {
    let well = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&well);
    let checked = Upstream::start(move |request, wire| {
        if request.target() == b"/up" && !says.load(Ordering::SeqCst) {
            wire.send(b"HTTP/1.1 503 Unwell\r\nContent-Length: 0\r\n\r\n");
        } else {
            wire.send(OK);
        }
        true
    });
    let other = Upstream::says(OK);
    let check = "health = { path = \"/up\", interval = \"100ms\", timeout = \"1s\", \
                 unhealthy_after = 2, healthy_after = 2 }";
    let text = service(&[checked.address, other.address], check);
    // one prober, however many workers
    let fixture = Fixture::with(&text, |config| config.workers = 2);
    let metric =
        format!("palisade_upstream_healthy{{service=\"shop\",upstream=\"{}\"}}", checked.address);
    let served = |upstream: &Upstream| {
        upstream.requests().iter().filter(|request| request.target() != b"/up").count()
    };
    let ask = |count| (0..count).for_each(|user| asked_by(&mut fixture.client(), user));
    ask(20);
    fixture.wait_for(&metric, 1);
    assert!(served(&checked) > 0);
    well.store(false, Ordering::SeqCst);
    fixture.wait_for(&metric, 0);
    let before = served(&checked);
    ask(20);
    fixture.running.as_ref().unwrap().reload(arrangement(&format!("{text}\nretries = 0")));
    ask(20);
    assert_eq!(served(&checked), before, "also after a reload");
    well.store(true, Ordering::SeqCst);
    fixture.wait_for(&metric, 1);
    ask(40);
    assert!(served(&checked) > before);
    let request = checked.requests().into_iter().find(|one| one.target() == b"/up").unwrap();
    assert_eq!(request.field("host"), Some(checked.address.to_string().as_bytes()));
    let pace = Instant::now();
    let checks = checked.requests().len();
    thread::sleep(Duration::from_millis(1_000));
    let more = checked.requests().len() - checks;
    assert!(more <= 11, "{more} checks in {:?}", pace.elapsed());
}

#[test]
fn when_all_are_unwell_requests_are_sent_all_the_same() {
    let upstream = Upstream::start(|request, wire| {
        let check = request.target() == b"/up";
        wire.send(if check { b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" } else { OK });
        true
    });
    let check = "health = { path = \"/up\", interval = \"100ms\", unhealthy_after = 1 }";
    let fixture = Fixture::new(&service(&[upstream.address], check));
    fixture.wait_for("palisade_upstream_healthy{", 0);
    asked_by(&mut fixture.client(), 1);
}
