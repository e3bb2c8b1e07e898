//! Lines of Rust have at most 100 columns, also where rustfmt leaves them alone. In tests, a line
//! may be as long as the text that it holds: recorded lines and documents are not broken.

use super::Complaint;
use super::source::Source;

const COLUMNS_MAX: usize = 100;

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let widths = source.text.lines().map(|line| line.chars().count()).zip(1..);
    let holds_text = |line: &str, number: usize| source.is_test_line(number) && line.contains('"');
    widths
        .filter(|(width, _)| *width > COLUMNS_MAX)
        .filter(|(_, number)| {
            !source.text.lines().nth(number - 1).is_some_and(|line| holds_text(line, *number))
        })
        .map(|(width, line)| {
            source.complain(line, format!("{width} columns, at most {COLUMNS_MAX}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_not_bytes() {
        let text = format!("// {}\n// {}\n", "é".repeat(97), "é".repeat(98));
        let complaints = check(&Source::of("crates/x/src/lib.rs", &text));
        assert_eq!(
            complaints,
            [Complaint::new("crates/x/src/lib.rs", 2, "101 columns, at most 100")]
        );
    }
}
