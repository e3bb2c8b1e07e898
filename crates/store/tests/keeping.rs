//! What was kept is what comes back.

use analysis::change::Change;
use analysis::findings::Status;
use exchange::moment::Moment;
use store::{HistoryWhat, KeyName, Position, Replayed, RevisionRecord, Triage};

use crate::fixture::{Place, batch, endpoint, finding};

const NOW: Moment = Moment::from_micros(100);

#[test]
fn observations_come_back_in_order_from_any_position() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.append(&batch(1..11)).unwrap(), Position(10));
    assert_eq!(store.append(&[]).unwrap(), Position(10));
    assert_eq!(store.append(&batch(11..16)).unwrap(), Position(15));
    drop(store);
    let store = place.open();
    let mut cases = 0;
    for after in [0, 1, 9, 10, 12, 15, 99] {
        let mut seen = Vec::new();
        let replayed = store.replay(Position(after), |one| seen.push(one)).unwrap();
        assert_eq!(seen, batch(after + 1..16.max(after + 1)));
        let expected =
            Replayed { last: Position(15.max(after)), observations: seen.len() as u64, missing: 0 };
        assert_eq!(replayed, expected);
        cases += 1;
    }
    assert_eq!(cases, 7);
}

#[test]
fn the_state_comes_back_with_what_followed_it() {
    let place = Place::new();
    let store = place.open();
    let opened = Change::FindingOpened { at: NOW, finding: Box::new(finding("/orders")) };
    store.apply(&[opened]).unwrap();
    let triage = |status, reason: &str| Triage {
        fingerprint: finding("/orders").fingerprint,
        status,
        reason: reason.to_owned(),
        by: "operator".to_owned(),
        at: NOW,
    };
    assert!(store.triage(&triage(Status::InProgress, "looking")).unwrap());
    let position = store.append(&batch(1..4)).unwrap();
    store.save_state(b"what was learned", position, NOW).unwrap();
    let after = triage(Status::Suppressed, "accepted by the owner");
    assert!(store.triage(&after).unwrap());
    store.append(&batch(4..6)).unwrap();
    drop(store);

    let store = place.open();
    let loaded = store.load().unwrap();
    assert_eq!(loaded.state.as_deref(), Some(b"what was learned".as_slice()));
    assert_eq!((loaded.position, loaded.triage), (Position(3), vec![after]));
    let mut rest = Vec::new();
    store.replay(loaded.position, |one| rest.push(one)).unwrap();
    assert_eq!(rest, batch(4..6));
}

#[test]
fn findings_keep_their_history() {
    let place = Place::new();
    let store = place.open();
    let row = || Box::new(finding("/orders"));
    let fingerprint = row().fingerprint;
    let resolved = Box::new(analysis::findings::Finding { status: Status::Resolved, ..*row() });
    let triage = Triage {
        fingerprint,
        status: Status::InProgress,
        reason: "asking the owner".to_owned(),
        by: "operator".to_owned(),
        at: NOW,
    };
    assert!(!store.triage(&triage).unwrap(), "there is no such finding yet");
    store.apply(&[Change::FindingOpened { at: NOW, finding: row() }]).unwrap();
    assert!(store.triage(&triage).unwrap());
    let reader = store.reader().unwrap();
    assert_eq!(reader.finding(fingerprint).unwrap().unwrap().status, Status::InProgress);
    store
        .apply(&[
            Change::FindingUpdated { at: NOW, finding: row() },
            Change::FindingResolved { at: NOW, finding: resolved },
            Change::FindingReopened { at: NOW, finding: row() },
        ])
        .unwrap();
    let history = reader.history(fingerprint).unwrap();
    let whats: Vec<_> = history.iter().map(|entry| entry.what).collect();
    use HistoryWhat::{Opened, Reopened, Resolved, Triaged};
    assert_eq!(whats, [Opened, Triaged, Resolved, Reopened]);
    assert_eq!(
        (history[1].reason.as_str(), history[1].by.as_str()),
        ("asking the owner", "operator")
    );
    assert_eq!(reader.findings().unwrap(), [*row()]);
}

#[test]
fn the_inventory_follows_changes() {
    let place = Place::new();
    let store = place.open();
    let (orders, users) = (endpoint("/orders/{id}"), endpoint("/users"));
    let discovered =
        |endpoint| Change::EndpointDiscovered { at: NOW, endpoint: Box::new(endpoint) };
    store.apply(&[discovered(users.clone()), discovered(orders.clone())]).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.endpoints().unwrap(), [orders.clone(), users.clone()]);
    let busier = analysis::snapshot::Endpoint { exchanges: 70, ..orders };
    let updated = Change::EndpointUpdated { at: NOW, endpoint: Box::new(busier.clone()) };
    store.apply(&[updated, Change::EndpointRetired { at: NOW, id: users.id }]).unwrap();
    assert_eq!(reader.endpoints().unwrap(), [busier]);
}

#[test]
fn revisions_are_recorded_once_and_without_secrets() {
    let place = Place::new();
    let store = place.open();
    let record = RevisionRecord {
        revision: "0011223344556677".to_owned(),
        at: NOW,
        origin: "file palisade.toml".to_owned(),
        settings: "mode = \"block\"\nstore = \"postgres://u:hunter2@db/x\"".to_owned(),
    };
    assert!(store.record_revision(&record).unwrap());
    assert!(!store.record_revision(&record).unwrap());
    let other = RevisionRecord { revision: "ff".to_owned(), ..record.clone() };
    assert!(store.record_revision(&other).unwrap());
    let kept = store.reader().unwrap().revisions(10).unwrap();
    let names: Vec<_> = kept.iter().map(|record| record.revision.as_str()).collect();
    assert_eq!(names, ["ff", "0011223344556677"]);
    assert!(kept[1].settings.starts_with("mode = \"block\"\n"));
    assert!(!kept[1].settings.contains("hunter2"));
}

#[test]
fn keys_are_the_same_in_every_run_and_nobody_elses() {
    let place = Place::new();
    let store = place.open();
    assert_eq!(store.key(KeyName::Pseudonym, [1; 16]).unwrap(), [1; 16]);
    assert_eq!(store.key(KeyName::Console, [2; 32]).unwrap(), [2; 32]);
    drop(store);
    let store = place.open();
    assert_eq!(store.key(KeyName::Pseudonym, [3; 16]).unwrap(), [1; 16]);
    let error = store.key(KeyName::Pseudonym, [3; 32]).unwrap_err().to_string();
    assert!(error.contains("pseudonym key has 16 bytes instead of 32"), "{error}");
    #[cfg(unix)]
    for suffix in ["", "-wal", "-shm", ".lock"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = format!("{}{suffix}", place.path().display());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn many_threads_may_write_at_once() {
    let place = Place::new();
    let store = place.open();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..25).for_each(|_| assert!(store.append(&batch(1..5)).is_ok())));
        }
    });
    let replayed = store.replay(Position(0), |_| ()).unwrap();
    assert_eq!(replayed, Replayed { last: Position(800), observations: 800, missing: 0 });
}
