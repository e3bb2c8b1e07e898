//! Checks on the inventory: what is wrong with an endpoint as a whole, not with one exchange.

use contract::{SchemeKind, Security};
use exchange::data_class::{DataClass, DataGroup};
use exchange::moment::Moment;
use exchange::rule::RuleCard;

use crate::findings::Finding;
use crate::inventory::assemble::Known;

mod missing_authentication;
mod mixed_authentication;
mod sensitive_data_in_response;

/// The rules about posture.
pub const CATALOG: &[&RuleCard] = &[
    &missing_authentication::CARD,
    &mixed_authentication::CARD,
    &sensitive_data_in_response::CARD,
];

/// What the rules must know of a host beyond the endpoint in question.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings {
    /// Endpoints that change things, other than those that issue credentials.
    writes: u64,
    /// Those of them that only callers with a credential have used.
    guarded_writes: u64,
}

impl Surroundings {
    /// What is usual among these endpoints, all of one service and host.
    pub(crate) fn of(endpoints: &[Known<'_>]) -> Self {
        let mut all = Self::default();
        for known in endpoints {
            if known.issues_credentials() || !missing_authentication::changes_an_object(known) {
                continue;
            }
            let seen = &known.tally.authentication;
            let guarded = seen.identified.exchanges > 0 && seen.anonymous.exchanges == 0;
            all.writes += 1;
            all.guarded_writes += u64::from(guarded);
        }
        all
    }
}

/// Findings about one endpoint.
pub(crate) fn examine(
    known: &Known<'_>,
    surroundings: Surroundings,
    now: Moment,
    findings: &mut Vec<Finding>,
) {
    let drafts = [
        missing_authentication::examine(known, surroundings),
        mixed_authentication::examine(known),
        sensitive_data_in_response::examine(known),
    ];
    findings.extend(drafts.into_iter().flatten().map(|draft| draft.finding(known, now)));
}

/// Header fields in which a key is recognised wherever it comes.
const KEY_HEADERS: [&str; 5] = ["api-key", "apikey", "x-access-token", "x-api-key", "x-auth-token"];

/// True when the contract demands a credential that observations would show: one in a field of
/// the API's own invention, or a client's certificate, would be missed, and every caller would
/// seem to have none.
pub(crate) fn demands_visible_credential(security: &Security) -> bool {
    let visible = |kind: &SchemeKind| match kind {
        SchemeKind::ApiKeyHeader(name) => {
            name.eq_ignore_ascii_case("authorization")
                || KEY_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))
        }
        SchemeKind::ApiKeyCookie(name) => name.to_ascii_lowercase().contains("session"),
        SchemeKind::ApiKeyQuery(name) => {
            let name = name.to_ascii_lowercase();
            name.contains("key") || name.contains("token")
        }
        SchemeKind::MutualTls | SchemeKind::Undefined => false,
        SchemeKind::Basic
        | SchemeKind::Bearer
        | SchemeKind::Http(_)
        | SchemeKind::OAuth2
        | SchemeKind::OpenIdConnect => true,
    };
    matches!(security, Security::Required(_))
        && security.schemes().all(|scheme| visible(&scheme.kind))
}

/// How much a class of data says about a person: 2 by itself, 1 only together with others, 0 not
/// at all. Networks and secrets are the business of other rules.
pub(crate) const fn weight(class: DataClass) -> u64 {
    match class {
        // bank codes name a bank, and companies print their addresses and telephone numbers
        DataClass::AbaRouting | DataClass::Bic => 0,
        DataClass::Address | DataClass::PersonName | DataClass::Phone | DataClass::Email => 1,
        // addresses of wallets are public by design, provider numbers by law
        DataClass::BtcAddress | DataClass::EthAddress | DataClass::Npi => 0,
        _ => match class.group() {
            DataGroup::Health | DataGroup::Identity | DataGroup::Payment => 2,
            DataGroup::Contact => 1,
            DataGroup::Network | DataGroup::Secret => 0,
        },
    }
}
