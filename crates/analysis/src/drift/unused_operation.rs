//! PAL-SPEC-005: an operation is declared and nobody uses it.

use exchange::rule::{Family, RuleCard, RuleId, Severity};

use crate::findings::EvidenceValue;
use crate::findings::draft::Draft;
use crate::inventory::assemble::Known;

pub(crate) const CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Spec, 5),
    name: "unused-operation",
    title: "A declared operation that nobody uses",
    severity: Severity::Info,
    owasp: "API9:2023",
    cwe: &[1059],
    page: include_str!("../../tests/posture/unused_operation.md"),
};

pub(crate) fn examine<'a>(known: &'a Known<'_>) -> Option<Draft<'a>> {
    let operation = known.declared.filter(|_| !known.used && known.silence_counts)?;
    let mut draft = Draft::of(&CARD, 0.9, None);
    draft.count("asked_and_absent", known.tally.exchanges);
    if let Some(id) = &operation.operation_id {
        draft.evidence.insert("operation".into(), EvidenceValue::Word((**id).into()));
    }
    Some(draft)
}
