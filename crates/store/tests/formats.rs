//! A database of every format there ever was opens, and gives back what it held.

use analysis::findings::Status;
use exchange::moment::Moment;
use rusqlite::Connection;
use store::{FORMAT, HistoryWhat, KeyName, Position};

use crate::fixture::{Place, batch, endpoint, finding};

/// Databases as the versions of the program left them, as SQL text: format 1 and so on.
const PAST: &[&str] = &[include_str!("formats/1.sql"), include_str!("formats/2.sql")];

#[test]
fn a_database_of_every_past_format_opens() {
    assert_eq!(PAST.len() as i64, FORMAT, "each format has its database");
    for (index, text) in PAST.iter().enumerate() {
        let place = Place::new();
        let past = Connection::open(place.path()).unwrap();
        past.execute_batch(text).unwrap();
        let format: i64 = past.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(format, index as i64 + 1);
        drop(past);
        holds_what_it_held(&place);
        let now = Connection::open(place.path()).unwrap();
        let format: i64 = now.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(format, FORMAT);
    }
}

fn holds_what_it_held(place: &Place) {
    let store = place.open();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state.as_deref(), Some(b"what was learned".as_slice()));
    assert_eq!((loaded.position, loaded.triage.len()), (Position(2), 1));
    let mut seen = Vec::new();
    store.replay(Position(0), |one| seen.push(one)).unwrap();
    assert_eq!(seen, batch(1..4));
    let reader = store.reader().unwrap();
    let mut kept = finding("/orders/{id}");
    kept.status = Status::Suppressed;
    assert_eq!(reader.findings().unwrap(), [kept.clone()]);
    let history = reader.history(kept.fingerprint).unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!((history[1].what, history[1].at), (HistoryWhat::Triaged, Moment::from_micros(8)));
    assert_eq!(reader.endpoints().unwrap(), [endpoint("/orders/{id}")]);
    assert_eq!(reader.revisions(9).unwrap()[0].origin, "file palisade.toml");
    assert_eq!(store.key(KeyName::Pseudonym, [0; 16]).unwrap(), [1; 16]);
    assert_eq!(store.append(&batch(4..5)).unwrap(), Position(4));
}

#[test]
fn an_empty_file_becomes_a_database_of_the_newest_format() {
    let place = Place::new();
    std::fs::write(place.path(), "").unwrap();
    drop(place.open());
    let now = Connection::open(place.path()).unwrap();
    let format: i64 = now.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(format, FORMAT);
}
