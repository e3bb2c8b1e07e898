//! What checking a JSON body against its schema costs, beside other ways to deal with one.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::rig::figures::table;
use crate::{command, tree};

/// A figure: bytes of the body, the way, and nanoseconds per body.
type Figure = (u64, String, u64);

/// Runs `crates/contract/benches/validate.rs` in release and prints each way beside ours.
pub(super) fn measure() -> Result<Value> {
    let mut found: Vec<Figure> = Vec::new();
    let mut cargo = command::cargo(&tree::root()?);
    cargo.args(["bench", "--quiet", "--package", "palisade-contract", "--bench", "validate"]);
    command::run_reading(&mut cargo, |line| found.extend(parse(line)))?;
    anyhow::ensure!(!found.is_empty(), "the bench printed no figures");
    let mut rows = Vec::new();
    for (bytes, way, spent) in &found {
        let ours = found.iter().find(|(size, way, _)| size == bytes && way == "palisade");
        let (_, _, ours) = ours.with_context(|| format!("no figure of ours for {bytes} bytes"))?;
        #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one body")]
        let ratio = *spent as f64 / (*ours).max(1) as f64;
        rows.push(vec![bytes.to_string(), way.clone(), spent.to_string(), format!("{ratio:.2}")]);
    }
    println!("\n### One JSON body against its schema, median of 41 rounds in turns\n");
    println!("{}", table(&["bytes", "way", "ns", "of ours"], &rows));
    Ok(found
        .iter()
        .map(|(bytes, way, spent)| json!({"bytes": bytes, "way": way, "ns": spent}))
        .collect())
}

/// A line such as `171 palisade 510`.
fn parse(line: &str) -> Option<Figure> {
    let mut words = line.split(' ');
    let (bytes, way, spent) = (words.next()?, words.next()?, words.next()?);
    Some((bytes.parse().ok()?, way.to_owned(), spent.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_from_other_lines() {
        assert_eq!(parse("171 palisade 510"), Some((171, "palisade".to_owned(), 510)));
        assert_eq!(parse("Finished in 3 s"), None);
    }
}
