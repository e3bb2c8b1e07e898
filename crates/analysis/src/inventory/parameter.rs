//! Which parameters of query and form an endpoint takes, and what their values look like.

use exchange::data_class::DataClasses;
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::observation::{ParameterPlace, ParameterSeen};
use serde::{Deserialize, Serialize};

use crate::sketch::Counts;
use crate::snapshot::{Parameter, ParameterIn};

/// One parameter.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct ParameterTally {
    place: ParameterPlace,
    name: Box<str>,
    kinds: Counts<ValueKind>,
    data: DataClasses,
}

/// The parameters of one endpoint, sorted by place and name.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct ParametersTally {
    known: Vec<ParameterTally>,
    /// Parameters that came when there was no room for another name.
    overflow: u64,
}

impl ParametersTally {
    /// Adds the parameters of one request.
    pub(crate) fn absorb(&mut self, parameters: &[ParameterSeen]) {
        for seen in parameters {
            match self.find(seen.place, &seen.name) {
                Ok(at) => {
                    let known = &mut self.known[at];
                    known.kinds.add(seen.kind, 1);
                    known.data = known.data.with(seen.data);
                }
                Err(_) if self.known.len() >= limits::INVENTORY_PARAMETERS_MAX => {
                    self.overflow += 1;
                }
                Err(at) => {
                    let mut kinds = Counts::default();
                    kinds.add(seen.kind, 1);
                    let name = seen.name.clone();
                    let tally = ParameterTally { place: seen.place, name, kinds, data: seen.data };
                    self.known.insert(at, tally);
                }
            }
        }
    }

    /// All parameters of the other one, too. Where they do not fit together, the frequent stay.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflow += other.overflow;
        for theirs in &other.known {
            match self.find(theirs.place, &theirs.name) {
                Ok(at) => {
                    let known = &mut self.known[at];
                    known.kinds.merge(&theirs.kinds);
                    known.data = known.data.with(theirs.data);
                }
                Err(at) => self.known.insert(at, theirs.clone()),
            }
        }
        while self.known.len() > limits::INVENTORY_PARAMETERS_MAX {
            let count = |at: &usize| (self.known[*at].kinds.sum(), std::cmp::Reverse(*at));
            let Some(rarest) = (0..self.known.len()).min_by_key(count) else { return };
            self.overflow += self.known.remove(rarest).kinds.sum();
        }
    }

    /// As they are shown.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Parameter> {
        self.known.iter().map(|known| Parameter {
            place: match known.place {
                ParameterPlace::Form => ParameterIn::Form,
                ParameterPlace::Query => ParameterIn::Query,
            },
            name: known.name.clone(),
            kind: known.kinds.common(),
            exchanges: known.kinds.sum(),
            data: known.data,
        })
    }

    fn find(&self, place: ParameterPlace, name: &str) -> Result<usize, usize> {
        self.known.binary_search_by(|known| (known.place, &*known.name).cmp(&(place, name)))
    }
}
