//! The catalogue of detectors: each one file, each with a page that is its manual and its test.

use std::fmt::Debug;

use exchange::phase::Phase;
use exchange::rule::RuleCard;
use exchange::signal::{Detail, Location, Signal};
use wire::Refusal;

use crate::view::View;

pub mod contract_violation;
pub mod credential_in_url;
pub mod framing;
pub mod header_spoofing;
pub mod path_confusion;
pub mod secret_in_response;
pub mod verbose_error;

/// A check on one exchange.
pub trait Detector: Debug + Sync {
    /// Name, severity, references, page.
    fn card(&self) -> &'static RuleCard;

    /// The phases at whose end it looks.
    fn phases(&self) -> &'static [Phase];

    /// Looks, and adds what it notices.
    fn examine(&self, phase: Phase, view: &View<'_>, signals: &mut Vec<Signal>);
}

/// All detectors, in the order of their names.
pub const CATALOG: &[&dyn Detector] = &[
    &credential_in_url::CredentialInUrl,
    &verbose_error::VerboseError,
    &secret_in_response::SecretInResponse,
    &contract_violation::ContractViolation,
    &framing::Framing,
    &path_confusion::PathConfusion,
    &header_spoofing::HeaderSpoofing,
];

/// The rule under which bytes that are refused before anything else is looked at are reported.
/// `None` for what only a mistake explains: a limit, an unknown version, a wrong port.
pub(crate) fn of_refusal(refusal: Refusal) -> Option<&'static RuleCard> {
    [&framing::CARD, &path_confusion::CARD, &header_spoofing::CARD]
        .into_iter()
        .zip([framing::is_behind, path_confusion::is_behind, header_spoofing::is_behind])
        .find_map(|(card, is_behind)| is_behind(refusal).then_some(card))
}

/// What a refusal of bytes tells of the exchange that they would have been.
pub(crate) fn signal_of(refusal: Refusal, phase: Phase) -> Option<Signal> {
    let card = of_refusal(refusal)?;
    Some(Signal {
        rule: card.id,
        phase,
        location: Location::Exchange,
        detail: Detail::Word(refusal.code().into()),
        severity: card.severity,
        confidence: REFUSED_CONFIDENCE,
    })
}

/// Bytes with two readings are there beyond doubt; whether somebody meant harm is another matter.
const REFUSED_CONFIDENCE: f32 = 0.9;
