//! The manual's pages are the rules' tests: every block of observations must lead to exactly the
//! findings that it names.

use analysis::Analyst;
use exchange::endpoint::PathTemplate;
use exchange::rule::RuleCard;

use super::observe::{START, declare, line};

const SECTIONS: [&str; 5] =
    ["What it notices", "Why is this bad?", "How to fix it", "Known misses", "References"];

#[test]
#[expect(clippy::print_stdout, reason = "how much ran is part of the result")]
fn every_page_describes_its_rule_and_is_true() {
    let cards = || analysis::drift::CATALOG.iter().chain(analysis::posture::CATALOG);
    let (mut pages, mut cases, mut quiet) = (0, 0, 0);
    for card in cards() {
        pages += 1;
        check_sections(card);
        for block in blocks(card.page) {
            cases += 1;
            quiet += usize::from(check(card, &block));
        }
    }
    println!("{pages} pages, {cases} cases, {quiet} of them without a finding");
    assert_eq!(pages, 5);
    assert_eq!(cases, 41);
    assert!(quiet * 3 >= cases, "a rule is known by what it leaves alone");
}

fn check_sections(card: &RuleCard) {
    let title = format!("# {} {}\n", card.id, card.name);
    assert!(card.page.starts_with(&title), "{}: the page begins with `{title}`", card.name);
    let mut rest = card.page;
    for section in SECTIONS {
        let heading = format!("\n## {section}\n");
        let (_, after) = rest
            .split_once(&heading)
            .unwrap_or_else(|| panic!("{}: no section `{section}` in its place", card.name));
        rest = after;
    }
    assert!(!card.owasp.is_empty() && !card.cwe.is_empty(), "{}", card.name);
}

fn blocks(page: &str) -> Vec<Vec<&str>> {
    let fences = page.split("```observations\n").skip(1);
    fences.map(|rest| rest.split("```").next().unwrap_or_default().lines().collect()).collect()
}

/// Runs a case; true when it is one without a finding.
fn check(card: &RuleCard, block: &[&str]) -> bool {
    let declared: Vec<&str> =
        block.iter().filter_map(|text| text.strip_prefix("declare ")).collect();
    let service = (!declared.is_empty()).then(|| declare(&declared));
    // operations come in the order of the contract, which may differ from that of the lines
    let operations = service.as_ref().map_or(&[][..], |one| one.contract.operations());
    let templates = |method: &str| -> Vec<PathTemplate> {
        let mine = |one: &contract::Operation| one.method.as_str() == method;
        let nothing = || PathTemplate::parse("/\u{0}");
        let all = operations.iter();
        all.map(|one| if mine(one) { one.template.clone() } else { nothing() }).collect()
    };
    let mut observations = Vec::new();
    for text in block {
        let kind = text.split(' ').next().unwrap_or_default();
        if matches!(kind, "" | "declare" | "finding:") {
            continue;
        }
        observations.extend(line(text, &templates(kind), observations.len() as u64));
    }
    let mut analyst = Analyst::new(service.clone().into_iter().collect());
    observations.iter().for_each(|one| analyst.absorb(one));
    let snapshot = analyst.snapshot(analyst.last().unwrap_or(START));
    let mut found: Vec<String> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.rule == card.id)
        .map(|one| format!("{} {} {} {}", one.rule, one.method, one.template, one.severity))
        .collect();
    found.sort();
    let mut expected: Vec<&str> =
        block.iter().filter_map(|text| text.strip_prefix("finding: ")).collect();
    assert!(!expected.is_empty(), "{}: a case without `finding:`", card.name);
    expected.retain(|text| *text != "none");
    expected.sort_unstable();
    assert_eq!(found, expected, "{}: {}", card.name, block.join("\n"));
    expected.is_empty()
}
