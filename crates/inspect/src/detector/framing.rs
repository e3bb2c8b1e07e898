//! # Framing
//!
//! Bytes that two servers can cut into different messages, and attempts to leave HTTP/1.1 for a
//! protocol that nobody inspects.

use exchange::phase::Phase;
use exchange::rule::{Family, RuleCard, RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};
use wire::Refusal;

use crate::detector::Detector;
use crate::view::View;

/// PAL-WIRE-001.
#[derive(Debug)]
pub struct Framing;

/// What is known of the rule.
pub static CARD: RuleCard = RuleCard {
    id: RuleId::new(Family::Wire, 1),
    name: "framing",
    title: "Requests that can be framed in two ways",
    severity: Severity::Medium,
    owasp: "API8:2023",
    cwe: &[444],
    page: include_str!("../../tests/detectors/framing.md"),
};

/// Whether the refusal is about where a message, a line or a field ends.
pub(crate) fn is_behind(refusal: Refusal) -> bool {
    use Refusal as R;
    matches!(
        refusal,
        R::BareLf
            | R::BareCr
            | R::FieldColon
            | R::FieldName
            | R::FieldNameEmpty
            | R::FieldNameSpace
            | R::FieldLeadingSpace
            | R::ObsFold
            | R::FieldValue
            | R::NameAlias
            | R::ClTe
            | R::ClRepeated
            | R::ClConflict
            | R::ClInvalid
            | R::TeRepeated
            | R::TeInvalid
            | R::TeOnHttp10
            | R::ChunkSize
            | R::ChunkExtension
            | R::ChunkEnd
    )
}

impl Detector for Framing {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::RequestHead]
    }

    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>) {
        let Some(head) = view.head else { return };
        let h2c = |value: &[u8]| {
            let mut names = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            names.any(|name| name.eq_ignore_ascii_case(b"h2c"))
        };
        if head.fields.get_all("upgrade").any(h2c) {
            signals.push(Signal {
                rule: CARD.id,
                phase,
                location: Location::Header("upgrade".into()),
                detail: Detail::Word("h2c".into()),
                severity: CARD.severity,
                confidence: 0.7,
            });
        }
    }
}
