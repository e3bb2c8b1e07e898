//! Every case of the catalogue of hostile input that belongs to HTTP/1.1 is run here, or is named
//! with the reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::case::Family;

const CATALOGUE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/hostile-input.md");

const PREFIXES: [&str; 5] = ["H1-", "HO-", "PA-", "ID-", "RS-"];

/// Cases that are not run here.
const ELSEWHERE: [(&str, &str); 7] = [
    ("HO-11", "needs TLS: the server name and Host"),
    ("HO-12", "needs TLS: the server name and Host"),
    ("HO-13", "needs TLS: the server name and Host"),
    ("HO-14", "needs TLS and HTTP/2: connections for several names"),
    ("HO-15", "needs HTTP/2: two names of the host"),
    ("ID-15", "no endpoint of the gateway makes requests of its own from a request"),
    ("RS-16", "needs an upstream that speaks HTTP/2"),
];

fn id_of(text: &str) -> Option<String> {
    let id = text.get(..5)?;
    let known = PREFIXES.iter().any(|prefix| id.starts_with(prefix));
    (known && id.as_bytes()[3..].iter().all(u8::is_ascii_digit)).then(|| id.to_owned())
}

#[test]
fn every_case_is_run_or_named() {
    let _alone = crate::alone();
    let files = [
        include_str!("h1.toml"),
        include_str!("ho.toml"),
        include_str!("pa.toml"),
        include_str!("id.toml"),
        include_str!("rs.toml"),
    ];
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for case in files.iter().flat_map(|text| Family::read(text).cases) {
        *ran.entry(id_of(&case.id).unwrap()).or_default() += 1;
        assert!(names.insert(case.id.clone()), "{} is there twice", case.id);
    }
    let text = fs::read_to_string(CATALOGUE).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ").and_then(id_of));
    let wanted: BTreeSet<String> = rows.collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|(id, _)| (*id).to_owned()).collect();
    let known: BTreeSet<String> = ran.keys().cloned().chain(elsewhere.iter().cloned()).collect();
    assert_eq!(known.difference(&wanted).count(), 0);
    let missing: Vec<&String> = wanted.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!((wanted.len(), ran.len(), elsewhere.len()), (158, 151, 7));
    assert!(elsewhere.iter().all(|id| !ran.contains_key(id)));
}
