//! Which data classes were seen where, and who was shown them.

use exchange::data_class::{DataClass, DataClasses};
use exchange::observation::Observation;
use exchange::principal::Proof;
use serde::{Deserialize, Serialize};

use crate::sketch::{Counts, Witness};

/// Sensitive data at one endpoint.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct SensitivityTally {
    /// In requests, bodies and parameters.
    pub(crate) incoming: DataClasses,
    /// In responses.
    pub(crate) outgoing: DataClasses,
    /// 2xx responses that showed, to a caller without a credential, what the caller had not sent:
    /// by class.
    shown: Counts<DataClass>,
    /// Those in which the class occurred more than once: lists of people rather than one's own.
    listed: Counts<DataClass>,
    /// The exchanges of `shown`.
    pub(crate) shown_to: Witness,
    /// The same in the hands of callers with a credential.
    kept: Counts<DataClass>,
}

impl SensitivityTally {
    /// Adds one exchange; `accepted` says whether it was answered 2xx.
    pub(crate) fn absorb(&mut self, observation: &Observation, accepted: bool) {
        let mut sent = observation.request.data;
        for parameter in &observation.parameters {
            sent = sent.with(parameter.data);
        }
        self.incoming = self.incoming.with(sent);
        let outgoing = observation.response.data;
        if outgoing.is_empty() {
            return;
        }
        self.outgoing = self.outgoing.with(outgoing);
        if !accepted {
            return;
        }
        let anonymous = observation.principal.proof == Proof::None;
        let mut any = false;
        for class in outgoing.iter().filter(|class| !sent.has(*class)) {
            any = true;
            if anonymous {
                self.shown.add(class, 1);
                self.listed.add(class, u64::from(several(observation, class)));
            } else {
                self.kept.add(class, 1);
            }
        }
        if any && anonymous {
            self.shown_to.insert(observation.at, observation.principal.id);
        }
    }

    /// All exchanges of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.incoming = self.incoming.with(other.incoming);
        self.outgoing = self.outgoing.with(other.outgoing);
        self.shown.merge(&other.shown);
        self.listed.merge(&other.listed);
        self.shown_to.merge(&other.shown_to);
        self.kept.merge(&other.kept);
    }

    /// Classes shown to callers without a credential: (class, responses, of which lists).
    pub(crate) fn shown(&self) -> impl Iterator<Item = (DataClass, u64, u64)> {
        self.shown
            .as_slice()
            .iter()
            .map(|(class, responses)| (*class, *responses, self.listed.get(*class)))
    }
}

/// True when the response's body has the class at more than one place or more than once.
fn several(observation: &Observation, class: DataClass) -> bool {
    let Some(shape) = &observation.response.shape else { return false };
    let found = shape.nodes.iter().filter(|node| node.data.has(class));
    found.map(|node| u64::from(node.count)).sum::<u64>() > 1
}
