//! The validator: a listener to the tokens of an instance. For every open array and object it
//! holds a frame for each schema at work on it, so that alternatives run side by side and each
//! byte is read once. There is no tree, and no allocation for a value once the stacks have grown.
//!
//! A schema is judged once for each value, whoever asks for it, and what all of it together may
//! take is bounded by [`limits::SCHEMA_STEPS_PER_BYTE`].

use exchange::json::{Container, Literal, Sink, Text};
use exchange::limits;

use super::Departure;
use super::name::Name;
use super::node::{ANY, ARRAY, FALSE, NodeId, OBJECT, Program, TRUE, hash};
use super::scalar::{Scalar, Verdict};

/// No frame: the parent of the root.
pub(super) const NONE: usize = usize::MAX;

/// A schema at work on a container.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) node: NodeId,
    /// True when the instance is invalid if this fails: violations are told.
    pub(super) mandatory: bool,
    pub(super) failed: bool,
    /// Names of the table that occurred, a bit for each; of the first 64.
    pub(super) seen: u64,
    /// Where the bits of further names are in [`Run::words`].
    pub(super) words: usize,
    /// Where the frames of its combinations are in [`Run::links`].
    pub(super) links: usize,
    /// Elements that `contains` describes.
    pub(super) contained: u64,
}

/// What a verdict about a member or an element is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Part,
    Contained,
    Unevaluated,
}

/// A schema that a frame asks for about the next value.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) parent: usize,
    pub(super) node: NodeId,
    pub(super) mandatory: bool,
    pub(super) role: Role,
}

/// An open container, and how high the stacks were when it was opened.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) container: Container,
    pub(super) start: usize,
    pub(super) frames: usize,
    requests: usize,
    links: usize,
    words: usize,
    pub(super) names: usize,
    pub(super) marks: usize,
    pub(super) missed: usize,
    pub(super) elements: usize,
    /// Members or elements so far.
    pub(super) count: u32,
    /// A bit for each hash of a name.
    pub(super) hashes: u64,
    /// True when names are compared at the end.
    pub(super) crowded: bool,
    keeps_elements: bool,
}

/// One instance on its way through a program.
pub(super) struct Run<'p, 't> {
    pub(super) program: &'p Program,
    pub(super) root: NodeId,
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) levels: Vec<Level>,
    pub(super) frames: Vec<Frame>,
    pub(super) links: Vec<usize>,
    requests: Vec<(Wanted, usize)>,
    pub(super) names: Vec<Name>,
    /// Where the names begin of the container that is being closed.
    pub(super) closing: Option<usize>,
    pub(super) words: Vec<u64>,
    /// A frame and a member or element that it has a schema for.
    pub(super) marks: Vec<(usize, u32)>,
    /// A frame and a member or element that is not what `unevaluated…` asks for.
    pub(super) missed: Vec<(usize, u32)>,
    /// Where the elements begin of arrays whose elements must differ.
    pub(super) elements: Vec<usize>,
    wanted: Vec<Wanted>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) steps: usize,
    pub(super) prefix: String,
    pub(super) departures: Vec<Departure>,
    pub(super) duplicate: Option<String>,
    pub(super) overflow: Option<String>,
    pub(super) valid: bool,
    /// True while an array that is being opened has elements that must differ.
    pub(super) keeps_elements: bool,
}

impl<'p, 't> Run<'p, 't> {
    /// The stacks that every instance uses begin with room for an ordinary one.
    pub(super) fn new(program: &'p Program, text: &'t str, steps: usize) -> Self {
        Self {
            program,
            root: program.root,
            text,
            at: 0,
            levels: Vec::with_capacity(8),
            frames: Vec::with_capacity(8),
            links: Vec::new(),
            requests: Vec::with_capacity(8),
            names: Vec::with_capacity(32),
            closing: None,
            words: Vec::new(),
            marks: Vec::new(),
            missed: Vec::new(),
            elements: Vec::new(),
            wanted: Vec::with_capacity(4),
            verdicts: Vec::new(),
            steps,
            prefix: String::new(),
            departures: Vec::new(),
            duplicate: None,
            overflow: None,
            valid: true,
            keeps_elements: false,
        }
    }

    /// Takes steps; false when there are none left, and the instance is refused.
    #[inline]
    pub(super) fn spend(&mut self, steps: usize) -> bool {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                true
            }
            None => {
                self.exhaust();
                false
            }
        }
    }

    #[cold]
    fn exhaust(&mut self) {
        self.valid = false;
        if self.departures.iter().all(|it| &*it.keyword != "schema") {
            self.departures.truncate(limits::VIOLATIONS_MAX - 1);
            self.departures.push(Departure {
                pointer: String::new(),
                keyword: "schema".into(),
                detail: "too costly to be checked".into(),
            });
        }
    }

    fn want(&mut self, parent: usize, node: NodeId, role: Role) {
        if node != TRUE || role != Role::Part {
            let mandatory = role == Role::Part && self.frames[parent].mandatory;
            self.wanted.push(Wanted { parent, node, mandatory, role });
        }
    }

    /// Notes what a verdict means for the frame that asked for it.
    #[inline]
    fn deliver(&mut self, wanted: Wanted, good: bool) {
        if wanted.parent == NONE {
            self.valid &= good;
            return;
        }
        let index = self.levels.last().map_or(0, |level| level.count.wrapping_sub(1));
        let frame = &mut self.frames[wanted.parent];
        match (wanted.role, good) {
            (Role::Part, false) => frame.failed = true,
            (Role::Contained, true) => {
                frame.contained += 1;
                if self.program.nodes[frame.node as usize].annotates {
                    self.marks.push((wanted.parent, index));
                }
            }
            (Role::Unevaluated, false) => self.missed.push((wanted.parent, index)),
            _ => {}
        }
    }

    /// Finds what is asked for about the next value.
    #[inline]
    fn expect_value(&mut self) {
        let Some(level) = self.levels.last_mut() else {
            let node = self.root;
            self.wanted.clear();
            let root = Wanted { parent: NONE, node, mandatory: true, role: Role::Part };
            return self.wanted.push(root);
        };
        if level.container == Container::Array {
            let (index, first) = (level.count, level.frames);
            level.count += 1;
            if level.keeps_elements {
                self.elements.push(self.at);
            }
            self.wanted.clear();
            for frame in first..self.frames.len() {
                self.element(frame, index);
            }
        }
    }

    fn element(&mut self, index: usize, position: u32) {
        let frame = self.frames[index];
        let node = &self.program.nodes[frame.node as usize];
        let Some(array) = &node.array else { return };
        if frame.failed && !frame.mandatory || !self.spend(1) {
            return;
        }
        let schema = array.prefix.get(position as usize).copied().or(array.rest);
        if let Some(schema) = schema {
            self.want(index, schema, Role::Part);
            if node.annotates {
                self.marks.push((index, position));
            }
        }
        if let Some(contains) = &array.contains {
            self.want(index, contains.node, Role::Contained);
        }
        match array.unevaluated {
            Some(FALSE) if schema.is_none() => self.missed.push((index, position)),
            Some(unevaluated) if schema.is_none() => {
                self.want(index, unevaluated, Role::Unevaluated);
            }
            _ => {}
        }
    }

    fn member(&mut self, index: usize, name: &str, hash: u32, text: Text<'_>, position: u32) {
        let frame = self.frames[index];
        let node = &self.program.nodes[frame.node as usize];
        let Some(object) = &node.object else { return };
        if frame.failed && !frame.mandatory || !self.spend(1) {
            return;
        }
        let mut evaluated = false;
        if let Some(entry) = object.table.find(hash, name) {
            match entry {
                0..64 => self.frames[index].seen |= 1 << entry,
                _ => self.words[frame.words + entry / 64 - 1] |= 1 << (entry % 64),
            }
            if let Some(child) = object.table.entries[entry].child {
                evaluated = true;
                self.want(index, child, Role::Part);
            }
        }
        for (pattern, child) in &object.patterns {
            if self.matches(index, pattern, name) {
                evaluated = true;
                self.want(index, *child, Role::Part);
            }
        }
        if !evaluated && let Some(child) = object.additional {
            evaluated = true;
            if child == FALSE {
                self.fail(index, "additionalProperties", || UNDECLARED.to_owned());
            } else {
                self.want(index, child, Role::Part);
            }
        }
        if let Some(names) = object.names {
            self.verdicts.clear();
            if !self.judge(names, false, &Scalar::Text(text)) {
                self.fail(index, "propertyNames", || "a name that is not allowed".to_owned());
            }
            self.verdicts.clear();
        }
        match object.unevaluated {
            _ if evaluated && node.annotates => self.marks.push((index, position)),
            _ if evaluated => {}
            Some(FALSE) => self.missed.push((index, position)),
            Some(unevaluated) => self.want(index, unevaluated, Role::Unevaluated),
            None => {}
        }
    }

    fn scalar(&mut self, value: &Scalar<'_>) {
        self.expect_value();
        for index in 0..self.wanted.len() {
            let wanted = self.wanted[index];
            let good = self.judge(wanted.node, wanted.mandatory, value);
            self.deliver(wanted, good);
        }
        self.verdicts.clear();
    }

    /// The frame of a schema about the container that is being opened; `first` is where the
    /// frames of this container begin. Combinations come before what they are part of, so that
    /// they are decided first. Recursion ends at the depth that compiling allows.
    fn activate(&mut self, id: NodeId, mandatory: bool, first: usize, several: bool) -> usize {
        let node = &self.program.nodes[id as usize];
        if several || node.is_shared {
            let same = |it: &Frame| it.node == id && (it.mandatory || !mandatory);
            let frames = &self.frames[first..];
            let (position, looked) = (frames.iter().position(same), frames.len());
            self.spend(looked / 8);
            if let Some(position) = position {
                return first + position;
            }
        }
        let alive = self.spend(1) && self.is_possible(id, mandatory);
        let links = self.links.len();
        if alive || mandatory && self.steps > 0 {
            let children: usize = node.combinations.iter().map(|it| it.nodes.len()).sum();
            self.links.resize(links + children, NONE);
            let mut slot = links;
            for combination in &node.combinations {
                let binding = mandatory && combination.kind == super::node::Kind::All;
                for child in &combination.nodes {
                    let frame = self.activate(*child, binding, first, several);
                    self.links[slot] = frame;
                    slot += 1;
                }
            }
        }
        let words = self.words.len();
        let names = node.object.as_ref().map_or(0, |it| it.table.entries.len());
        self.words.resize(words + names.saturating_sub(1) / 64, 0);
        self.keeps_elements |= node.array.as_ref().is_some_and(|it| it.unique);
        let failed = !alive;
        let frame = Frame { node: id, mandatory, failed, seen: 0, words, links, contained: 0 };
        self.frames.push(frame);
        self.frames.len() - 1
    }

    /// What can be said about a container when it begins.
    fn is_possible(&mut self, id: NodeId, mandatory: bool) -> bool {
        let node = &self.program.nodes[id as usize];
        if node.types == ANY && node.nothing.is_none() && node.values.is_empty() {
            return true;
        }
        let bytes = self.text.as_bytes();
        let kind = if bytes.get(self.at) == Some(&b'{') { OBJECT } else { ARRAY };
        self.check_type(id, mandatory, node.types & kind != 0)
            && node.values.iter().all(|values| {
                let possible = !values.containers.is_empty();
                self.check_values(values, mandatory, possible)
            })
    }
}

/// The detail of everything that no schema describes.
pub(super) const UNDECLARED: &str = "this property is not declared";

impl Sink for Run<'_, '_> {
    #[inline]
    fn at(&mut self, offset: usize) {
        self.at = offset;
    }

    fn open(&mut self, container: Container) {
        self.expect_value();
        self.keeps_elements = false;
        let mut level = Level {
            container,
            start: self.at,
            frames: self.frames.len(),
            requests: self.requests.len(),
            links: self.links.len(),
            words: self.words.len(),
            names: self.names.len(),
            marks: self.marks.len(),
            missed: self.missed.len(),
            elements: self.elements.len(),
            count: 0,
            hashes: 0,
            crowded: false,
            keeps_elements: false,
        };
        let several = self.wanted.len() > 1;
        for index in 0..self.wanted.len() {
            let wanted = self.wanted[index];
            let frame = self.activate(wanted.node, wanted.mandatory, level.frames, several);
            self.requests.push((wanted, frame));
        }
        level.keeps_elements = self.keeps_elements;
        self.levels.push(level);
    }

    fn close(&mut self, _: Container) {
        let Some(level) = self.levels.pop() else { return };
        self.closing = Some(level.names);
        if level.crowded {
            // whether names are the same is known before anything else is told
            self.check_crowd(&level);
        }
        for frame in level.frames..self.frames.len() {
            self.finish(frame, &level);
        }
        self.closing = None;
        self.marks.truncate(level.marks);
        self.missed.truncate(level.missed);
        for index in level.requests..self.requests.len() {
            let (wanted, frame) = self.requests[index];
            let good = !self.frames[frame].failed;
            self.deliver(wanted, good);
        }
        self.frames.truncate(level.frames);
        self.requests.truncate(level.requests);
        self.links.truncate(level.links);
        self.words.truncate(level.words);
        self.names.truncate(level.names);
        self.elements.truncate(level.elements);
    }

    fn name(&mut self, text: Text<'_>) {
        let decoded = text.decode();
        let hash = hash(decoded.as_bytes());
        let name = Name::new(hash, self.at + 1, text.raw().len());
        self.wanted.clear();
        let Some((position, first)) = self.add_name(name) else { return };
        for frame in first..self.frames.len() {
            self.member(frame, &decoded, hash, text, position);
        }
    }

    fn string(&mut self, text: Text<'_>) {
        self.scalar(&Scalar::Text(text));
    }

    fn number(&mut self, digits: &str) {
        let far = digits.len() > 300 || digits.bytes().any(|byte| byte | 0x20 == b'e');
        if far && digits.parse().is_ok_and(f64::is_infinite) && self.overflow.is_none() {
            self.expect_value();
            self.overflow = Some(self.pointer());
            return;
        }
        self.scalar(&Scalar::Number(digits));
    }

    fn literal(&mut self, literal: Literal) {
        self.scalar(&Scalar::Literal(literal));
    }
}
