//! Declared against seen: what drifted apart.

use exchange::moment::Moment;
use exchange::rule::RuleCard;

use crate::findings::Finding;
use crate::inventory::assemble::Known;
use crate::snapshot::EndpointState;

mod shadow_endpoint;
mod unused_operation;

/// The rules about drift.
pub const CATALOG: &[&RuleCard] = &[&shadow_endpoint::CARD, &unused_operation::CARD];

/// Days of silence after which an endpoint is called a zombie: a month with its longest weekend.
pub const ZOMBIE_DAYS: i64 = 32;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// How what is seen and what is declared relate.
pub(crate) fn state(known: &Known<'_>, now: Moment) -> EndpointState {
    if known.declared.is_some() && !known.used {
        return EndpointState::Unused;
    }
    let silent = known.tally.span.last().map_or(0, |last| now.micros_since(last));
    if silent >= ZOMBIE_DAYS * MICROS_PER_DAY {
        return EndpointState::Zombie;
    }
    match known.declared {
        Some(operation) if operation.deprecated => EndpointState::Deprecated,
        Some(_) => EndpointState::Declared,
        None if known.has_contract => EndpointState::Shadow,
        None => EndpointState::Seen,
    }
}

/// Findings about the drift of one endpoint.
pub(crate) fn examine(known: &Known<'_>, now: Moment, findings: &mut Vec<Finding>) {
    let drafts = [shadow_endpoint::examine(known), unused_operation::examine(known)];
    findings.extend(drafts.into_iter().flatten().map(|draft| draft.finding(known, now)));
}
