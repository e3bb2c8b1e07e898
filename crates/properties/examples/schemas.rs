//! Compares verdicts on as many pairs of schema and instance as asked for:
//! `cargo run --release -p palisade-properties --example schemas -- <first seed> <seeds>`.
//! Each seed is one schema and fifty instances. Stops at the first difference.

use std::env::args;

fn main() {
    let mut numbers = args().skip(1).map(|text| text.parse::<u64>());
    let (Some(Ok(first)), Some(Ok(seeds))) = (numbers.next(), numbers.next()) else {
        return say("usage: schemas <first seed> <seeds>");
    };
    let valid: usize =
        (first..first + seeds).map(|seed| properties::schema_pair::check(seed, 50)).sum();
    say(&format!("{} pairs, of which {valid} are valid: equal verdicts", seeds * 50));
}

#[expect(clippy::print_stdout, reason = "the outcome goes to who runs it")]
fn say(line: &str) {
    println!("{line}");
}
