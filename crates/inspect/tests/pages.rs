//! The page of a detector is its test: every case signals what it says, however its bodies are
//! cut.

use exchange::signal::{Detail, Signal};
use inspect::detector::CATALOG;
use policy::Mode;

use crate::case::{Case, inspector};

/// How many cases there are on all pages; a page that loses one must say so here.
const CASES: usize = 42;

struct PageCase {
    exchange: String,
    expected: Vec<String>,
}

#[test]
fn pages_are_true() {
    let mut cases = 0;
    for detector in CATALOG {
        let card = detector.card();
        let title = format!("# {} {}", card.id, card.name);
        assert!(card.page.starts_with(&title), "the page must begin with `{title}`");
        for heading in ["What it notices", "Why is this bad?", "How to fix it", "Known misses"] {
            assert!(card.page.contains(&format!("\n## {heading}\n")), "{}: {heading}", card.id);
        }
        let (contract, page_cases) = read_page(card.page);
        let inspector = inspector(contract.as_deref(), Mode::Observe, Mode::Observe);
        let mut signalled = 0;
        for page_case in &page_cases {
            let case = Case::parse(&page_case.exchange);
            let whole = case.run(&inspector, usize::MAX).observation;
            let seen: Vec<String> = whole
                .signals
                .iter()
                .filter(|signal| signal.rule == card.id)
                .map(describe)
                .collect();
            assert_eq!(seen, page_case.expected, "{}: {}", card.id, page_case.exchange);
            signalled += usize::from(!seen.is_empty());
            for cut in [1, 2, 3, 7, 64] {
                let pieces = case.run(&inspector, cut).observation;
                assert_eq!(pieces, whole, "{} cut at {cut}: {}", card.id, page_case.exchange);
            }
        }
        assert!(signalled > 0 && signalled < page_cases.len(), "{}: both kinds", card.id);
        cases += page_cases.len();
    }
    assert_eq!((CATALOG.len(), cases), (7, CASES));
}

fn describe(signal: &Signal) -> String {
    let detail = match &signal.detail {
        Detail::Data(class) => class.as_str(),
        Detail::Keyword(word) | Detail::Word(word) => word,
    };
    let (place, name) = (signal.location.place(), signal.location.name());
    format!("{} {place} \"{name}\" {detail}", signal.rule)
}

/// The contract of a page, if it has one, and its cases.
fn read_page(page: &str) -> (Option<String>, Vec<PageCase>) {
    let mut contract = None;
    let mut cases: Vec<PageCase> = Vec::new();
    let mut block: Option<(&str, String)> = None;
    for line in page.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(kind)) => block = Some((kind, String::new())),
            (Some((kind, text)), Some(_)) => {
                match *kind {
                    "yaml" => contract = Some(std::mem::take(text)),
                    "http" => cases
                        .push(PageCase { exchange: std::mem::take(text), expected: Vec::new() }),
                    other => panic!("a block of kind `{other}`"),
                }
                block = None;
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {
                let Some(expected) = line.strip_prefix("signal: ") else { continue };
                let case = cases.last_mut().expect("a signal belongs to a case");
                if expected != "none" {
                    case.expected.push(expected.to_owned());
                }
            }
        }
    }
    (contract, cases)
}
