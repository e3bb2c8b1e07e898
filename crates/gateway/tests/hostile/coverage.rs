//! Every case of the catalogue of hostile input that belongs to HTTP/1.1 is run here, or is named
//! with the reason why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::case::{Case, Family};

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

/// All cases of all families.
fn cases() -> Vec<Case> {
    let files = [
        include_str!("h1.toml"),
        include_str!("ho.toml"),
        include_str!("pa.toml"),
        include_str!("id.toml"),
        include_str!("rs.toml"),
    ];
    files.iter().flat_map(|text| Family::read(text).cases).collect()
}

#[test]
fn every_case_is_run_or_named() {
    let _alone = crate::alone();
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for case in cases() {
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

/// The page about the wire has a line for each reason, and names the cases that end with it.
#[test]
fn the_page_tells_what_the_cases_show() {
    let _alone = crate::alone();
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        let refused = case.statuses.last().is_none_or(|status| *status >= 400);
        let problem = case.problem.iter().filter(|_| case.reasons.is_empty() && refused);
        for reason in case.reasons.iter().chain(problem) {
            shown.entry(reason.clone()).or_default().insert(id_of(&case.id).unwrap());
        }
    }
    let page = include_str!("../../../../docs/wire.md");
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let columns: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [reason, _, why, ids] = columns[..] else { panic!("four columns: {line}") };
        assert!(why.ends_with('.'), "{line}");
        let reason = reason.trim().trim_matches('`').to_owned();
        let ids = ids.split(", ").map(|id| id.trim().to_owned()).collect();
        assert!(told.insert(reason, ids).is_none(), "twice: {line}");
    }
    assert_eq!(told, shown);
    assert_eq!(told.len(), 72);
    // and what is said in passing is about cases that there are
    let ran: BTreeSet<String> = cases().iter().map(|case| id_of(&case.id).unwrap()).collect();
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let named: BTreeSet<String> = words.filter(|word| word.len() == 5).filter_map(id_of).collect();
    assert!(named.is_subset(&ran), "{:?}", named.difference(&ran));
}
