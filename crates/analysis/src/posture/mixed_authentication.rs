//! PAL-AUTH-002: an endpoint serves callers with a credential and callers without.

use contract::Security;
use exchange::rule::{Family, RuleCard, RuleId, Severity};

use super::weight;
use crate::findings::draft::Draft;
use crate::inventory::assemble::Known;

pub(crate) const CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Auth, 2),
    name: "mixed-authentication",
    title: "Served with a credential and without",
    severity: Severity::High,
    owasp: "API2:2023",
    cwe: &[306, 287],
    page: include_str!("../../tests/posture/mixed_authentication.md"),
};

/// Exchanges on either side from which an undeclared endpoint is suspected.
const SUSPECT_EXCHANGES: u64 = 3;

pub(crate) fn examine<'a>(known: &'a Known<'_>) -> Option<Draft<'a>> {
    let seen = &known.tally.authentication;
    let (without, with) = (seen.anonymous.exchanges, seen.identified.exchanges);
    if without == 0 || with == 0 {
        return None;
    }
    let confidence = match known.security() {
        Some(Security::Required(_)) => 0.95,
        Some(Security::Public | Security::Optional(_)) => return None,
        Some(Security::Undeclared) | None => suspicion(known)?,
    };
    let mut draft = Draft::of(&CARD, confidence, Some(&seen.anonymous));
    if !matches!(known.security(), Some(Security::Required(_))) {
        draft.severity = Severity::Medium;
        draft.tipped_by = SUSPECT_EXCHANGES;
    }
    draft.count("without_credential", without);
    draft.count("with_credential", with);
    draft.count("turned_away", seen.turned_away);
    Some(draft)
}

/// How sure one may be where nothing is declared. A public catalogue that the app asks with the
/// token it happens to have looks just like this, so something must show that callers are meant
/// to be known: others are turned away for want of a credential, or what is shown is personal.
fn suspicion(known: &Known<'_>) -> Option<f32> {
    let seen = &known.tally.authentication;
    let enough = seen.anonymous.exchanges.min(seen.identified.exchanges) >= SUSPECT_EXCHANGES;
    if !enough || known.issues_credentials() {
        return None;
    }
    // contact data in public answers is the business of PAL-DATA-001, and shows no missing check
    let personal = known.tally.sensitivity.shown().any(|(class, _, _)| weight(class) >= 2);
    match (seen.turned_away > 0, personal) {
        (true, true) => Some(0.85),
        (true, false) => Some(0.6),
        (false, true) => Some(0.55),
        (false, false) => None,
    }
}
