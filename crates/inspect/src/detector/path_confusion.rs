//! # Path confusion
//!
//! Paths that lead to one place by one reading and to another by the next.

use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};
use wire::{PathOddity, Refusal};

use crate::detector::Detector;
use crate::view::View;

/// PAL-WIRE-002.
#[derive(Debug)]
pub struct PathConfusion;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Wire, 2),
    name: "path-confusion",
    title: "Paths that have more than one reading",
    severity: Severity::Medium,
    owasp: "API8:2023",
    cwe: &[22, 436],
    page: include_str!("../../tests/detectors/path_confusion.md"),
};

/// What honest clients do not send, or only by a defect. The others are refused by a strict
/// profile, and honest clients send them: an encoded slash in a name, two slashes from a careless
/// base URL, a semicolon.
const TELLING: [PathOddity; 10] = [
    PathOddity::HiddenDots,
    PathOddity::EncodedDot,
    PathOddity::DotSegment,
    PathOddity::AboveRoot,
    PathOddity::Backslash,
    PathOddity::DoubleEncoded,
    PathOddity::Nul,
    PathOddity::Control,
    PathOddity::RawDelimiter,
    PathOddity::InvalidUtf8,
];

/// Whether the refusal is about what the target names.
pub(crate) fn is_behind(refusal: Refusal) -> bool {
    match refusal {
        Refusal::Path(oddity) => oddity != PathOddity::TooManySegments,
        Refusal::TargetFragment | Refusal::TargetByte => true,
        _ => false,
    }
}

impl Detector for PathConfusion {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::RequestHead]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        let Some(head) = view.head else { return };
        if head.path_oddities.is_empty() && !view.near_miss {
            return;
        }
        let told = TELLING.into_iter().find(|one| head.path_oddities.contains(*one));
        let told = match told {
            Some(oddity) => Some((oddity.code(), 0.8)),
            // a mistake, as often as not
            None => view.near_miss.then_some(("path.other_case", 0.5)),
        };
        if let Some((word, confidence)) = told {
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: Location::Exchange,
                detail: Detail::Word(word.into()),
                severity: CARD.severity,
                confidence,
            });
        }
    }
}
