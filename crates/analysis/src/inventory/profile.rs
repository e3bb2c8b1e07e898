//! How the paths below one segment behave: which operations there are, and which fields their
//! bodies have. Two words with the same profile are likely two values of one parameter.

use std::collections::BTreeSet;

use super::outline::{Fields, Leaf, Outline, sum_up};
use crate::hash::TextHash;

/// Segments below a word that count as its operations.
const SUFFIX_SEGMENTS: usize = 2;

/// Share of the bodies that must have a field for it to belong to the core.
const CORE_SHARE: f64 = 0.5;

/// Bodies of one operation from which more of them add nothing to a comparison.
const BODIES_ENOUGH: u64 = 32;

/// One operation below a word.
#[derive(Clone, Debug)]
struct Operation {
    /// The hash of its suffix and method.
    key: u64,
    bodies: u64,
    fields: Fields,
}

/// How the paths below one segment behave.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    /// Sorted by key.
    operations: Vec<Operation>,
    /// Exchanges that showed an endpoint.
    pub(super) hits: u64,
}

/// How alike two profiles are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    /// Share of the operations of the one with fewer that the other has as well.
    pub(super) operations: f64,
    /// Share of the core fields of each that the other has ever had, the mean over operations;
    /// `None` where a side has no bodies to compare, or so few operations are shared that nobody
    /// asks.
    pub(super) fields: Option<f64>,
}

/// The leaves below some nodes, each with the key of the operation that it belongs to.
type Keyed<'a> = Vec<(u64, &'a Leaf<'a>)>;

impl Profile {
    /// The profile of some nodes as one. Words directly below that are not among `literals` count
    /// as values: they may be those of another parameter.
    pub(super) fn of(nodes: &[&Outline<'_>], literals: &BTreeSet<&str>) -> Self {
        let mut leaves = Keyed::new();
        for node in nodes {
            gather(node, &TextHash::new(b'o'), 0, literals, &mut leaves);
        }
        leaves.sort_unstable_by_key(|(key, _)| *key);
        let operations = leaves.chunk_by(|(a, _), (b, _)| a == b).filter_map(Operation::of);
        Self {
            operations: operations.collect(),
            hits: leaves.iter().map(|(_, leaf)| leaf.hits).sum(),
        }
    }

    /// All that the other one has, too.
    pub(super) fn merge(&mut self, other: &Self) {
        self.hits += other.hits;
        for theirs in &other.operations {
            match self.operations.binary_search_by_key(&theirs.key, |mine| mine.key) {
                Ok(at) => self.operations[at].merge(theirs),
                Err(at) => self.operations.insert(at, theirs.clone()),
            }
        }
    }

    /// How alike the two are. Fields are compared only where the share of operations that both
    /// have reaches `operations_least`.
    pub(super) fn likeness(&self, other: &Self, operations_least: f64) -> Likeness {
        let shared = || Shared { mine: &self.operations, theirs: &other.operations };
        let fewer = self.operations.len().min(other.operations.len()).max(1);
        let operations = shared().count() as f64 / fewer as f64;
        if operations < operations_least {
            return Likeness { operations, fields: None };
        }
        let (mut agreed, mut weight) = (0.0, 0.0);
        for (mine, theirs) in shared() {
            // few bodies say little, many say no more than a few dozen
            let bodies = mine.bodies.min(theirs.bodies).min(BODIES_ENOUGH) as f64;
            if bodies > 0.0 {
                agreed += bodies * mine.agreement(theirs);
                weight += bodies;
            }
        }
        Likeness { operations, fields: (weight > 0.0).then(|| agreed / weight) }
    }
}

fn gather<'a>(
    node: &'a Outline<'a>,
    suffix: &TextHash,
    depth: usize,
    literals: &BTreeSet<&str>,
    into: &mut Keyed<'a>,
) {
    for leaf in &node.leaves {
        into.push((suffix.clone().text(leaf.method.as_str()).finish(), leaf));
    }
    let deep = depth >= SUFFIX_SEGMENTS;
    let below = |mark: &dyn Fn(TextHash) -> TextHash| {
        if deep { suffix.clone() } else { mark(suffix.clone()) }
    };
    for child in node.value.iter().chain(&node.more) {
        gather(child, &below(&|suffix| suffix.mark(b'v')), depth + 1, literals, into);
    }
    for (word, child) in &node.words {
        let varies = depth == 0 && !literals.contains(word);
        let marked = |suffix: TextHash| if varies { suffix.mark(b'v') } else { suffix.text(word) };
        gather(child, &below(&marked), depth + 1, literals, into);
    }
}

impl Operation {
    /// What some leaves with the same key have in common.
    fn of(leaves: &[(u64, &Leaf<'_>)]) -> Option<Self> {
        let ((key, first), rest) = leaves.split_first()?;
        let mut operation = Self { key: *key, bodies: first.bodies, fields: first.fields.clone() };
        for (_, leaf) in rest {
            operation.bodies += leaf.bodies;
            operation.fields.extend_from_slice(&leaf.fields);
        }
        if !rest.is_empty() {
            sum_up(&mut operation.fields);
        }
        Some(operation)
    }

    fn merge(&mut self, other: &Self) {
        self.bodies += other.bodies;
        let known = self.fields.len();
        for (field, count) in &other.fields {
            match self.fields[..known].binary_search_by_key(field, |(known, _)| *known) {
                Ok(at) => self.fields[at].1 += count,
                Err(_) => self.fields.push((*field, *count)),
            }
        }
        if self.fields.len() > known {
            self.fields.sort_unstable();
        }
    }

    /// The share of the core fields of each that the other one has ever had, whichever is less.
    fn agreement(&self, other: &Self) -> f64 {
        let (mut mine, mut theirs) = (Core::of(self), Core::of(other));
        let shared = Shared { mine: &self.fields, theirs: &other.fields };
        for ((_, ours), (_, others)) in shared {
            mine.shared += usize::from(mine.has(*ours));
            theirs.shared += usize::from(theirs.has(*others));
        }
        mine.share().min(theirs.share())
    }
}

/// The core fields of an operation: those that enough of its bodies have.
struct Core {
    least: f64,
    all: usize,
    shared: usize,
}

impl Core {
    fn of(operation: &Operation) -> Self {
        let least = operation.bodies as f64 * CORE_SHARE;
        let mut core = Self { least, all: 0, shared: 0 };
        core.all = operation.fields.iter().filter(|(_, count)| core.has(*count)).count();
        core
    }

    fn has(&self, count: u64) -> bool {
        count as f64 >= self.least
    }

    /// Without core fields, as in empty lists, there is nothing to disagree about.
    fn share(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.shared as f64 / self.all as f64 }
    }
}

/// What two sorted lists have in common.
struct Shared<'a, T> {
    mine: &'a [T],
    theirs: &'a [T],
}

/// What a list is sorted by.
trait Keyable {
    fn key(&self) -> u64;
}

impl Keyable for Operation {
    fn key(&self) -> u64 {
        self.key
    }
}

impl Keyable for (u64, u64) {
    fn key(&self) -> u64 {
        self.0
    }
}

impl<'a, T: Keyable> Iterator for Shared<'a, T> {
    type Item = (&'a T, &'a T);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (mine, theirs) = (self.mine.first()?, self.theirs.first()?);
            let order = mine.key().cmp(&theirs.key());
            if order.is_le() {
                self.mine = &self.mine[1..];
            }
            if order.is_ge() {
                self.theirs = &self.theirs[1..];
            }
            if order.is_eq() {
                return Some((mine, theirs));
            }
        }
    }
}
