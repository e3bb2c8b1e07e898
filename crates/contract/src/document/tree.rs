//! A document as a tree in which every node knows its line and column. JSON and YAML texts both
//! become this; nothing of it outlives loading.

use serde_json::{Number, Value};

use crate::error::{Place, Unreadable};

/// Nodes of one document, aliases expanded. The largest public contracts have about 600,000.
pub(crate) const NODES_MAX: usize = 4_000_000;

/// Nesting of one document; contracts with inlined schemas reach about 40.
pub(crate) const DEPTH_MAX: usize = 128;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Null,
    Boolean(bool),
    Number(Number),
    Text(Box<str>),
    List(Box<[Node]>),
    Map(Map),
}

/// One member of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) name: Box<str>,
    pub(crate) place: Place,
    pub(crate) node: Node,
}

/// Members up to which a mapping is searched from its start.
const UNINDEXED_MAX: usize = 8;

/// A mapping in the order of the text, with an index by name if it is large.
#[derive(Clone, Debug, Default)]
pub(crate) struct Map {
    members: Box<[Member]>,
    by_name: Box<[u32]>,
}

impl Map {
    /// A mapping of these members, of which no two may have one name.
    pub(crate) fn new(members: Vec<Member>) -> Result<Self, Unreadable> {
        let mut by_name: Box<[u32]> = (0_u32..).take(members.len()).collect();
        let member = |index: u32| &members[index as usize];
        by_name.sort_unstable_by(|left, right| {
            member(*left).name.cmp(&member(*right).name).then(left.cmp(right))
        });
        let twice = by_name.windows(2).filter(|pair| member(pair[0]).name == member(pair[1]).name);
        match twice.map(|pair| (pair[1], pair[0])).min() {
            Some((second, first)) => Err(Unreadable {
                place: member(second).place,
                found: format!("the name `{}` a second time", member(second).name),
                expected: format!("it only once, as in line {}", member(first).place.line),
                remedy: "remove or rename one of the two".to_owned(),
            }),
            None => {
                if members.len() <= UNINDEXED_MAX {
                    by_name = Box::default();
                }
                Ok(Self { members: members.into(), by_name })
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        if self.by_name.is_empty() {
            return self.members.iter().find(|it| *it.name == *name).map(|it| &it.node);
        }
        let member = |index: &u32| &self.members[*index as usize];
        let found = self.by_name.binary_search_by(|index| (*member(index).name).cmp(name)).ok()?;
        Some(&member(&self.by_name[found]).node)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.members.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn into_members(self) -> Vec<Member> {
        self.members.into_vec()
    }
}

/// Where in a document a mapping stands, as far as it decides what need not be kept.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Context {
    /// Its members are keywords.
    #[default]
    Keywords,
    /// Its members are named by whoever wrote the contract.
    Names,
    /// It is a value that a schema compares with.
    Literal,
}

impl Context {
    /// The context of the member of this name.
    pub(crate) fn inside(self, name: &str) -> Self {
        match (self, name) {
            (Self::Literal, _) | (Self::Keywords, "const" | "default" | "enum") => Self::Literal,
            (Self::Names, _) => Self::Keywords,
            (
                Self::Keywords,
                "$defs" | "callbacks" | "content" | "definitions" | "dependentSchemas" | "headers"
                | "links" | "parameters" | "pathItems" | "paths" | "patternProperties"
                | "properties" | "requestBodies" | "responses" | "schemas" | "securitySchemes"
                | "variables",
            ) => Self::Names,
            (Self::Keywords, _) => Self::Keywords,
        }
    }

    /// The context of the elements of a list that stands here.
    pub(crate) fn element(self) -> Self {
        if self == Self::Literal { Self::Literal } else { Self::Keywords }
    }

    /// True for prose and examples, which are half of a large contract and nothing of it.
    pub(crate) fn forgets(self, name: &str, content: &Content) -> bool {
        self == Self::Keywords
            && match name {
                "description" => matches!(content, Content::Text(_)),
                "example" | "examples" => true,
                _ => false,
            }
    }
}

impl Node {
    /// The member of this name, if this is a mapping that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.as_map()?.get(name)
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        match &self.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match &self.content {
            Content::List(list) => Some(list),
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &self.content {
            Content::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Text of the member of this name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// True when the member of this name is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).and_then(Self::as_bool) == Some(true)
    }

    /// What this is, as it reads in an error.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Boolean(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(_) => "text",
            Content::List(_) => "a list",
            Content::Map(_) => "a mapping",
        }
    }

    /// The same as a JSON value. Recursion ends at [`DEPTH_MAX`].
    pub(crate) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Boolean(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.to_string()),
            Content::List(list) => Value::Array(list.iter().map(Self::to_value).collect()),
            Content::Map(map) => Value::Object(
                map.iter()
                    .map(|member| (member.name.to_string(), member.node.to_value()))
                    .collect(),
            ),
        }
    }
}
