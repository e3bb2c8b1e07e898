//! Nothing unfinished is kept: no macro that panics in place of code, no marker for later, no test
//! that is switched off.

use super::Complaint;
use super::source::Source;

/// Put together here so that this file does not find itself.
const MARKS: &[&str] = &[
    concat!("to", "do!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore"),
    concat!("FIX", "ME"),
    concat!("TO", "DO"),
    concat!("XX", "X"),
];

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (text, line) in source.text.lines().zip(1..) {
        if let Some(mark) = MARKS.iter().find(|mark| text.contains(**mark)) {
            complaints
                .push(source.complain(line, format!("`{mark}`: finish it, or file an issue")));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found() {
        let texts: Vec<String> = MARKS.iter().map(|mark| format!("// {mark}\n")).collect();
        let found = texts.iter().map(|text| check(&Source::of("crates/x/src/lib.rs", text)).len());
        assert_eq!(found.sum::<usize>(), 6);
        assert_eq!(check(&Source::of("crates/x/src/lib.rs", "// nothing to do here\n")), []);
    }
}
