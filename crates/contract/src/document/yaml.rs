//! YAML 1.2 documents with the place of every value: the core schema only, so `no` and `on` are
//! text; aliases are expanded within a budget; names may not occur twice.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Number;

use super::tree::{Content, Context, DEPTH_MAX, Map, Member, NODES_MAX, Node};
use crate::error::{Place, Unreadable};

/// Reads the one document of a YAML text.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| {
            let place = place_of(error.marker().line(), error.marker().col());
            wrong(place, &error.info(), "YAML 1.2", "correct the YAML there")
        })?;
        builder.take(event, &span)?;
    }
    let nothing = Node { place: Place { line: 1, column: 1 }, content: Content::Null };
    Ok(builder.root.unwrap_or(nothing))
}

/// A list or mapping that is still open.
struct Frame {
    place: Place,
    anchor: usize,
    context: Context,
    content: Open,
}

enum Open {
    List(Vec<Node>),
    Map(Vec<Member>, Option<(Box<str>, Place)>),
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    stack: Vec<Frame>,
    /// What anchors stand for, with the number of its nodes.
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Unreadable> {
        let place = place_of(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if self.awaits_name() {
                    return self.name(&text, place);
                }
                let content = scalar(&text, style, tag.as_deref());
                self.complete(Node { place, content }, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(place, anchor, Open::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(place, anchor, Open::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, place),
            Event::DocumentStart(..) if self.root.is_some() => Err(wrong(
                place,
                "a second YAML document",
                "one document in a file",
                "put each document into a file of its own",
            )),
            _ => Ok(()),
        }
    }

    fn awaits_name(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Open::Map(_, None), .. }))
    }

    fn name(&mut self, text: &str, place: Place) -> Result<(), Unreadable> {
        self.count(1, place)?;
        if let Some(Frame { content: Open::Map(_, pending), .. }) = self.stack.last_mut() {
            *pending = Some((text.into(), place));
        }
        Ok(())
    }

    fn open(&mut self, place: Place, anchor: usize, content: Open) -> Result<(), Unreadable> {
        if self.awaits_name() {
            return Err(wrong(
                place,
                "a list or mapping as the name of a member",
                "a plain or quoted name",
                "write the name as text; a value that begins with `{` needs quotes",
            ));
        }
        if self.stack.len() == DEPTH_MAX {
            return Err(wrong(place, "values nested more than 128 deep", "a contract", FLATTEN));
        }
        let context = match self.stack.last() {
            None => Context::Keywords,
            Some(Frame { content: Open::Map(_, Some((name, _))), context, .. }) => {
                context.inside(name)
            }
            Some(frame) => frame.context.element(),
        };
        self.stack.push(Frame { place, anchor, context, content });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Unreadable> {
        let Some(Frame { place, anchor, content, .. }) = self.stack.pop() else { return Ok(()) };
        let content = match content {
            Open::List(list) => Content::List(list.into()),
            Open::Map(members, _) => Content::Map(Map::new(merged(members))?),
        };
        self.complete(Node { place, content }, anchor)
    }

    fn alias(&mut self, anchor: usize, place: Place) -> Result<(), Unreadable> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(wrong(place, "an alias inside its own anchor", "a finite value", FLATTEN));
        };
        let (mut node, size) = (node.clone(), *size);
        node.place = place;
        self.count(size, place)?;
        match (self.awaits_name(), node.as_text()) {
            (true, Some(text)) => {
                let text = text.to_owned();
                self.name(&text, place)
            }
            (true, None) => Err(wrong(place, "an alias as a name", "text", FLATTEN)),
            (false, _) => self.complete(node, 0),
        }
    }

    /// Puts a finished node where it belongs.
    fn complete(&mut self, mut node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.count(1, node.place)?;
        if anchor != 0 {
            let size = size(&node);
            self.count(size, node.place)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame { content: Open::List(list), .. }) => list.push(node),
            Some(Frame { content: Open::Map(members, pending), context, .. }) => {
                if let Some((name, place)) = pending.take() {
                    if context.forgets(&name, &node.content) {
                        node.content = Content::Null;
                    }
                    members.push(Member { name, place, node });
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, nodes: usize, place: Place) -> Result<(), Unreadable> {
        self.nodes += nodes;
        if self.nodes <= NODES_MAX {
            return Ok(());
        }
        Err(wrong(place, "more values than a contract can have", "at most 4,000,000", FLATTEN))
    }
}

const FLATTEN: &str = "write the value out without anchors and aliases";

fn wrong(place: Place, found: &str, expected: &str, remedy: &str) -> Unreadable {
    Unreadable {
        place,
        found: found.to_owned(),
        expected: expected.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// The parser counts columns from 0.
fn place_of(line: usize, column: usize) -> Place {
    let fit = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: fit(line.max(1)), column: fit(column + 1) }
}

/// Recursion ends at [`DEPTH_MAX`] times the aliases inside aliases, which share that depth.
fn size(node: &Node) -> usize {
    let below: usize = match &node.content {
        Content::List(list) => list.iter().map(size).sum(),
        Content::Map(map) => map.iter().map(|member| size(&member.node)).sum(),
        _ => 0,
    };
    below + 1
}

/// Resolves `<<`, the merge key of YAML 1.1 that real contracts use: what is written out wins.
fn merged(members: Vec<Member>) -> Vec<Member> {
    if !members.iter().any(|member| &*member.name == "<<") {
        return members;
    }
    let mut own = Vec::new();
    let mut merged = Vec::new();
    for member in members {
        match member.node.content {
            Content::Map(map) if &*member.name == "<<" => merged.extend(map.into_members()),
            Content::List(list) if &*member.name == "<<" => {
                for node in list.into_vec() {
                    if let Content::Map(map) = node.content {
                        merged.extend(map.into_members());
                    }
                }
            }
            content => own.push(Member { node: Node { content, ..member.node }, ..member }),
        }
    }
    for member in merged {
        if !own.iter().any(|known: &Member| known.name == member.name) {
            own.push(member);
        }
    }
    own
}

/// The value of a scalar under the core schema of YAML 1.2 (section 10.3.2).
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Content {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.core_suffix() == Some("str")) {
        return Content::Text(text.into());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Boolean(true),
        "false" | "False" | "FALSE" => Content::Boolean(false),
        _ => number(text).map_or_else(|| Content::Text(text.into()), Content::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !first.is_ascii_digit() && !b"+-.".contains(&first) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
    if !text.bytes().all(plain) || !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Number::from(number));
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(Number::from(number));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}
