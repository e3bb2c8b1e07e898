//! The tree of concrete paths that templates are read from.
//!
//! Only exchanges that show an endpoint grow it. Segments that look like values share one child at
//! once; words have a child each, up to a bound, and stay apart until somebody asks
//! ([`super::decide`]): so the result does not depend on the order of absorption, and a decision
//! that later traffic contradicts is simply made differently the next time.

use std::collections::BTreeMap;

use exchange::endpoint::{Method, SeenPath, SeenSegment};
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::observation::Observation;
use serde::{Deserialize, Serialize};

use super::tally::Tally;
use super::words;
use crate::hash::TextHash;
use crate::sketch::{Counts, Distinct};

/// One segment of concrete paths, and all that follow it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Node {
    /// Children that are words.
    pub(crate) words: BTreeMap<Box<str>, Node>,
    /// All children that look like values, as one.
    pub(crate) value: Option<Box<Node>>,
    /// All words for which there was no room, as one.
    pub(crate) more: Option<Box<Node>>,
    /// The words in `more`.
    pub(crate) more_words: Distinct<u64>,
    /// The highest rank among `words` when they are full; `None`: not known.
    #[serde(skip)]
    ceiling: Option<Rank>,
    /// What the values looked like, on a node that is a `value`.
    pub(crate) kinds: Counts<ValueKind>,
    /// Exchanges that end here, by method.
    pub(crate) leaves: Vec<(Method, Box<Tally>)>,
}

/// What a segment is looked up as.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Key<'a> {
    /// A word.
    Word(&'a str),
    /// A value of this kind.
    Value(ValueKind),
}

/// The segments of a path as they are looked up: what is too long to be a literal is a value, and
/// what lies too deep is one value together with all that follows it.
pub(crate) fn keys(path: &SeenPath) -> impl Iterator<Item = Key<'_>> {
    let deep = path.0.len() > limits::PATH_SEGMENTS_MAX;
    let kept = if deep { limits::PATH_SEGMENTS_MAX - 1 } else { path.0.len() };
    let key = |segment| match segment {
        &SeenSegment::Value(kind, _) => Key::Value(kind),
        SeenSegment::Word(word) if word.len() > limits::SEGMENT_LITERAL_BYTES_MAX => {
            Key::Value(ValueKind::Word)
        }
        SeenSegment::Word(word) => Key::Word(word),
    };
    path.0.iter().take(kept).map(key).chain(deep.then_some(Key::Value(ValueKind::Word)))
}

/// The tree of one host.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Tree {
    /// What all paths begin with.
    pub(crate) root: Node,
    /// Nodes below the root.
    nodes: usize,
}

impl Tree {
    /// Adds an exchange that shows an endpoint. False: there was no room for its path.
    pub(crate) fn grow(&mut self, observation: &Observation) -> bool {
        let mut node = &mut self.root;
        for key in keys(&observation.path) {
            let full = self.nodes >= limits::TEMPLATE_NODES_MAX;
            let Some(next) = node.step(key, full, &mut self.nodes) else { return false };
            node = next;
        }
        node.leaf(observation.method).absorb(observation);
        true
    }

    /// The tally of exactly this path, where it has shown an endpoint before.
    pub(crate) fn find(&mut self, observation: &Observation) -> Option<&mut Tally> {
        let mut node = &mut self.root;
        for key in keys(&observation.path) {
            node = match key {
                Key::Value(_) => node.value.as_deref_mut()?,
                Key::Word(word) => node.words.get_mut(word)?,
            };
        }
        let leaf = node.leaves.iter_mut().find(|(method, _)| *method == observation.method);
        leaf.map(|(_, tally)| &mut **tally)
    }

    /// Adds what was learned of a template under an earlier contract.
    pub(crate) fn graft(&mut self, template: &[Key<'_>], method: Method, tally: &Tally) {
        let mut node = &mut self.root;
        for key in template {
            let Some(next) = node.step(*key, false, &mut self.nodes) else { return };
            node = next;
        }
        node.leaf(method).merge(tally);
    }

    /// All paths of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.root.merge(&other.root);
        self.nodes = self.root.count();
    }
}

impl Node {
    fn step(&mut self, key: Key<'_>, full: bool, nodes: &mut usize) -> Option<&mut Self> {
        match key {
            Key::Value(kind) => {
                if self.value.is_none() {
                    if full {
                        return None;
                    }
                    *nodes += 1;
                }
                let value = self.value.get_or_insert_default();
                value.kinds.add(kind, 1);
                Some(value)
            }
            Key::Word(word) => self.word(word, full, nodes),
        }
    }

    fn word(&mut self, word: &str, full: bool, nodes: &mut usize) -> Option<&mut Self> {
        if !self.words.contains_key(word) {
            if self.words.len() >= limits::TEMPLATE_CHILDREN_MAX {
                if rank(word) > self.ceiling() {
                    return Some(self.fold(word, &Self::default(), nodes));
                }
                self.make_room(nodes);
            }
            if full {
                return None;
            }
            *nodes += 1;
            self.words.insert(word.into(), Self::default());
        }
        self.words.get_mut(word)
    }

    /// The highest rank among the words.
    fn ceiling(&mut self) -> Rank {
        let words = &self.words;
        *self
            .ceiling
            .get_or_insert_with(|| words.keys().map(|word| rank(word)).max().unwrap_or_default())
    }

    /// Folds the word with the highest rank into `more`. Ranks are hashes, so the words that keep
    /// a child of their own are the same whatever the order in which all came.
    fn make_room(&mut self, nodes: &mut usize) {
        let Some(last) = self.words.keys().max_by_key(|word| rank(word)).cloned() else { return };
        self.ceiling = None;
        if let Some(node) = self.words.remove(&last) {
            *nodes = nodes.saturating_sub(1 + node.count());
            self.fold(&last, &node, nodes);
        }
    }

    /// Counts a word and what follows it among those without a child of their own.
    fn fold(&mut self, word: &str, node: &Self, nodes: &mut usize) -> &mut Self {
        self.more_words.insert(TextHash::new(b'w').text(word).finish());
        let more = self.more.get_or_insert_default();
        if !(node.words.is_empty() && node.leaves.is_empty() && node.value.is_none()) {
            let before = more.count();
            more.merge(node);
            *nodes += more.count() - before;
        }
        more
    }

    fn leaf(&mut self, method: Method) -> &mut Tally {
        let at = match self.leaves.binary_search_by_key(&method, |(known, _)| *known) {
            Ok(at) => at,
            Err(at) => {
                self.leaves.insert(at, (method, Box::default()));
                at
            }
        };
        &mut self.leaves[at].1
    }

    fn merge(&mut self, other: &Self) {
        self.kinds.merge(&other.kinds);
        self.more_words.merge(&other.more_words);
        for (method, tally) in &other.leaves {
            self.leaf(*method).merge(tally);
        }
        if let Some(value) = &other.value {
            self.value.get_or_insert_default().merge(value);
        }
        if let Some(more) = &other.more {
            self.more.get_or_insert_default().merge(more);
        }
        for (word, node) in &other.words {
            match self.words.get_mut(word) {
                Some(known) => known.merge(node),
                None => {
                    self.words.insert(word.clone(), node.clone());
                }
            }
        }
        self.ceiling = None;
        while self.words.len() > limits::TEMPLATE_CHILDREN_MAX {
            // who merges trees counts their nodes anew
            self.make_room(&mut 0);
        }
    }

    fn count(&self) -> usize {
        let boxed = |node: &Option<Box<Self>>| node.as_ref().map_or(0, |node| 1 + node.count());
        let words: usize = self.words.values().map(|node| 1 + node.count()).sum();
        words + boxed(&self.value) + boxed(&self.more)
    }
}

/// The order in which words lose their child when there are too many.
type Rank = (bool, u64);

/// Reserved words keep their child longest, then those with small hashes.
fn rank(word: &str) -> Rank {
    (!words::is_reserved(word), TextHash::new(b'w').text(word).finish())
}
