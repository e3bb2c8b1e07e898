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

/// How children are found: kept beside the nodes, not in the shape that goes out.
struct Links {
    first_child: Index,
    next_sibling: Index,
    /// What the name promises, once somebody has asked.
    hint: Option<Hint>,
}

struct Builder {
    shape: Shape,
    links: Vec<Links>,
    data: DataClasses,
    levels: Vec<Level>,
    /// The member whose value comes next.
    member: Option<Index>,
    /// The node whose name the values have: in arrays, the array's own. [`NOWHERE`]: none.
    named: Index,
    /// Containers open below the one from which on nothing is recorded.
    muted: usize,
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
            data: DataClasses::NONE,
            levels: Vec::with_capacity(8),
            member: None,
            named: NOWHERE,
            muted: 0,
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
        let first = self.links[usize::from(parent)].first_child;
        let (mut at, mut last) = (first, NOWHERE);
        while at != NOWHERE {
            if self.is_named(at, name) {
                return self.matched(at);
            }
            last = at;
            at = self.links[usize::from(at)].next_sibling;
        }
        let made = self.add(parent, name);
        if made != NOWHERE {
            match self.links.get_mut(usize::from(last)) {
                Some(link) if last != NOWHERE => link.next_sibling = made,
                _ => self.links[usize::from(parent)].first_child = made,
            }
        }
        self.matched(made)
    }

    fn next_of(&self, last: Index) -> Option<Index> {
        self.links.get(usize::from(last)).map(|link| link.next_sibling)
    }

    fn is_named(&self, at: Index, name: &str) -> bool {
        self.shape.nodes.get(usize::from(at)).is_some_and(|node| self.shape.name(node) == name)
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
        self.links.push(Links { first_child: NOWHERE, next_sibling: NOWHERE, hint: None });
        (self.shape.nodes.len() - 1) as Index
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
