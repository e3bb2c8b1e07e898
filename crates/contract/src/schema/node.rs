//! What schemas are compiled to: a list of nodes that refer to one another by index. References
//! are resolved, names are in tables, and nothing of the schema's text is needed any more except
//! for what violations quote.

use std::cmp::Ordering;

use super::format::Format;
use super::number::{Divisor, Number};
use super::pattern::Pattern;

/// Index of a node in its program.
pub(super) type NodeId = u32;

/// The node that accepts everything.
pub(super) const TRUE: NodeId = 0;

/// The node that accepts nothing.
pub(super) const FALSE: NodeId = 1;

/// A set of types, one bit each.
pub(super) type Types = u8;

pub(super) const NULL: Types = 1;
pub(super) const BOOLEAN: Types = 2;
pub(super) const INTEGER: Types = 4;
pub(super) const NUMBER: Types = 8;
pub(super) const STRING: Types = 16;
pub(super) const ARRAY: Types = 32;
pub(super) const OBJECT: Types = 64;
pub(super) const ANY: Types = 127;

/// A compiled schema.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// One schema.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) types: Types,
    /// The keyword by which nothing is accepted: `falseSchema`, `readOnly` or `writeOnly`.
    pub(super) nothing: Option<&'static str>,
    pub(super) text: Option<Box<TextChecks>>,
    pub(super) number: Option<Box<NumberChecks>>,
    pub(super) object: Option<Box<ObjectChecks>>,
    pub(super) array: Option<Box<ArrayChecks>>,
    /// `enum` and `const`.
    pub(super) values: Vec<Values>,
    /// Schemas for the same instance.
    pub(super) combinations: Vec<Combination>,
    /// True when several schemas for one instance may ask for this one: it is judged once.
    pub(super) is_shared: bool,
    /// True when an `unevaluated…` keyword needs to know what this one has looked at.
    pub(super) annotates: bool,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            types: ANY,
            nothing: None,
            text: None,
            number: None,
            object: None,
            array: None,
            values: Vec::new(),
            combinations: Vec::new(),
            is_shared: false,
            annotates: false,
        }
    }
}

impl Node {
    /// The only schema that this one refers to, if it says nothing else.
    pub(super) fn alias(&self) -> Option<NodeId> {
        let plain = self.types == ANY
            && self.nothing.is_none()
            && self.text.is_none()
            && self.number.is_none()
            && self.object.is_none()
            && self.array.is_none()
            && self.values.is_empty();
        match self.combinations.as_slice() {
            [Combination { kind: Kind::All, nodes, .. }] if plain && nodes.len() == 1 => {
                nodes.first().copied()
            }
            _ => None,
        }
    }

    /// Every index of another node in this one.
    pub(super) fn each_reference(&mut self, visit: &mut impl FnMut(&mut NodeId)) {
        for combination in &mut self.combinations {
            combination.nodes.iter_mut().for_each(&mut *visit);
        }
        if let Some(object) = &mut self.object {
            object
                .table
                .entries
                .iter_mut()
                .filter_map(|it| it.child.as_mut())
                .for_each(&mut *visit);
            object.patterns.iter_mut().for_each(|(_, child)| visit(child));
            let single = [&mut object.additional, &mut object.names, &mut object.unevaluated];
            single.into_iter().flatten().for_each(&mut *visit);
        }
        if let Some(array) = &mut self.array {
            array.prefix.iter_mut().for_each(&mut *visit);
            array.contains.iter_mut().for_each(|it| visit(&mut it.node));
            [&mut array.rest, &mut array.unevaluated].into_iter().flatten().for_each(visit);
        }
    }
}

/// How the schemas of one keyword decide together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// `allOf` and `$ref`.
    All,
    /// `anyOf`.
    Any,
    /// `oneOf`.
    One,
    /// `not`.
    Not,
    /// `if`, `then` and `else`, in this order.
    If,
    /// `dependentSchemas`, each with a property that must be there for it to count.
    Dependent,
}

/// Schemas for the same instance.
#[derive(Debug)]
pub(super) struct Combination {
    pub(super) kind: Kind,
    pub(super) nodes: Vec<NodeId>,
    /// Positions in the table of names, of [`Kind::Dependent`] only.
    pub(super) triggers: Vec<usize>,
}

/// Assertions about strings.
#[derive(Debug, Default)]
pub(super) struct TextChecks {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) pattern: Option<(Pattern, Box<str>)>,
    pub(super) format: Option<Format>,
}

/// Assertions about numbers, each with its text.
#[derive(Debug, Default)]
pub(super) struct NumberChecks {
    pub(super) bounds: Vec<Bound>,
    pub(super) multiple_of: Option<(Divisor, Box<str>)>,
}

/// `minimum`, `maximum` and their exclusive forms.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) keyword: &'static str,
    /// What the instance may be, compared with the limit.
    pub(super) allowed: [Ordering; 2],
    pub(super) limit: Number,
    pub(super) words: &'static str,
    pub(super) text: Box<str>,
}

/// Assertions about objects.
#[derive(Debug, Default)]
pub(super) struct ObjectChecks {
    /// Every name that is said something about; those that are required come first.
    pub(super) table: Table,
    pub(super) required: usize,
    pub(super) patterns: Vec<(Pattern, NodeId)>,
    pub(super) additional: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    /// A name, and the names that must be there if it is.
    pub(super) dependent: Vec<(usize, Vec<usize>)>,
    pub(super) unevaluated: Option<NodeId>,
}

/// Assertions about arrays.
#[derive(Debug, Default)]
pub(super) struct ArrayChecks {
    pub(super) prefix: Vec<NodeId>,
    pub(super) rest: Option<NodeId>,
    pub(super) contains: Option<Contains>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) unique: bool,
    pub(super) unevaluated: Option<NodeId>,
}

/// `contains`, `minContains` and `maxContains`.
#[derive(Debug)]
pub(super) struct Contains {
    pub(super) node: NodeId,
    pub(super) min: u64,
    pub(super) max: Option<u64>,
}

/// The values of `enum` or `const`.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) keyword: &'static str,
    pub(super) words: Box<str>,
    pub(super) texts: Vec<Box<str>>,
    pub(super) numbers: Vec<Number>,
    /// The types `null` and `boolean`, of which both values are listed apart.
    pub(super) null: bool,
    pub(super) booleans: [bool; 2],
    /// Arrays and objects in canonical form.
    pub(super) containers: Vec<Vec<u8>>,
}

/// A name that is said something about.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) hash: u32,
    pub(super) name: Box<str>,
    pub(super) child: Option<NodeId>,
}

/// Names by their hash, with linear probing; at most half of the slots are taken.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
    slots: Box<[u32]>,
}

impl Table {
    /// The position of a name, which is added if it is not there yet.
    pub(super) fn add(&mut self, name: &str) -> usize {
        let hash = hash(name.as_bytes());
        let known = self.entries.iter().position(|it| it.hash == hash && *it.name == *name);
        known.unwrap_or_else(|| {
            self.entries.push(Entry { hash, name: name.into(), child: None });
            self.entries.len() - 1
        })
    }

    /// Makes names findable, after the last was added.
    pub(super) fn build(&mut self) {
        let size = (self.entries.len() * 2).next_power_of_two();
        let mut slots = vec![0_u32; size];
        for (index, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (size - 1);
            while slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            slots[slot] = u32::try_from(index + 1).unwrap_or(u32::MAX);
        }
        self.slots = slots.into();
    }

    #[inline]
    pub(super) fn find(&self, hash: u32, name: &str) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & mask;
        loop {
            let index = (*self.slots.get(slot)? as usize).checked_sub(1)?;
            let entry = self.entries.get(index)?;
            if entry.hash == hash && *entry.name == *name {
                return Some(index);
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// A fast hash of a name: eight bytes at a time, multiplied and rotated. It is not keyed: who
/// makes names collide makes the lookups of their own request a little longer.
#[inline]
pub(super) fn hash(bytes: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut eight = [0; 8];
        eight.copy_from_slice(chunk);
        sum = (sum.rotate_left(23) ^ u64::from_le_bytes(eight)).wrapping_mul(FACTOR);
    }
    let mut tail = 0_u64;
    for byte in chunks.remainder() {
        tail = tail << 8 | u64::from(*byte);
    }
    sum = (sum.rotate_left(23) ^ tail).wrapping_mul(FACTOR);
    (sum >> 32) as u32
}
