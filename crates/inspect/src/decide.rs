//! Signals and policy to a decision: the only place where precedence is written.

use contract::{Routed, Violation, ViolationClass};
use exchange::decision::{Action, Decision, Denial, Problem, ProblemError};
use exchange::endpoint::Method;
use exchange::limits;
use exchange::rule::{Family, RuleId};
use policy::{Mode, Service};
use wire::Refusal;

use crate::detector::{self, contract_violation};

/// The rule behind a refusal of what the contract does not know.
const SHADOW: RuleId = RuleId::new(Family::Spec, 2);

/// What is known at the end of a request's head or body.
pub(crate) struct Grounds<'a> {
    pub(crate) service: &'a Service,
    /// What the service's profile refuses of the request's bytes.
    pub(crate) doubt: Option<Refusal>,
    pub(crate) routed: Option<&'a Routed>,
    pub(crate) violations: &'a [Violation],
}

/// What a request deserves, by the first that holds:
///
/// 1. a request with two readings: refused, for every later answer would rest on one of them;
/// 2. an operation that is not declared: as `undocumented` says;
/// 3. a method that is not declared for the path: likewise;
/// 4. violations of the contract: as the service's mode says; a wrong media type before others;
/// 5. else it passes.
pub(crate) fn request(grounds: &Grounds<'_>) -> Decision {
    let service = grounds.service;
    if service.contract.is_none() {
        return Decision::ALLOW;
    }
    if let Some(refusal) = grounds.doubt {
        return decision(service.mode, || doubtful(refusal));
    }
    match grounds.routed {
        Some(Routed::NotDeclared) => {
            decision(service.undocumented, || denial(Problem::UndocumentedOperation, SHADOW))
        }
        Some(Routed::MethodNotDeclared { allow }) => decision(service.undocumented, || {
            let allow: Vec<Method> = allow.clone();
            Denial { allow, ..denial(Problem::UndocumentedMethod, SHADOW) }
        }),
        _ if grounds.violations.is_empty() => Decision::ALLOW,
        _ => decision(service.mode, || violated(grounds.violations)),
    }
}

/// What a body over the limit deserves.
pub(crate) fn overflow(service: &Service) -> Decision {
    decision(service.on_overflow, || Denial::of(Problem::BodyTooLarge))
}

fn decision(mode: Mode, denial: impl FnOnce() -> Denial) -> Decision {
    let action = match mode {
        Mode::Block => Action::Deny,
        Mode::Observe => Action::Observe,
        Mode::Disabled => return Decision::ALLOW,
    };
    Decision { action, denial: Some(denial()) }
}

fn denial(problem: Problem, rule: RuleId) -> Denial {
    Denial { rules: vec![rule], ..Denial::of(problem) }
}

fn doubtful(refusal: Refusal) -> Denial {
    let problem = match refusal {
        Refusal::Path(_) => Problem::PathAmbiguous,
        _ => Problem::MalformedRequest,
    };
    let rules = detector::of_refusal(refusal).map(|card| card.id).into_iter().collect();
    Denial { refusal: Some(refusal), rules, ..Denial::of(problem) }
}

fn violated(violations: &[Violation]) -> Denial {
    let media = violations.iter().any(|violation| violation.class == ViolationClass::MediaType);
    let problem = if media { Problem::BodyMediaType } else { Problem::ContractViolation };
    let errors = violations.iter().take(limits::VIOLATIONS_MAX).map(|violation| ProblemError {
        location: violation.location.clone(),
        keyword: violation.keyword.clone(),
        detail: violation.detail.clone(),
    });
    Denial { errors: errors.collect(), ..denial(problem, contract_violation::CARD.id) }
}
