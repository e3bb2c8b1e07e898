//! Starting, reloading and draining.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway::metrics::Metrics;
use gateway::outlet::outlet;
use gateway::{Drained, Gateway, GatewayConfig, GatewayError};

use crate::harness::{Fixture, OK, Upstream, Wire, arrangement, settings};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

#[test]
fn reloads_under_load_fail_no_request() {
    let first = Upstream::says(OK);
    let second = Upstream::says(OK);
    let texts = [settings("observe", first.address, ""), settings("block", second.address, "")];
    let fixture = Fixture::with(&texts[0], |config| config.workers = 2);
    let (address, stop) = (fixture.address(), Arc::new(AtomicBool::new(false)));
    let served = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, served) = (Arc::clone(&stop), Arc::clone(&served));
            thread::spawn(move || {
                let mut client = Wire::connect(address);
                while !stop.load(Ordering::SeqCst) {
                    assert_eq!(client.ask(GET).status(), 200);
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for at in 0..100 {
        fixture.running.as_ref().unwrap().reload(arrangement(&texts[(at + 1) % 2]));
        thread::sleep(Duration::from_millis(2));
    }
    stop.store(true, Ordering::SeqCst);
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert!(served.load(Ordering::SeqCst) > 100);
    assert!(!first.requests().is_empty() && !second.requests().is_empty());
    fixture.wait_for("palisade_exchanges_total{service=\"shop\",disposition=\"dropped\"", 0);
}

#[test]
fn a_drain_finishes_what_has_begun() {
    let upstream = Upstream::start(|_, wire| {
        thread::sleep(Duration::from_millis(300));
        wire.send(OK);
        true
    });
    let mut fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.workers = 2;
    });
    let mut idle = fixture.client();
    assert_eq!(idle.ask(GET).status(), 200);
    let mut busy = fixture.client();
    busy.send(GET);
    while upstream.requests().len() < 2 {
        thread::sleep(Duration::from_millis(1));
    }
    let (address, running) = (fixture.address(), fixture.running.take().unwrap());
    let begun = Instant::now();
    let drained = running.drain(Duration::from_secs(10));
    assert_eq!(drained, Drained { cut: 0 });
    assert!(begun.elapsed() < Duration::from_secs(2));
    let response = busy.response();
    assert_eq!(response.status(), 200);
    assert_eq!(response.body, b"{\"ok\":true}");
    assert!(idle.ends());
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!fixture.metrics.is_ready());
    assert_eq!(fixture.observations(2).len(), 2);
}

#[test]
fn a_drain_cuts_what_does_not_end() {
    let upstream = Upstream::raw(|wire, _| while wire.request().is_some() {});
    let mut fixture = Fixture::observing(&upstream);
    let mut stuck = fixture.client();
    stuck.send(GET);
    let begun = Instant::now();
    while upstream.connections() == 0 {
        assert!(begun.elapsed().as_secs() < 5);
    }
    let drained = fixture.running.take().unwrap().drain(Duration::from_millis(200));
    assert_eq!(drained, Drained { cut: 1 });
    assert!(stuck.try_response(false).is_none());
    let seen = &fixture.observations(1)[0];
    assert_eq!(seen.disposition, exchange::decision::Disposition::Dropped);
}

#[test]
fn an_address_in_use_is_not_shared() {
    let upstream = Upstream::says(OK);
    let fixture = Fixture::observing(&upstream);
    let (outlet, _reader) = outlet();
    let metrics = Arc::new(Metrics::new(outlet.clone()));
    let config = GatewayConfig::new(vec![fixture.address()], 1);
    let text = settings("observe", upstream.address, "");
    let second = Gateway::start(&config, arrangement(&text), &outlet, &metrics);
    assert!(matches!(second, Err(GatewayError::Listen { .. })), "{second:?}");
    let nowhere = GatewayConfig::new(Vec::<gateway::ListenerConfig>::new(), 1);
    let third = Gateway::start(&nowhere, arrangement(&text), &outlet, &metrics);
    assert!(matches!(third, Err(GatewayError::NoListener)));
}
