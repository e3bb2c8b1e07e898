//! # Header spoofing
//!
//! Fields by which only a proxy may speak, sent by a client.

use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};
use wire::field::{OVERRIDES, OWNED, VERIFIED};
use wire::{NameSet, Query, Refusal};

use crate::detector::Detector;
use crate::view::View;

/// PAL-WIRE-003.
#[derive(Debug)]
pub struct HeaderSpoofing;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Wire, 3),
    name: "header-spoofing",
    title: "Clients send fields that only a proxy may set",
    severity: Severity::Medium,
    owasp: "API8:2023",
    cwe: &[290, 348],
    page: include_str!("../../tests/detectors/header_spoofing.md"),
};

/// Words for what a field claims, with the sets of names; the order is that of the harm.
static CLAIMS: [(&str, &NameSet, f32); 2] =
    [("identity", &VERIFIED, 0.8), ("override", &OVERRIDES, 0.6)];

/// Whether the refusal is about fields that say who or where something is.
pub(crate) fn is_behind(refusal: Refusal) -> bool {
    use Refusal as R;
    matches!(refusal, R::ConnectionOption | R::HostRepeated | R::HostMismatch | R::TrailerForbidden)
}

/// The parameter by which frameworks carry out another method than the request's, where it names
/// one that changes something.
fn overridden(query: Query<'_>) -> Option<&'static str> {
    const METHOD: &str = "_method";
    const CHANGING: [&str; 3] = ["DELETE", "PATCH", "PUT"];
    let changes = |value: &[u8]| {
        let value = Query::decode(value);
        CHANGING.iter().any(|method| value.eq_ignore_ascii_case(method.as_bytes()))
    };
    let asks = !query.is_empty() && query.values(METHOD).any(changes);
    asks.then_some(METHOD)
}

impl Detector for HeaderSpoofing {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::RequestHead]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        let Some(head) = view.head else { return };
        if view.trusted {
            return;
        }
        if let Some(name) = overridden(head.query) {
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: Location::Query(name.into()),
                detail: Detail::Word("override".into()),
                severity: CARD.severity,
                confidence: 0.6,
            });
        }
        for (name, _) in head.fields.iter() {
            if !OWNED.contains(name) {
                continue;
            }
            let claim = CLAIMS.iter().find(|(_, names, _)| names.contains(name));
            let (word, confidence) = match claim {
                Some((word, _, confidence)) => (*word, *confidence),
                // no proxy writes these with an underscore; some servers read it as the hyphen
                None if name.contains(&b'_') => ("spelling", 0.8),
                None => continue,
            };
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: Location::Header(name.replace('_', "-").into()),
                detail: Detail::Word(word.into()),
                severity: CARD.severity,
                confidence,
            });
        }
    }
}
