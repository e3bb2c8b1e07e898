//! What the gateway does when memory runs out, and when it comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway::budget::{Memory, Pressure};

use crate::harness::{Fixture, OK, Upstream, settings};

const GET: &[u8] = b"GET /items/7 HTTP/1.1\r\nHost: shop\r\n\r\n";

#[test]
fn fa_23_less_is_taken_on_the_closer_the_limit_and_all_of_it_again_afterwards() {
    let upstream = Upstream::says(OK);
    let used = Arc::new(AtomicU64::new(0));
    let measured = Arc::clone(&used);
    let measure = move || Some(measured.load(Ordering::SeqCst));
    let memory = Arc::new(Memory::measured(Some(100), measure));
    let fixture = Fixture::with(&settings("observe", upstream.address, ""), |config| {
        config.memory = Arc::clone(&memory);
    });
    let uses = |percent: u64, pressure: Pressure| {
        used.store(percent, Ordering::SeqCst);
        let deadline = Instant::now() + Duration::from_secs(10);
        while memory.pressure() != pressure {
            assert!(Instant::now() < deadline, "pressure is {:?}", memory.pressure());
            thread::sleep(Duration::from_millis(20));
        }
    };
    let mut kept = fixture.client();
    assert_eq!(kept.ask(GET).status(), 200);

    uses(85, Pressure::Saving);
    let mut client = fixture.client();
    let answer = client.ask(GET);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.field("connection"), Some(b"close".as_slice()));
    assert!(client.ends(), "a connection is kept in need");

    uses(92, Pressure::TurningAway);
    let mut turned = fixture.client();
    let answer = turned.response();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.field("retry-after"), Some(b"1".as_slice()));

    uses(95, Pressure::Refusing);
    let answer = kept.ask(GET);
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.field("retry-after"), Some(b"1".as_slice()));
    assert!(kept.ends());
    assert_eq!(upstream.requests().len(), 2);
    assert_eq!(fixture.metric("palisade_overloads_total"), 2);

    uses(10, Pressure::None);
    let mut client = fixture.client();
    assert_eq!(client.ask(GET).status(), 200);
    assert_eq!(client.ask(GET).status(), 200, "connections are kept again");
}
