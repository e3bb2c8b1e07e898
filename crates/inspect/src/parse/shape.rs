//! JSON tokens to the shape of a body, with sensitive data recognised on the way: one pass, no
//! tree, bounded.

use std::borrow::Cow;

use exchange::data_class::DataClasses;
use exchange::json::{self, Container, Fault, Literal, Sink, Text};
use exchange::kind::ValueKind;
use exchange::limits;
use exchange::shape::{Shape, ShapeNode, Types};

use crate::recognize::{self, Hint};

/// The name that stands for keys that are values, as in a map from ids to records.
const ANY_KEY: &str = "*";

/// Longest string whose class is told: longer ones are texts.
const KIND_BYTES_MAX: usize = 64;

/// What a JSON body is made of.
pub(crate) struct Reading {
    /// Its shape, as far as it could be read.
    pub(crate) shape: Shape,
    /// Sensitive data anywhere in it.
    pub(crate) data: DataClasses,
    /// Why it could not be read to its end.
    pub(crate) fault: Option<Fault>,
}

/// Reads a JSON body.
pub(crate) fn read(text: &[u8]) -> Reading {
    let mut builder = Builder::for_text(text.len());
    let fault = json::read(text, &mut builder).err();
    Reading { shape: builder.shape, data: builder.data, fault }
}

/// Index of a node; [`NOWHERE`] for what is not recorded.
type Index = u16;

const NOWHERE: Index = Index::MAX;

const _: () = assert!(limits::SHAPE_NODES_MAX < NOWHERE as usize);

/// An open container.
struct Level {
    node: Index,
    elements: usize,
    /// The child that matched last: in a list of alike records, the next one is its sibling.
    last: Index,
}

/// Children that are looked through one by one before [`Builder::order`] is asked: most objects
/// have fewer members.
const WALKED_MAX: usize = 12;

/// How children are found: kept beside the nodes, not in the shape that goes out.
struct Links {
    first_child: Index,
    last_child: Index,
    next_sibling: Index,
    /// What the name promises, once somebody has asked.
    hint: Option<Hint>,
}

struct Builder {
    shape: Shape,
    links: Vec<Links>,
    /// Nodes sorted by parent and name, as far as somebody has asked: an object of many different
    /// names must not compare each with all before it.
    order: Vec<Index>,
    data: DataClasses,
    levels: Vec<Level>,
    /// The member whose value comes next.
    member: Option<Index>,
    /// The node whose name the values have: in arrays, the array's own. [`NOWHERE`]: none.
    named: Index,
    /// Containers open below the one from which on nothing is recorded.
    muted: usize,
    /// Names that were compared.
    #[cfg(test)]
    compared: std::cell::Cell<usize>,
}

impl Builder {
    /// A builder with room for what a text of this size typically holds, so that nothing grows in
    /// small steps: a member takes about 24 bytes, half of them its name.
    fn for_text(bytes: usize) -> Self {
        let nodes = (bytes / 24).clamp(4, 64);
        Self {
            shape: Shape {
                nodes: Vec::with_capacity(nodes),
                names: String::with_capacity(nodes * 12),
                cut: false,
            },
            links: Vec::with_capacity(nodes),
            order: Vec::new(),
            data: DataClasses::NONE,
            levels: Vec::with_capacity(8),
            member: None,
            named: NOWHERE,
            muted: 0,
            #[cfg(test)]
            compared: std::cell::Cell::default(),
        }
    }

    /// The node of the value that comes now, counted; `NOWHERE` when it is not recorded.
    fn place(&mut self, types: Types) -> Index {
        let at = match self.member.take() {
            Some(member) => member,
            None => match self.levels.last_mut() {
                None => self.child(NOWHERE, ""),
                Some(level) => {
                    level.elements += 1;
                    if level.elements > limits::SHAPE_ELEMENTS_MAX {
                        return NOWHERE;
                    }
                    let parent = level.node;
                    self.child(parent, "")
                }
            },
        };
        if let Some(node) = self.shape.nodes.get_mut(usize::from(at)) {
            node.types = node.types.with(types);
            node.count += 1;
        }
        at
    }

    /// The child of `parent` with this name, made if need be.
    fn child(&mut self, parent: Index, name: &str) -> Index {
        if parent == NOWHERE {
            // the root, or below something that is not recorded
            return if self.shape.nodes.is_empty() { self.add(0, name) } else { NOWHERE };
        }
        let level_last = self.levels.last().map_or(NOWHERE, |level| level.last);
        let expected = self.next_of(level_last).unwrap_or(NOWHERE);
        if expected != NOWHERE && self.is_named(expected, name) {
            return self.matched(expected);
        }
        let mut at = self.links[usize::from(parent)].first_child;
        for _ in 0..WALKED_MAX {
            if at == NOWHERE {
                let made = self.add(parent, name);
                return self.matched(made);
            }
            if self.is_named(at, name) {
                return self.matched(at);
            }
            at = self.links[usize::from(at)].next_sibling;
        }
        let found = match self.search(parent, name) {
            Ok(at) => self.order[at],
            Err(_) => self.add(parent, name),
        };
        self.matched(found)
    }

    /// Where the child of this name stands in the order, or would stand. Whatever the names are,
    /// it takes nine comparisons, and each node is put in its place once.
    fn search(&mut self, parent: Index, name: &str) -> Result<usize, usize> {
        // the root is nobody's child
        for at in self.order.len() + 1..self.shape.nodes.len() {
            let node = &self.shape.nodes[at];
            let place = self.place_of(node.parent, self.shape.name(node));
            let place = place.unwrap_or_else(|place| place);
            self.order.insert(place, at as Index);
        }
        self.place_of(parent, name)
    }

    fn place_of(&self, parent: Index, name: &str) -> Result<usize, usize> {
        self.order.binary_search_by(|at| {
            self.note_comparison();
            let node = &self.shape.nodes[usize::from(*at)];
            (node.parent, self.shape.name(node)).cmp(&(parent, name))
        })
    }

    #[cfg(test)]
    fn note_comparison(&self) {
        self.compared.set(self.compared.get() + 1);
    }

    #[cfg(not(test))]
    const fn note_comparison(&self) {}

    fn next_of(&self, last: Index) -> Option<Index> {
        self.links.get(usize::from(last)).map(|link| link.next_sibling)
    }

    fn is_named(&self, at: Index, name: &str) -> bool {
        self.note_comparison();
        // most names differ in their length already
        let same = |node: &ShapeNode| {
            usize::from(node.name.1) == name.len() && self.shape.name(node) == name
        };
        self.shape.nodes.get(usize::from(at)).is_some_and(same)
    }

    fn matched(&mut self, at: Index) -> Index {
        if let Some(level) = self.levels.last_mut() {
            level.last = at;
        }
        at
    }

    fn add(&mut self, parent: Index, name: &str) -> Index {
        if self.shape.nodes.len() == limits::SHAPE_NODES_MAX {
            self.shape.cut = true;
            return NOWHERE;
        }
        let start = self.shape.names.len() as u32;
        self.shape.names.push_str(name);
        self.shape.nodes.push(ShapeNode {
            parent,
            name: (start, name.len() as u16),
            types: Types::default(),
            kind: None,
            data: DataClasses::NONE,
            count: 0,
        });
        self.links.push(Links {
            first_child: NOWHERE,
            last_child: NOWHERE,
            next_sibling: NOWHERE,
            hint: None,
        });
        let made = (self.shape.nodes.len() - 1) as Index;
        if made != 0 {
            self.link(parent, made);
        }
        made
    }

    /// Appends a node to the children of its parent.
    fn link(&mut self, parent: Index, made: Index) {
        let links = &mut self.links[usize::from(parent)];
        let last = std::mem::replace(&mut links.last_child, made);
        match self.links.get_mut(usize::from(last)) {
            Some(before) => before.next_sibling = made,
            None => self.links[usize::from(parent)].first_child = made,
        }
    }

    /// Records what a scalar looks like, and whether it is sensitive.
    fn scalar(&mut self, types: Types, text: &str, kind: Option<ValueKind>) {
        let at = self.place(types);
        let Some(node) = self.shape.nodes.get_mut(usize::from(at)) else { return };
        if let Some(kind) = kind {
            let fresh = node.count == 1;
            node.kind = match node.kind {
                None if fresh => Some(kind),
                Some(before) if before == kind => node.kind,
                _ => Some(ValueKind::Word),
            };
        }
        if kind.is_some_and(|kind| recognize::is_harmless(kind, text)) {
            return;
        }
        let (named, shape) = (usize::from(self.named), &self.shape);
        let hint = || match self.links.get_mut(named) {
            None => Hint::None,
            Some(links) => *links.hint.get_or_insert_with(|| {
                shape.nodes.get(named).map_or(Hint::None, |node| Hint::of(shape.name(node)))
            }),
        };
        if let Some(class) = recognize::classify_under(hint, text) {
            self.data.insert(class);
            if let Some(node) = self.shape.nodes.get_mut(usize::from(at)) {
                node.data.insert(class);
            }
        }
    }
}

impl Sink for Builder {
    fn open(&mut self, container: Container) {
        if self.muted > 0 {
            self.muted += 1;
            return;
        }
        let types = match container {
            Container::Array => Types::ARRAY,
            Container::Object => Types::OBJECT,
        };
        let node = self.place(types);
        if node == NOWHERE {
            self.muted = 1;
            return;
        }
        self.levels.push(Level { node, elements: 0, last: NOWHERE });
    }

    fn close(&mut self, _: Container) {
        if self.muted > 0 {
            self.muted -= 1;
            return;
        }
        self.levels.pop();
        self.named = NOWHERE;
    }

    fn name(&mut self, name: Text<'_>) {
        if self.muted > 0 {
            return;
        }
        // the records of a list have the same members in the same order: no need to look again
        if !name.is_escaped()
            && let Some(next) = self.levels.last().and_then(|level| self.next_of(level.last))
            && next != NOWHERE
            && self.is_named(next, name.raw())
        {
            self.named = self.matched(next);
            self.member = Some(next);
            return;
        }
        let name = name.decode();
        let kept = if name.is_empty()
            || name.len() > limits::SHAPE_KEY_BYTES_MAX
            || ValueKind::of(name.as_bytes()).is_value()
        {
            Cow::Borrowed(ANY_KEY)
        } else {
            name
        };
        let parent = self.levels.last().map_or(NOWHERE, |level| level.node);
        self.named = self.child(parent, &kept);
        self.member = Some(self.named);
    }

    fn string(&mut self, text: Text<'_>) {
        if self.muted > 0 {
            return;
        }
        let text = text.decode();
        let kind = match text.len() {
            0..=KIND_BYTES_MAX => ValueKind::of(text.as_bytes()),
            _ => ValueKind::Word,
        };
        self.scalar(Types::STRING, &text, Some(kind));
    }

    fn number(&mut self, digits: &str) {
        if self.muted > 0 {
            return;
        }
        let whole = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        self.scalar(if whole { Types::INTEGER } else { Types::NUMBER }, digits, None);
    }

    fn literal(&mut self, literal: Literal) {
        if self.muted > 0 {
            return;
        }
        let types = match literal {
            Literal::Null => Types::NULL,
            Literal::False | Literal::True => Types::BOOLEAN,
        };
        self.place(types);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of objects with members from `first` to `last` exclusive, in this or reverse order.
    fn objects(ranges: &[(usize, usize)]) -> Vec<u8> {
        let objects = ranges.iter().map(|(first, last)| {
            let numbers: Vec<usize> = if first < last {
                (*first..*last).collect()
            } else {
                (*last..*first).rev().collect()
            };
            let name = |number: usize| {
                let letters = [number / 676, number / 26 % 26, number % 26];
                letters.map(|letter| char::from(b'a' + letter as u8)).iter().collect::<String>()
            };
            let members = numbers.iter().map(|number| format!("\"field_{}\":1", name(*number)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        });
        format!("[{}]", objects.collect::<Vec<_>>().join(",")).into_bytes()
    }

    fn build(text: &[u8]) -> Builder {
        let mut builder = Builder::for_text(text.len());
        json::read(text, &mut builder).unwrap();
        builder
    }

    #[test]
    fn names_cost_the_same_however_many_there_are() {
        let mut most = 0;
        for count in [500, 1_000, 5_000, 10_000] {
            let builder = build(&objects(&[(0, count)]));
            assert_eq!(builder.shape.nodes.len(), limits::SHAPE_NODES_MAX.min(count + 2));
            most = most.max(builder.compared.get().div_ceil(count));
        }
        // those that are walked, twice the ten of a binary search over 512, and the sibling
        assert!(most <= WALKED_MAX + 2 * 10 + 1, "{most} comparisons for one name");
    }

    #[test]
    fn every_order_of_many_names_finds_the_same_members() {
        let builder = build(&objects(&[(0, 100), (100, 0), (40, 140), (20, 90)]));
        assert_eq!(builder.shape.nodes.len(), 2 + 140);
        let counts = builder.shape.nodes[2..].iter().map(|node| node.count);
        let expected = (0..140).map(|at| match at {
            0..20 => 2,
            20..40 => 3,
            40..90 => 4,
            90..100 => 3,
            _ => 1,
        });
        assert!(counts.eq(expected));
        assert!(builder.shape.nodes[2..].iter().all(|node| node.parent == 1));
    }
}
