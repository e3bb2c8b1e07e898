//! What cannot be opened or written is refused with a remedy, and left as it is.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use exchange::moment::Moment;
use rusqlite::Connection;
use store::{Options, Position, Store, StoreError};

use crate::fixture::{Place, batch};

fn refusal(path: &Path) -> StoreError {
    Store::open(path, Options::default()).expect_err("the file must be refused")
}

/// Overwrites some bytes of a file.
fn scribble(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let place = Place::new();
    std::fs::write(place.path(), "a shopping list, longer than a header").unwrap();
    let error = refusal(&place.path());
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("Name another file"), "{error}");
    let kept = std::fs::read_to_string(place.path()).unwrap();
    assert_eq!(kept, "a shopping list, longer than a header");
}

#[test]
fn another_programs_database_is_left_alone() {
    let place = Place::new();
    let other = Connection::open(place.path()).unwrap();
    other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(other);
    let error = refusal(&place.path());
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
}

#[test]
fn a_newer_format_is_refused() {
    let place = Place::new();
    drop(place.open());
    let newer = Connection::open(place.path()).unwrap();
    newer.pragma_update(None, "user_version", store::FORMAT + 1).unwrap();
    drop(newer);
    let error = refusal(&place.path());
    assert!(matches!(error, StoreError::Newer { .. }), "{error}");
    assert!(error.to_string().contains("use the version that wrote it"), "{error}");
}

#[test]
fn a_second_process_is_kept_out() {
    let place = Place::new();
    let first = place.open();
    // the lock belongs to the open file, so a second one in this process is as good as another's
    let error = refusal(&place.path());
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(first);
    drop(place.open());
}

#[test]
fn a_missing_directory_is_named() {
    let place = Place::new();
    let path = place.path().join("nowhere/palisade.db");
    let error = refusal(&path);
    assert!(matches!(error, StoreError::Io { .. }), "{error}");
    assert!(error.to_string().contains("does its directory exist"), "{error}");
}

#[test]
fn damage_is_found_and_never_replaced_by_an_empty_file() {
    let mut cases = 0;
    for table in ["sqlite_schema", "endpoint", "finding", "key", "policy_revision", "state"] {
        let place = damaged(table);
        let size = std::fs::metadata(place.path()).unwrap().len();
        let error = refusal(&place.path());
        assert!(matches!(error, StoreError::Damaged { .. }), "{table}: {error:?}");
        assert!(error.to_string().contains("Put a backup in its place"), "{error}");
        assert_eq!(std::fs::metadata(place.path()).unwrap().len(), size);
        cases += 1;
    }
    assert_eq!(cases, 6);
    // the journal is too large to be checked on opening; its damage is found on reading
    let place = damaged("journal");
    let store = place.open();
    let error = store.replay(Position(0), |_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

/// A database in which the first page of this table is overwritten.
fn damaged(table: &str) -> Place {
    let place = Place::new();
    let store = place.open();
    let position = store.append(&batch(1..50)).unwrap();
    store.save_state(&[9; 20_000], position, Moment::from_micros(1)).unwrap();
    drop(store);
    let query = "SELECT coalesce(max(rootpage), 1) FROM sqlite_schema WHERE name = ?1";
    let database = Connection::open(place.path()).unwrap();
    let page: u32 = database.query_row(query, [table], |row| row.get(0)).unwrap();
    drop(database);
    // behind the header of the file, which the first page begins with
    let at = u64::from(page - 1) * 4_096 + if page == 1 { 100 } else { 0 };
    scribble(&place.path(), at, &[0xa5; 3_000]);
    place
}

#[test]
fn a_damaged_state_or_segment_is_not_taken_for_good() {
    let place = Place::new();
    let store = place.open();
    let position = store.append(&batch(1..50)).unwrap();
    store.save_state(b"what was learned", position, Moment::from_micros(1)).unwrap();
    drop(store);
    let vandal = Connection::open(place.path()).unwrap();
    vandal
        .execute_batch("UPDATE state SET bytes = x'00'; UPDATE journal SET body = x'789c00'")
        .unwrap();
    drop(vandal);
    let store = place.open();
    let error = store.load().unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let error = store.replay(Position(0), |_| ()).unwrap_err();
    assert!(error.to_string().contains("journal segment 1 to 49"), "{error}");
}

#[test]
fn a_full_file_refuses_and_recovers() {
    let place = Place::new();
    let store = Store::open(&place.path(), Options { bytes_max: Some(400 << 10) }).unwrap();
    let mut acknowledged = Position(0);
    let error = loop {
        match store.append(&batch(1..2_000)) {
            Ok(position) => acknowledged = position,
            Err(error) => break error,
        }
        assert!(acknowledged < Position(10_000_000), "the limit does not hold");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("nothing was lost"), "{error}");
    let replayed = store.replay(Position(0), |_| ()).unwrap();
    assert_eq!(replayed.last, acknowledged);

    drop(store);
    let roomier = place.open();
    assert!(roomier.append(&batch(1..2_000)).unwrap() > acknowledged);
}

#[test]
fn a_locked_file_is_busy_not_broken() {
    let place = Place::new();
    let store = place.open();
    let shell = Connection::open(place.path()).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.append(&batch(1..2)).unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    shell.execute_batch("COMMIT").unwrap();
    assert_eq!(store.append(&batch(1..2)).unwrap(), Position(1));
}
