//! A source file has at most 500 lines. Tests do not count: neither `tests/` directories nor
//! items marked `#[cfg(test)]`.

use super::Complaint;
use super::source::Source;

/// Lines of one file, tests apart.
const LINES_MAX: usize = 500;

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    if source.is_test_file() {
        return Vec::new();
    }
    let tests: usize = source.test_lines.iter().map(|range| range.clone().count()).sum();
    let lines = source.text.lines().count() - tests;
    if lines <= LINES_MAX {
        return Vec::new();
    }
    let what = format!("{lines} lines without tests, at most {LINES_MAX}: find the second reason");
    vec![source.complain(0, what)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_do_not_count() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    fn t() {}\n".repeat(600));
        let short = format!("{}{tests}", "fn f() {}\n".repeat(500));
        let long = format!("{}{tests}", "fn f() {}\n".repeat(501));
        assert_eq!(check(&Source::of("crates/x/src/lib.rs", &short)), []);
        assert_eq!(check(&Source::of("crates/x/src/lib.rs", &long)).len(), 1);
        assert_eq!(check(&Source::of("crates/x/tests/it.rs", &long)), []);
    }
}
