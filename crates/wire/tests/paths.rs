//! Paths, one row each, under all three profiles.

use std::collections::BTreeSet;

use wire::target::percent_decode;
use wire::{CanonicalPath, PathOddities, PathOddity, Profile, Refusal};

use crate::table::rows;

fn outcome(path: &str, profile: Profile) -> String {
    match CanonicalPath::parse(path.as_bytes(), profile) {
        Ok(path) => path.to_string(),
        Err(Refusal::Path(oddity)) => String::from(oddity.code()),
        Err(other) => panic!("{path}: {other:?}"),
    }
}

#[test]
fn every_case_has_its_reading() {
    let mut ids = BTreeSet::new();
    for [id, path, strict, compat, observed] in rows(include_str!("cases/paths.txt")) {
        assert_eq!(outcome(path, Profile::Strict), strict, "{id} strict");
        assert_eq!(outcome(path, Profile::Compat), compat, "{id} compat");
        let (canonical, oddities) = CanonicalPath::read(path.as_bytes());
        let mut reading = canonical.to_string();
        for oddity in oddities.iter() {
            reading.push(' ');
            reading.push_str(oddity.code().trim_start_matches("path."));
        }
        assert_eq!(reading, observed, "{id} observed");
        assert_eq!(outcome(path, Profile::Observe), canonical.as_str(), "{id} never refused");
        assert!(ids.insert(id), "{id} is there twice");
    }
    assert_eq!(ids.len(), 75);
}

#[test]
fn segments_are_what_stands_between_slashes() {
    let segments = |text: &str| {
        let (path, _) = CanonicalPath::read(text.as_bytes());
        (path.segments().map(String::from).collect::<Vec<_>>(), path.ends_with_slash())
    };
    assert_eq!(segments("/"), (vec![], false));
    assert_eq!(segments(""), (vec![], false));
    assert_eq!(segments("/a/b"), (vec![String::from("a"), String::from("b")], false));
    assert_eq!(segments("/a//b/"), (vec![String::from("a"), String::from("b")], true));
    assert_eq!(CanonicalPath::default().as_str(), "/");
}

#[test]
fn a_path_has_a_bound_on_its_segments() {
    let bound = wire::limits::PATH_SEGMENTS;
    let (_, oddities) = CanonicalPath::read("/a".repeat(bound).as_bytes());
    assert!(oddities.is_empty());
    let (_, oddities) = CanonicalPath::read("/a".repeat(bound + 1).as_bytes());
    assert_eq!(oddities.iter().collect::<Vec<_>>(), [PathOddity::TooManySegments]);
}

#[test]
fn oddities_are_a_set() {
    let all: PathOddities = PathOddity::ALL.iter().copied().collect();
    assert_eq!((all.len(), PathOddity::ALL.len()), (20, 20));
    assert!(all.iter().eq(PathOddity::ALL.iter().copied()));
    let one: PathOddities = [PathOddity::Nul, PathOddity::Nul].into_iter().collect();
    assert!(one.contains(PathOddity::Nul) && !one.contains(PathOddity::Control));
    assert_eq!(one.len(), 1);
}

#[test]
fn decoding_happens_once() {
    assert_eq!(*percent_decode(b"a%2Fb%252e%zz%"), *b"a/b%2e%zz%");
    assert_eq!(*percent_decode(b"plain+text"), *b"plain+text");
}
