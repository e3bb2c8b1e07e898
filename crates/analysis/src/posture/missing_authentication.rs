//! PAL-AUTH-001: an endpoint that should know its callers answers those that show no credential.

use contract::Security;
use exchange::endpoint::{Method, TemplateSegment};
use exchange::rule::{Family, RuleCard, RuleId, Severity};

use super::{Surroundings, demands_visible_credential};
use crate::findings::draft::{Draft, wilson};
use crate::findings::{EvidenceValue, draft};
use crate::inventory::assemble::Known;

pub(crate) const CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Auth, 1),
    name: "missing-authentication",
    title: "Callers without a credential are served",
    severity: Severity::High,
    owasp: "API2:2023",
    cwe: &[306],
    page: include_str!("../../tests/posture/missing_authentication.md"),
};

/// Exchanges without a credential from which an undeclared endpoint is suspected.
const SUSPECT_EXCHANGES: u64 = 3;

/// Share of the other endpoints that change things which must be guarded before an unguarded one
/// stands out.
const GUARDED_SHARE: f32 = 0.5;

/// Guarded neighbours that make this a habit rather than an accident.
const GUARDED_LEAST: u64 = 2;

pub(crate) fn examine<'a>(known: &'a Known<'_>, around: Surroundings) -> Option<Draft<'a>> {
    let seen = &known.tally.authentication;
    let anonymous = seen.anonymous.exchanges;
    if anonymous == 0 || seen.identified.exchanges > 0 {
        // served with and without a credential is the next rule's
        return None;
    }
    match known.security() {
        Some(security @ Security::Required(_)) => {
            demands_visible_credential(security).then(|| declared(known))
        }
        Some(Security::Public | Security::Optional(_)) => None,
        Some(Security::Undeclared) | None => suspected(known, around),
    }
}

fn declared<'a>(known: &'a Known<'_>) -> Draft<'a> {
    let seen = &known.tally.authentication;
    let confidence = if seen.anonymous.exchanges >= SUSPECT_EXCHANGES { 0.97 } else { 0.9 };
    let mut draft = Draft::of(&CARD, confidence, Some(&seen.anonymous));
    draft.count("without_credential", seen.anonymous.exchanges);
    draft.count("turned_away", seen.turned_away);
    if let Some(security) = known.security() {
        draft.words("declared", security.schemes().map(|scheme| &*scheme.name));
    }
    if changes_an_object(known) {
        draft.severity = Severity::Critical;
    }
    draft
}

/// Without a declaration, only an endpoint that changes a given object, in surroundings where the
/// like of it is guarded, is worth a word. What gives away data is the business of PAL-DATA-001.
fn suspected<'a>(known: &'a Known<'_>, around: Surroundings) -> Option<Draft<'a>> {
    let seen = &known.tally.authentication;
    let habit = draft::wilson(around.guarded_writes, around.writes).max(0.0);
    let share = around.guarded_writes as f32 / around.writes.max(1) as f32;
    let stands_out = around.guarded_writes >= GUARDED_LEAST && share >= GUARDED_SHARE;
    let enough = seen.anonymous.exchanges >= SUSPECT_EXCHANGES;
    if !stands_out || !enough || known.issues_credentials() || !changes_an_object(known) {
        return None;
    }
    let confidence = 0.5 + 0.3 * habit.min(wilson(seen.anonymous.exchanges, known.tally.exchanges));
    let mut draft = Draft::of(&CARD, confidence, Some(&seen.anonymous));
    draft.tipped_by = SUSPECT_EXCHANGES;
    draft.count("without_credential", seen.anonymous.exchanges);
    draft.count("guarded_neighbours", around.guarded_writes);
    draft.evidence.insert("declared".into(), EvidenceValue::Word("nothing".into()));
    Some(draft)
}

/// PUT, PATCH or DELETE, or a POST below an id: the caller names what is to be changed. Other
/// POSTs are searches, sign-ups, forms and measurements as often as not.
pub(super) fn changes_an_object(known: &Known<'_>) -> bool {
    let named =
        known.template.0.iter().any(|segment| matches!(segment, TemplateSegment::Parameter(_)));
    match known.method {
        Method::Put | Method::Patch | Method::Delete => true,
        Method::Post => named,
        _ => false,
    }
}
