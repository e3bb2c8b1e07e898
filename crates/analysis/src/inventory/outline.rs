//! The tree of paths as decisions look at it: what is asked of a leaf at every level above it is
//! worked out once.

use exchange::endpoint::Method;

use super::shape::ShapeTally;
use super::tally::Tally;
use super::template::Node;
use crate::hash::TextHash;

/// Depth to which the names of fields count.
const FIELD_DEPTH: u8 = 3;

/// How often each field came, by the hash of its direction and name; sorted by hash.
pub(super) type Fields = Vec<(u64, u64)>;

/// A node of the tree with its leaves summed up.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    /// The node itself.
    pub(super) node: &'a Node,
    /// Children that are words, sorted.
    pub(super) words: Vec<(&'a str, Self)>,
    /// All children that look like values.
    pub(super) value: Option<Box<Self>>,
    /// All words for which there was no room.
    pub(super) more: Option<Box<Self>>,
    /// Exchanges that end here, by method.
    pub(super) leaves: Vec<Leaf<'a>>,
}

/// Exchanges that end at one node with one method.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    /// The method.
    pub(super) method: Method,
    /// All that is known of them.
    pub(super) tally: &'a Tally,
    /// Exchanges that showed an endpoint, at least one. Only these may count in decisions: errors
    /// wait elsewhere until a path is known, so their number depends on the order of absorption.
    pub(super) hits: u64,
    /// Bodies of 2xx responses.
    pub(super) bodies: u64,
    /// Fields of these bodies and of the requests'.
    pub(super) fields: Fields,
}

impl<'a> Outline<'a> {
    /// The outline of a node and all below it.
    pub(super) fn of(node: &'a Node) -> Self {
        let boxed = |child: &'a Option<Box<Node>>| {
            child.as_deref().map(|child| Box::new(Outline::of(child)))
        };
        Self {
            node,
            words: node.words.iter().map(|(word, child)| (&**word, Self::of(child))).collect(),
            value: boxed(&node.value),
            more: boxed(&node.more),
            leaves: node.leaves.iter().map(|(method, tally)| Leaf::of(*method, tally)).collect(),
        }
    }
}

impl<'a> Leaf<'a> {
    fn of(method: Method, tally: &'a Tally) -> Self {
        let response = tally.response(2);
        let mut fields = Fields::new();
        let mut add = |domain: u8, shape: &ShapeTally| {
            shape.each_member(FIELD_DEPTH, &mut |name, count| {
                let hash = TextHash::new(domain).text(name).finish();
                fields.push((hash, count.min(shape.bodies)));
            });
        };
        if let Some(shape) = response {
            add(b'r', shape);
        }
        if let Some(shape) = &tally.request {
            add(b'q', shape);
        }
        sum_up(&mut fields);
        let bodies = response.map_or(0, |shape| shape.bodies);
        Self { method, tally, hits: tally.of_class(2).max(1), bodies, fields }
    }
}

/// Sorts fields and adds up those of one name.
pub(super) fn sum_up(fields: &mut Fields) {
    fields.sort_unstable();
    fields.dedup_by(|(field, count), (kept, sum)| {
        let same = field == kept;
        if same {
            *sum += *count;
        }
        same
    });
}
