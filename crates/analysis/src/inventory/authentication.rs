//! How callers proved themselves, in practice.

use exchange::observation::Observation;
use exchange::principal::Proof;
use serde::{Deserialize, Serialize};

use crate::sketch::{Counts, Witness};

/// How callers of one endpoint proved themselves.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct AuthenticationTally {
    all: Counts<Proof>,
    accepted: Counts<Proof>,
    /// Answered 2xx without a credential.
    pub(crate) anonymous: Witness,
    /// Answered 2xx with a credential.
    pub(crate) identified: Witness,
    /// Refused with 401 or 403 for want of a credential.
    pub(crate) turned_away: u64,
}

impl AuthenticationTally {
    /// Adds one exchange; `accepted` says whether it was answered 2xx.
    pub(crate) fn absorb(&mut self, observation: &Observation, accepted: bool) {
        let (proof, id) = (observation.principal.proof, observation.principal.id);
        self.all.add(proof, 1);
        if accepted {
            self.accepted.add(proof, 1);
            let witness = match proof {
                Proof::None => &mut self.anonymous,
                _ => &mut self.identified,
            };
            witness.insert(observation.at, id);
        } else if proof == Proof::None && matches!(observation.status, Some(401 | 403)) {
            self.turned_away += 1;
        }
    }

    /// All exchanges of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        self.accepted.merge(&other.accepted);
        self.anonymous.merge(&other.anonymous);
        self.identified.merge(&other.identified);
        self.turned_away += other.turned_away;
    }

    /// All exchanges by proof, in the order of [`Proof::ALL`].
    pub(crate) fn all(&self) -> Vec<(Proof, u64)> {
        Proof::ALL.iter().map(|proof| (*proof, self.all.get(*proof))).collect()
    }

    /// Those answered 2xx.
    pub(crate) fn accepted(&self) -> Vec<(Proof, u64)> {
        Proof::ALL.iter().map(|proof| (*proof, self.accepted.get(*proof))).collect()
    }
}
