//! The catalogue of detectors: each one file, each with a page that is its manual and its test.

use std::fmt::Debug;

use exchange::phase::Phase;
use exchange::rule::RuleCard;
use exchange::signal::Signal;

use crate::view::View;

pub mod contract_violation;
pub mod credential_in_url;
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
];
