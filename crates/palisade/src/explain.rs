//! `palisade explain`: the page of a rule, which is also its test.

use anyhow::anyhow;
use exchange::rule::{RuleCard, RuleId};

use crate::terminal;

/// Every rule that this version carries out, by name.
pub(crate) fn cards() -> Vec<&'static RuleCard> {
    let detectors = inspect::detector::CATALOG.iter().map(|detector| detector.card());
    let mut cards: Vec<&RuleCard> = detectors
        .chain(analysis::posture::CATALOG.iter().copied())
        .chain(analysis::drift::CATALOG.iter().copied())
        .collect();
    cards.sort_by_key(|card| card.id.to_string());
    cards
}

/// Prints one page, or the list of all rules.
pub(crate) fn run(rule: Option<&str>) -> anyhow::Result<u8> {
    let cards = cards();
    let Some(rule) = rule else {
        let lines: String = cards
            .iter()
            .map(|card| {
                format!("{}  {:<9} {:<28} {}\n", card.id, card.severity, card.name, card.title)
            })
            .collect();
        terminal::result(&lines)?;
        return Ok(0);
    };
    let wanted = rule.parse::<RuleId>().ok();
    let card = cards
        .iter()
        .find(|card| wanted == Some(card.id) || card.name == rule)
        .ok_or_else(|| anyhow!("there is no rule `{rule}`\nhelp: `palisade explain` lists them"))?;
    let cwe: Vec<String> = card.cwe.iter().map(|number| format!("CWE-{number}")).collect();
    let head = format!(
        "severity {}   {}   {}\n\n",
        card.severity,
        if card.owasp.is_empty() { "no OWASP category" } else { card.owasp },
        cwe.join(" ")
    );
    terminal::result(&format!("{head}{}", card.page))?;
    Ok(0)
}
