//! How the paths below one segment behave: which operations there are, and which fields their
//! bodies have. Two words with the same profile are likely two values of one parameter.

use std::collections::{BTreeMap, BTreeSet};

use exchange::endpoint::Method;

use super::tally::Tally;
use super::template::Node;
use crate::hash::TextHash;

/// Segments below a word that count as its operations.
const SUFFIX_SEGMENTS: usize = 2;

/// Depth to which the names of fields count.
const FIELD_DEPTH: u8 = 3;

/// Share of the bodies that must have a field for it to belong to the core.
const CORE_SHARE: f64 = 0.5;

/// Bodies of one operation from which more of them add nothing to a comparison.
const BODIES_ENOUGH: u64 = 32;

/// One operation below a word.
#[derive(Clone, Debug, Default)]
struct Operation {
    hits: u64,
    bodies: u64,
    fields: BTreeMap<u64, u64>,
}

/// How the paths below one segment behave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    operations: BTreeMap<u64, Operation>,
    /// Exchanges that showed an endpoint.
    pub(crate) hits: u64,
}

/// How alike two profiles are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likeness {
    /// Share of the operations of the one with fewer that the other has as well.
    pub(crate) operations: f64,
    /// Share of the core fields of each that the other has ever had, the mean over operations;
    /// `None` where a side has no bodies to compare.
    pub(crate) fields: Option<f64>,
}

impl Profile {
    /// The profile of some nodes as one. Words directly below that are not among `literals` count
    /// as values: they may be those of another parameter.
    pub(crate) fn of(nodes: &[&Node], literals: &BTreeSet<&str>) -> Self {
        let mut profile = Self::default();
        for node in nodes {
            profile.add(node, TextHash::new(b'o'), 0, literals);
        }
        profile
    }

    fn add(&mut self, node: &Node, suffix: TextHash, depth: usize, literals: &BTreeSet<&str>) {
        for (method, tally) in &node.leaves {
            self.add_leaf(*method, tally, &suffix);
        }
        let below = |mark: TextHash| if depth < SUFFIX_SEGMENTS { mark } else { suffix.clone() };
        for child in node.value.iter().chain(&node.more) {
            self.add(child, below(suffix.clone().mark(b'v')), depth + 1, literals);
        }
        for (word, child) in &node.words {
            let varies = depth == 0 && !literals.contains(&**word);
            let marked = match varies {
                true => suffix.clone().mark(b'v'),
                false => suffix.clone().text(word),
            };
            self.add(child, below(marked), depth + 1, literals);
        }
    }

    fn add_leaf(&mut self, method: Method, tally: &Tally, suffix: &TextHash) {
        let key = suffix.clone().text(method.as_str()).finish();
        let operation = self.operations.entry(key).or_default();
        // only what shows an endpoint may count here: errors wait elsewhere until a path is known,
        // so their number at this place depends on the order of absorption
        let hits = tally.of_class(2).max(1);
        operation.hits += hits;
        self.hits += hits;
        let mut add = |domain: u8, name: &str, bodies: u64| {
            *operation.fields.entry(TextHash::new(domain).text(name).finish()).or_default() +=
                bodies;
        };
        if let Some(shape) = tally.response(2) {
            operation.bodies += shape.bodies;
            shape.each_member(FIELD_DEPTH, &mut |name, count| {
                add(b'r', name, count.min(shape.bodies));
            });
        }
        if let Some(shape) = &tally.request {
            shape.each_member(FIELD_DEPTH, &mut |name, count| {
                add(b'q', name, count.min(shape.bodies));
            });
        }
    }

    /// All that the other one has, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        for (key, theirs) in &other.operations {
            let mine = self.operations.entry(*key).or_default();
            mine.hits += theirs.hits;
            mine.bodies += theirs.bodies;
            for (field, count) in &theirs.fields {
                *mine.fields.entry(*field).or_default() += count;
            }
        }
    }

    /// How alike the two are.
    pub(crate) fn likeness(&self, other: &Self) -> Likeness {
        let fewer = self.operations.len().min(other.operations.len()).max(1);
        let (mut both, mut agreed, mut weight) = (0_usize, 0.0, 0.0);
        for (key, mine) in &self.operations {
            let Some(theirs) = other.operations.get(key) else { continue };
            both += 1;
            // few bodies say little, many say no more than a few dozen
            let bodies = mine.bodies.min(theirs.bodies).min(BODIES_ENOUGH) as f64;
            agreed += bodies * mine.agreement(theirs).min(theirs.agreement(mine));
            weight += bodies;
        }
        Likeness {
            operations: both as f64 / fewer as f64,
            fields: (weight > 0.0).then(|| agreed / weight),
        }
    }
}

impl Operation {
    /// Share of the core fields here that the other one has ever had. Without core fields, as in
    /// empty lists, there is nothing to disagree about.
    fn agreement(&self, other: &Self) -> f64 {
        let least = self.bodies as f64 * CORE_SHARE;
        let core = || self.fields.iter().filter(|(_, count)| **count as f64 >= least);
        let all = core().count();
        if all == 0 {
            return 1.0;
        }
        let shared = core().filter(|(field, _)| other.fields.contains_key(field)).count();
        shared as f64 / all as f64
    }
}
