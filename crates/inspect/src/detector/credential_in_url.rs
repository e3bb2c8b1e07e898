//! # Credential in the URL
//!
//! Queries that carry a key, token or password by its name or by its unmistakable form.

use exchange::data_class::{DataClass, DataGroup};
use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};

use crate::detector::Detector;
use crate::identify::is_credential_parameter;
use crate::view::View;

/// PAL-AUTH-004.
#[derive(Debug)]
pub struct CredentialInUrl;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Auth, 4),
    name: "credential-in-url",
    title: "A credential travels in the URL",
    severity: Severity::Medium,
    owasp: "API2:2023",
    cwe: &[598],
    page: include_str!("../../tests/detectors/credential_in_url.md"),
};

impl Detector for CredentialInUrl {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::RequestHead]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        let Some(head) = view.head else { return };
        if head.query.is_empty() {
            return;
        }
        for parameter in view.parameters {
            let by_form = parameter.data.iter().find(|class| {
                // passwords are known by their name only, and the name is asked below
                class.group() == DataGroup::Secret && *class != DataClass::Password
            });
            let empty = || head.query.values(&parameter.name).all(<[u8]>::is_empty);
            let by_name = is_credential_parameter(parameter.name.as_bytes()) && !empty();
            let (detail, confidence) = match by_form {
                Some(class) => (Detail::Data(class), 0.99),
                None if by_name => (Detail::Word("named".into()), 0.9),
                None => continue,
            };
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: Location::Query(parameter.name.clone()),
                detail,
                severity: CARD.severity,
                confidence,
            });
        }
    }
}
