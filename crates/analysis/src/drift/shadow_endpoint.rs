//! PAL-SPEC-002: an endpoint answers with success, and the service's contract does not have it.

use exchange::endpoint::Method;
use exchange::rule::{Family, RuleCard, RuleId, Severity};

use crate::findings::draft::Draft;
use crate::inventory::assemble::Known;

pub(crate) const CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Spec, 2),
    name: "shadow-endpoint",
    title: "An endpoint that the contract does not have",
    severity: Severity::Medium,
    owasp: "API9:2023",
    cwe: &[1059],
    page: include_str!("../../tests/posture/shadow_endpoint.md"),
};

/// Exchanges, and callers, from which it is beyond doubt that the endpoint is meant to answer.
const CERTAIN_EXCHANGES: u64 = 5;

pub(crate) fn examine<'a>(known: &'a Known<'_>) -> Option<Draft<'a>> {
    // a HEAD is answered wherever GET is, by the server itself
    let implied = known.method == Method::Head;
    if known.declared.is_some() || !known.has_contract || implied || known.is_for_people() {
        return None;
    }
    let authentication = &known.tally.authentication;
    let accepted = authentication.anonymous.exchanges + authentication.identified.exchanges;
    if accepted == 0 {
        return None;
    }
    let busiest = if authentication.anonymous.exchanges > authentication.identified.exchanges {
        &authentication.anonymous
    } else {
        &authentication.identified
    };
    let confidence = if accepted >= CERTAIN_EXCHANGES { 0.97 } else { 0.85 };
    let mut draft = Draft::of(&CARD, confidence, Some(busiest));
    let writes = !matches!(known.method, Method::Get);
    let sensitive = !known.tally.sensitivity.outgoing.is_empty();
    if writes && authentication.anonymous.exchanges > 0 || sensitive {
        draft.severity = Severity::High;
    }
    draft.count("accepted", accepted);
    draft.count("without_credential", authentication.anonymous.exchanges);
    draft.words("data", known.tally.sensitivity.outgoing.iter().map(|class| class.as_str()));
    Some(draft)
}
