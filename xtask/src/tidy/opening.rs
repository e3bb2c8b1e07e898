//! Every file opens with `//!` and a sentence on what it is for.

use super::Complaint;
use super::source::Source;

/// Fewer characters than this are no sentence.
const SENTENCE_MIN: usize = 12;

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let mut words = source.text.lines().map_while(|line| line.strip_prefix("//!"));
    if words.any(|line| line.trim().len() >= SENTENCE_MIN) {
        return Vec::new();
    }
    vec![source.complain(1, "the file must open with `//!` and a sentence on what it is for")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_must_come_first() {
        let complaints = |text| check(&Source::of("crates/x/src/lib.rs", text)).len();
        assert_eq!(complaints("//! What this file is for.\n\nfn f() {}\n"), 0);
        assert_eq!(complaints("//! # Name\n//!\n//! What this file is for.\n"), 0);
        assert_eq!(complaints("//! x\nfn f() {}\n"), 1);
        assert_eq!(complaints("use std::fmt;\n// Not a module comment at all.\n"), 1);
    }
}
