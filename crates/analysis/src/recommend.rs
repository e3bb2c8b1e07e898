//! Findings to recommendations: the control that would have stopped it, where there is one.

use exchange::rule::{Family, RuleId};

use crate::findings::{Evidence, EvidenceValue, Recommendation};
use crate::inventory::assemble::Known;

const CONTRACT_VIOLATION: RuleId = RuleId::new(Family::Spec, 1);
const SHADOW_ENDPOINT: RuleId = RuleId::new(Family::Spec, 2);
const UNUSED_OPERATION: RuleId = RuleId::new(Family::Spec, 5);
const MISSING_AUTHENTICATION: RuleId = RuleId::new(Family::Auth, 1);
const MIXED_AUTHENTICATION: RuleId = RuleId::new(Family::Auth, 2);
const CREDENTIAL_IN_URL: RuleId = RuleId::new(Family::Auth, 4);
const SENSITIVE_DATA: RuleId = RuleId::new(Family::Data, 1);
const SECRET: RuleId = RuleId::new(Family::Data, 3);
const VERBOSE_ERROR: RuleId = RuleId::new(Family::Conf, 1);

/// What to do about a finding of this rule at this endpoint.
pub(crate) fn for_finding(rule: RuleId, known: &Known<'_>, evidence: &Evidence) -> Recommendation {
    let why = match rule {
        CONTRACT_VIOLATION => return contract_violation(known, evidence),
        SHADOW_ENDPOINT => return shadow_endpoint(known, evidence),
        UNUSED_OPERATION => {
            "Nothing is to be stopped here. If the operation is meant to be gone, remove it from \
             the contract; with `undocumented = \"block\"` it can then no longer be reached."
        }
        MISSING_AUTHENTICATION | MIXED_AUTHENTICATION => {
            "The settings cannot yet demand a credential. Let the application demand one, or \
             declare the operation as public if that is what it is."
        }
        CREDENTIAL_IN_URL => {
            "Callers have to move the credential to the `Authorization` field; to refuse them \
             before they do would lock them out. Then revoke what has been in URLs."
        }
        SENSITIVE_DATA | SECRET => {
            "The settings cannot yet mask what is answered. Remove the fields from the answer or \
             demand a credential; revoke a secret that was given away."
        }
        VERBOSE_ERROR => {
            "The settings cannot yet rewrite answers. Turn off the application's debug mode and \
             let it answer errors with a text of its own."
        }
        _ => "No setting stops this yet.",
    };
    Recommendation::NoPolicy { why: why.to_owned() }
}

fn contract_violation(known: &Known<'_>, evidence: &Evidence) -> Recommendation {
    let (accepted, blocked) = (count(evidence, "accepted"), count(evidence, "blocked"));
    if known.service.is_empty() || accepted == 0 && blocked > 0 {
        return Recommendation::NoPolicy {
            why: "These requests are refused already. Tell the callers, or mend the contract if \
                  they are right."
                .to_owned(),
        };
    }
    Recommendation::Policy {
        policy: service(known, "mode = \"block\""),
        grounds: format!(
            "Requests that break the contract are refused before they reach the application, \
             which answered {accepted} of these with success. If the callers are right, mend the \
             contract first."
        ),
    }
}

fn shadow_endpoint(known: &Known<'_>, evidence: &Evidence) -> Recommendation {
    let accepted = count(evidence, "accepted");
    Recommendation::Policy {
        policy: service(known, "undocumented = \"block\""),
        grounds: format!(
            "What the contract does not have can no longer be reached; {accepted} exchanges of \
             this endpoint would have been refused. If it is wanted, declare it instead: \
             `palisade analyze --format openapi` has its description."
        ),
    }
}

fn count(evidence: &Evidence, name: &str) -> u64 {
    match evidence.get(name) {
        Some(EvidenceValue::Count(count)) => *count,
        _ => 0,
    }
}

/// A line in the section of the endpoint's service. The name is quoted where TOML asks for it.
fn service(known: &Known<'_>, line: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let name = &known.service;
    if !name.is_empty() && name.bytes().all(bare) {
        return format!("[services.{name}]\n{line}\n");
    }
    // Rust's escapes of control characters differ from TOML's, so these are left out
    let safe: String = name.chars().filter(|letter| !letter.is_control()).collect();
    let quoted = safe.replace('\\', "\\\\").replace('"', "\\\"");
    format!("[services.\"{quoted}\"]\n{line}\n")
}
