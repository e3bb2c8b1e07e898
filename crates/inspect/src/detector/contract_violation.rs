//! # Contract violation
//!
//! Requests that differ from what the operation declares. The checking is the contract's; this
//! turns its violations into signals.

use exchange::limits;
use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Signal};

use crate::detector::Detector;
use crate::view::View;

/// PAL-SPEC-001.
#[derive(Debug)]
pub struct ContractViolation;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Spec, 1),
    name: "contract-violation",
    title: "Requests do not conform to the contract",
    severity: Severity::Medium,
    owasp: "API8:2023",
    cwe: &[20],
    page: include_str!("../../tests/detectors/contract_violation.md"),
};

impl Detector for ContractViolation {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::RequestHead, Phase::RequestBody]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        for violation in view.violations.iter().take(limits::VIOLATIONS_MAX) {
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: violation.location.clone(),
                detail: Detail::Keyword(violation.keyword.clone()),
                severity: CARD.severity,
                confidence: 1.0,
            });
        }
    }
}
