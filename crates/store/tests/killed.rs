//! A process that is killed at any instant has lost nothing that was acknowledged.
//!
//! The test runs this test binary again as its child, which appends and tells on its standard
//! output what was acknowledged, until it is killed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use analysis::change::Change;
use exchange::moment::Moment;
use store::{Options, Position, Store};

use crate::fixture::{Place, batch, finding};

/// Tells the child where to write; its presence makes it a child.
const DATABASE: &str = "PALISADE_STORE_KILLED";

/// Observations in each batch of the child.
const BATCH: u64 = 16;

/// Times the child is killed.
const ROUNDS: u64 = 24;

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    if let Ok(path) = std::env::var(DATABASE) {
        append_until_killed(&path);
    }
    let place = Place::new();
    let mut acknowledged = 0;
    let mut findings = 0;
    for round in 0..ROUNDS {
        let said = run_and_kill(&place, Duration::from_millis(20 + round * 7));
        for line in said {
            let (what, number) = line.split_once(' ').unwrap();
            let number: u64 = number.parse().unwrap();
            if what == "position" { acknowledged = number } else { findings = number }
        }
        let store = place.open();
        let loaded = store.load().unwrap();
        assert_eq!(loaded.state.map_or(0, |state| state.len() as u64), loaded.position.0 / BATCH);
        let mut number = 0;
        let replayed = store
            .replay(Position(0), |one| {
                assert_eq!(one.duration_us, number % BATCH);
                number += 1;
            })
            .unwrap();
        assert!(replayed.last >= Position(acknowledged), "{replayed:?} {acknowledged}");
        assert_eq!((replayed.last.0 % BATCH, replayed.missing), (0, 0), "half a batch");
        let kept = store.reader().unwrap().findings().unwrap().len() as u64;
        assert!(kept >= findings, "{kept} of {findings} findings");
    }
    assert!(acknowledged > ROUNDS * BATCH, "the children hardly wrote: {acknowledged}");
    assert!(findings > 0);
}

/// Starts the child, kills it some time after its first acknowledgement, and returns its lines.
fn run_and_kill(place: &Place, after: Duration) -> Vec<String> {
    let name = "killed::nothing_acknowledged_is_lost_when_the_process_is_killed";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(DATABASE, place.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let is_ours = |line: &String| line.starts_with("position ") || line.starts_with("findings ");
    let first = lines.find(is_ours).expect("the child acknowledges something");
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    // the last line may be cut off: what was not wholly said was not acknowledged
    let mut said = vec![first];
    said.extend(lines.filter(is_ours).filter(|line| line.ends_with(' ')));
    said.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Writes batches, states and findings for ever, and says what is committed. A line ends in a
/// blank, which shows that it is whole.
fn append_until_killed(path: &str) -> ! {
    let store = Store::open(path.as_ref(), Options::default()).unwrap();
    let mut findings = store.reader().unwrap().findings().unwrap().len();
    let mut out = std::io::stdout();
    loop {
        let position = store.append(&batch(0..BATCH)).unwrap();
        writeln!(out, "position {position} ").unwrap();
        let at = Moment::from_micros(position.0 as i64);
        if position.0.is_multiple_of(BATCH * 3) {
            let state = vec![7; usize::try_from(position.0 / BATCH).unwrap()];
            store.save_state(&state, position, at).unwrap();
        }
        if position.0.is_multiple_of(BATCH * 5) {
            findings += 1;
            let finding = Box::new(finding(&format!("/orders/{findings}")));
            store.apply(&[Change::FindingOpened { at, finding }]).unwrap();
            writeln!(out, "findings {findings} ").unwrap();
        }
    }
}
