//! PAL-DATA-001: data about people is given to callers that show no credential.

use exchange::data_class::{DataClass, DataGroup};
use exchange::rule::{Family, RuleCard, RuleId, Severity};

use super::weight;
use crate::findings::draft::Draft;
use crate::inventory::assemble::Known;

pub(crate) const CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Data, 1),
    name: "sensitive-data-in-response",
    title: "Personal data in answers to callers without a credential",
    severity: Severity::High,
    owasp: "API3:2023",
    cwe: &[200, 359],
    page: include_str!("../../tests/posture/sensitive_data_in_response.md"),
};

/// Answers from which it is no accident.
const SUSPECT_EXCHANGES: u64 = 3;

/// Share of the answers with a class that must list several of it before contact data counts as
/// other people's: one address may be the company's own.
const LISTED_SHARE: f64 = 0.25;

pub(crate) fn examine<'a>(known: &'a Known<'_>) -> Option<Draft<'a>> {
    let shown = &known.tally.sensitivity;
    if shown.shown_to.exchanges < SUSPECT_EXCHANGES || known.issues_credentials() {
        return None;
    }
    let mut points = 0;
    let mut listed = false;
    let mut classes: Vec<DataClass> = Vec::new();
    for (class, answers, lists) in shown.shown().filter(|(class, _, _)| weight(*class) > 0) {
        if answers < SUSPECT_EXCHANGES {
            continue;
        }
        listed |= lists as f64 >= LISTED_SHARE * answers as f64;
        points += weight(class);
        classes.push(class);
    }
    let only_contact = classes.iter().all(|class| class.group() == DataGroup::Contact);
    // a shop's own address or telephone number is no secret; a person's e-mail address with a
    // name or number is, once there are several in one answer
    let has_email = classes.contains(&DataClass::Email);
    if points < 2 || only_contact && !(listed && has_email) {
        return None;
    }
    let confidence = match (only_contact, listed) {
        (true, _) => 0.8,
        (false, true) => 0.95,
        (false, false) => 0.85,
    };
    let mut draft = Draft::of(&CARD, confidence, Some(&shown.shown_to));
    draft.tipped_by = SUSPECT_EXCHANGES;
    if !only_contact && listed {
        draft.severity = Severity::Critical;
    }
    draft.words("data", classes.iter().map(|class| class.as_str()));
    draft.count("answers", shown.shown_to.exchanges);
    Some(draft)
}
