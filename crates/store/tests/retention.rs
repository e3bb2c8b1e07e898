//! Deletion: by age, by size, and never what no state contains.

use exchange::moment::Moment;
use exchange::observation::Observation;
use store::{Position, Retention, Store};

use crate::fixture::{DAY, Place, batch, observation};

const EVER: u64 = u64::MAX;

/// Ten segments of three observations, one a day.
fn ten_days(store: &Store) -> Moment {
    for day in 0..10 {
        let at = Moment::from_micros(day * DAY);
        let segment: Vec<_> = (0..3).map(|n| Observation { at, ..observation(n) }).collect();
        store.append(&segment).unwrap();
    }
    Moment::from_micros(9 * DAY + 5)
}

#[test]
fn what_is_too_old_goes_once_a_state_contains_it() {
    let place = Place::new();
    let store = place.open();
    let now = ten_days(&store);
    let week = Retention { days: 4, bytes_max: EVER };
    assert_eq!(store.expire(now, &week).unwrap().segments, 0, "no state contains it");
    store.save_state(b"learned", Position(6), now).unwrap();
    let expired = store.expire(now, &week).unwrap();
    assert_eq!((expired.segments, expired.observations), (2, 6));
    store.save_state(b"learned", Position(30), now).unwrap();
    let expired = store.expire(now, &week).unwrap();
    assert_eq!((expired.segments, expired.observations), (3, 9));
    let replayed = store.replay(Position(0), |_| ()).unwrap();
    assert_eq!((replayed.observations, replayed.missing), (15, 15));
}

#[test]
fn positions_go_on_after_everything_is_gone() {
    let place = Place::new();
    let store = place.open();
    let now = ten_days(&store);
    store.save_state(b"learned", Position(30), now).unwrap();
    let later = Moment::from_micros(100 * DAY);
    assert_eq!(store.expire(later, &Retention::default()).unwrap().segments, 10);
    assert_eq!(store.append(&batch(1..2)).unwrap(), Position(31));
}

#[test]
fn what_is_too_much_goes_oldest_first() {
    let place = Place::new();
    let store = place.open();
    let mut last = Position(0);
    for round in 0..300 {
        // numbers that differ, so that compression does not make the test pointless
        last = store.append(&batch(round * 7_000..round * 7_000 + 400)).unwrap();
    }
    let before = store.reader().unwrap().bytes().unwrap();
    store.save_state(b"learned", last, Moment::from_micros(1)).unwrap();
    let limits = Retention { days: 30, bytes_max: before / 2 };
    let expired = store.expire(Moment::from_micros(1), &limits).unwrap();
    assert!(expired.segments > 64, "several steps: {expired:?}");
    let after = store.reader().unwrap().bytes().unwrap();
    assert!(after <= before / 2 && after > 0, "{before} {after}");
    let newest = store.replay(Position(last.0 - 400), |_| ()).unwrap();
    assert_eq!(newest.observations, 400);
}
