//! What one exchange costs behind the gateway, stage by stage, beside what it may cost.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rig::figures::table;
use crate::{command, tree};

/// Stages of `crates/palisade/benches/stages.rs`, what they do, and their budgets in nanoseconds
/// per exchange: together what may be spent beside moving bytes.
const STAGES: &[(&str, &str, u64)] = &[
    ("inspect", "the five calls: identify, read both bodies, recognise, observe", 1_500),
    ("journal", "write, compress, commit", 600),
    ("absorb", "learn", 600),
    ("forget", "drop the observation", 150),
];

/// Runs the stages in release and prints each beside its budget. Being over it is shown and not an
/// error: times belong to the machine.
pub(super) fn measure() -> Result<Value> {
    let mut found: Vec<(String, u64)> = Vec::new();
    let mut cargo = command::cargo(&tree::root()?);
    cargo.args(["bench", "--quiet", "--package", "palisade", "--bench", "stages"]);
    command::run_reading(&mut cargo, |line| found.extend(parse(line)))?;
    let mut rows = Vec::new();
    let mut figures = json!({});
    for (stage, does, budget) in STAGES {
        let known = found.iter().find(|(name, _)| name == stage);
        let (_, spent) = known.with_context(|| format!("no figure for the stage {stage}"))?;
        let verdict = if spent <= budget { "" } else { "over" };
        let cells = [*stage, does, &spent.to_string(), &budget.to_string(), verdict];
        rows.push(cells.map(str::to_owned).to_vec());
        figures[*stage] = json!({"nanoseconds": spent, "budget": budget});
    }
    println!("\n### One exchange behind the gateway, median of rounds of 4,096\n");
    println!("{}", table(&["stage", "does", "ns", "budget ns", ""], &rows));
    Ok(figures)
}

/// A line such as `inspect 1234`.
fn parse(line: &str) -> Option<(String, u64)> {
    let (name, number) = line.split_once(' ')?;
    Some((name.to_owned(), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_from_other_lines() {
        assert_eq!(parse("absorb 512"), Some(("absorb".to_owned(), 512)));
        assert_eq!(parse("Finished in 3 s"), None);
        assert_eq!(parse("absorb"), None);
    }
}
