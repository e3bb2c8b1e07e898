//! Exchanges that showed no endpoint: errors on real ones, and what scanners ask for. They wait
//! here under their path, and are given to a template once there is one that they fit.

use std::collections::BTreeMap;

use exchange::endpoint::{Method, SeenPath};
use exchange::limits;
use exchange::observation::Observation;
use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::template::{Key, keys};
use crate::hash::TextHash;

/// A path that only ever failed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Probe {
    /// The method.
    pub(crate) method: Method,
    /// The path.
    pub(crate) path: SeenPath,
    /// What happened there.
    pub(crate) tally: Box<Tally>,
}

/// The probes of one host: those whose paths have the smallest hashes, so that the same ones are
/// kept whatever the order.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Probes {
    by_hash: BTreeMap<u64, Probe>,
    /// Exchanges of probes that were not kept.
    pub(crate) overflow: u64,
}

impl Probes {
    /// Adds an exchange that showed no endpoint.
    pub(crate) fn absorb(&mut self, observation: &Observation) {
        let hash = hash(observation.method, &observation.path);
        if let Some(known) = self.by_hash.get_mut(&hash) {
            known.tally.absorb(observation);
            return;
        }
        let full = self.by_hash.len() >= limits::PROBES_MAX;
        if full && self.by_hash.last_key_value().is_some_and(|(last, _)| hash > *last) {
            self.overflow += 1;
            return;
        }
        let mut tally = Box::<Tally>::default();
        tally.absorb(observation);
        let path = observation.path.clone();
        self.by_hash.insert(hash, Probe { method: observation.method, path, tally });
        self.trim();
    }

    /// All probes of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflow += other.overflow;
        for (hash, probe) in &other.by_hash {
            match self.by_hash.get_mut(hash) {
                Some(known) => {
                    known.tally.merge(&probe.tally);
                    // either path would do; the smaller one keeps the order of merging out
                    known.path = known.path.clone().min(probe.path.clone());
                }
                None => {
                    self.by_hash.insert(*hash, probe.clone());
                }
            }
        }
        self.trim();
    }

    /// All, by hash.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Probe> {
        self.by_hash.values()
    }

    fn trim(&mut self) {
        while self.by_hash.len() > limits::PROBES_MAX {
            if let Some((_, probe)) = self.by_hash.pop_last() {
                self.overflow += probe.tally.exchanges;
            }
        }
    }
}

fn hash(method: Method, path: &SeenPath) -> u64 {
    let mut hash = TextHash::new(b'p').text(method.as_str());
    for key in keys(path) {
        hash = match key {
            Key::Value(_) => hash.mark(b'v'),
            Key::Word(word) => hash.text(word),
        };
    }
    hash.finish()
}
