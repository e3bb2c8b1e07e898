//! The seeds of every fuzz target, as a plain test: whole, cut short, and with a byte turned.

#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::fs;
use std::path::Path;

use properties::TARGETS;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz");

/// The names of the files in a directory of `fuzz/`, in order.
fn names(directory: &str) -> Vec<String> {
    let place = Path::new(FUZZ).join(directory);
    let entries = fs::read_dir(&place).unwrap_or_else(|error| panic!("{place:?}: {error}"));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_seed_holds() {
    let mut seeds = 0;
    let mut inputs = 0;
    for (target, check) in TARGETS {
        for seed in names(&format!("seeds/{target}")) {
            let bytes = fs::read(Path::new(FUZZ).join("seeds").join(target).join(&seed)).unwrap();
            for input in variants(&bytes) {
                check(&input);
                inputs += 1;
            }
            seeds += 1;
        }
    }
    assert_eq!(seeds, 468);
    assert!(inputs >= 40 * seeds);
}

/// A seed, some of its beginnings, and some copies with one byte changed.
fn variants(seed: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![seed.to_vec()];
    let step = (seed.len() / 20).max(1);
    for at in (0..20).map(|number| (number * step) % seed.len().max(1)) {
        all.push(seed[..at].to_vec());
        let mut turned = seed.to_vec();
        turned[at] ^= 1 << (at % 8);
        all.push(turned);
    }
    all
}

#[test]
fn every_target_has_its_file_and_its_seeds() {
    let known: Vec<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files: Vec<String> = known.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), files);
    assert_eq!(names("seeds"), known);
}

#[test]
fn verdicts_on_schemas_are_those_of_the_other_validator() {
    let valid: usize = (0..2_000).map(|seed| properties::schema_pair::check(seed, 10)).sum();
    // neither everything nor nothing is valid, so that both verdicts are compared
    assert!((2_000..18_000).contains(&valid), "{valid}");
}
