//! Method and path → operation. The host plays no part; concrete segments are preferred to
//! templated ones; a match allocates nothing.

use std::str::Split;

use exchange::endpoint::Method;
use exchange::observation::OperationIndex;
use wire::CanonicalPath;

/// What a request was matched to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Routed {
    /// This operation.
    Operation(OperationIndex),
    /// The path is declared, but not with this method.
    MethodNotDeclared {
        /// The methods that are.
        allow: Vec<Method>,
    },
    /// The path is not declared.
    NotDeclared,
}

/// One segment of a template: literal text around the parameters, of which there may be several.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    /// One more than there are parameters.
    literals: Box<[Box<str>]>,
    /// The parameters' names.
    pub(crate) names: Box<[Box<str>]>,
}

impl Segment {
    /// Reads `{a}.{b}`; literal text becomes canonical, as the paths are that it will meet.
    pub(crate) fn parse(text: &str) -> Self {
        let mut literals = Vec::new();
        let mut names = Vec::new();
        let mut rest = text;
        while let Some((literal, behind)) = rest.split_once('{') {
            let Some((name, behind)) = behind.split_once('}') else { break };
            literals.push(canonical(literal));
            names.push(name.into());
            rest = behind;
        }
        literals.push(canonical(rest));
        Self { literals: literals.into(), names: names.into() }
    }

    /// The text of a segment without parameters.
    fn as_literal(&self) -> Option<&str> {
        match &*self.literals {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The text with `{}` for every parameter.
    pub(crate) fn shape(&self) -> String {
        self.literals.join("{}")
    }

    /// Bytes of literal text: the more, the more specific.
    fn weight(&self) -> usize {
        self.literals.iter().map(|literal| literal.len()).sum()
    }

    /// Hands over the text of every parameter, if `text` fits. A parameter takes at least one
    /// character and ends where the next literal begins for the first time.
    pub(crate) fn captures<'t>(
        &self,
        text: &'t str,
        mut capture: impl FnMut(&str, &'t str),
    ) -> bool {
        let [first, between @ .., last] = &*self.literals else {
            return self.as_literal() == Some(text);
        };
        if let ([], "", "", [name]) = (between, &**first, &**last, &*self.names) {
            capture(name, text);
            return !text.is_empty();
        }
        let inner = text.strip_prefix(&**first).and_then(|text| text.strip_suffix(&**last));
        let Some(mut rest) = inner else { return false };
        let mut names = self.names.iter();
        for (literal, name) in between.iter().zip(&mut names) {
            let found = rest.char_indices().skip(1).find(|(at, _)| {
                rest.get(*at..).is_some_and(|behind| behind.starts_with(&**literal))
            });
            let Some((value, behind)) = found.and_then(|(at, _)| rest.split_at_checked(at)) else {
                return false;
            };
            capture(name, value);
            rest = behind.get(literal.len()..).unwrap_or_default();
        }
        if rest.is_empty() {
            return false;
        }
        names.for_each(|name| capture(name, rest));
        true
    }
}

/// Literal text in the form of canonical paths. It is part of a segment, so the dot in `{a}.{b}`
/// must not be taken for a dot segment: a letter stands before it.
fn canonical(literal: &str) -> Box<str> {
    let (path, _) = CanonicalPath::read(format!("/a{literal}").as_bytes());
    path.as_str().strip_prefix("/a").unwrap_or_default().into()
}

/// How a path ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// Without a slash.
    Plain,
    /// With a slash.
    Slash,
    /// Either: the template is `/` under a base path.
    Either,
}

impl Ending {
    fn admits(self, slash: bool) -> bool {
        self == Self::Either || slash == (self == Self::Slash)
    }
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by text. The key, its first bytes, lets the search stay within the list.
    literals: Vec<(u64, Box<str>, u32)>,
    /// The most specific first.
    templated: Vec<(Segment, u32)>,
    operations: Vec<(Ending, Method, OperationIndex)>,
}

impl Node {
    /// The child behind this literal, or the place where it belongs.
    fn literal(&self, text: &str) -> Result<u32, usize> {
        let wanted = key(text);
        self.literals
            .binary_search_by(|(key, known, _)| key.cmp(&wanted).then_with(|| (**known).cmp(text)))
            .map(|found| self.literals[found].2)
    }
}

/// The first eight bytes, in the order in which text is compared.
fn key(text: &str) -> u64 {
    let mut first = [0; 8];
    for (place, byte) in first.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    u64::from_be_bytes(first)
}

/// All operations of a contract as a tree of segments.
#[derive(Debug)]
pub(crate) struct Router {
    nodes: Vec<Node>,
}

impl Default for Router {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Router {
    /// Adds a way to an operation. The one that was there before stays, and is returned.
    pub(crate) fn insert(
        &mut self,
        template: &[Segment],
        ending: Ending,
        method: Method,
        operation: OperationIndex,
    ) -> Option<OperationIndex> {
        let mut at = 0;
        for segment in template {
            at = self.child(at, segment);
        }
        let operations = &mut self.nodes[at as usize].operations;
        let same = operations.iter().find(|known| (known.0, known.1) == (ending, method));
        if let Some(known) = same {
            return Some(known.2);
        }
        operations.push((ending, method, operation));
        None
    }

    fn child(&mut self, at: u32, segment: &Segment) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let node = &mut self.nodes[at as usize];
        if let Some(text) = segment.as_literal() {
            match node.literal(text) {
                Ok(child) => return child,
                Err(place) => node.literals.insert(place, (key(text), text.into(), next)),
            }
        } else {
            let same = |(known, _): &&(Segment, u32)| known.literals == segment.literals;
            if let Some((_, child)) = node.templated.iter().find(same) {
                return *child;
            }
            let weight = segment.weight();
            let place = node.templated.partition_point(|(known, _)| known.weight() >= weight);
            node.templated.insert(place, (segment.clone(), next));
        }
        self.nodes.push(Node::default());
        next
    }

    /// The operation for this method and path. HEAD is answered by GET where it is not declared.
    pub(crate) fn route(&self, method: Method, path: &CanonicalPath) -> Routed {
        let slash = path.ends_with_slash();
        let mut segments = path.as_str().split('/');
        segments.next();
        let mut allow = Vec::new();
        let mut visit = |node: &Node| {
            let ways = node.operations.iter().filter(|way| way.0.admits(slash));
            let of = |wanted: Method| ways.clone().find(|way| way.1 == wanted).map(|way| way.2);
            of(method).or_else(|| if method == Method::Head { of(Method::Get) } else { None })
        };
        if let Some(found) = self.walk(0, segments.clone(), &mut visit) {
            return Routed::Operation(found);
        }
        let mut collect = |node: &Node| {
            let ways = node.operations.iter().filter(|way| way.0.admits(slash));
            allow.extend(ways.map(|way| way.1));
            None
        };
        self.walk(0, segments, &mut collect);
        if allow.is_empty() {
            return Routed::NotDeclared;
        }
        if allow.contains(&Method::Get) {
            allow.push(Method::Head);
        }
        allow.sort_unstable();
        allow.dedup();
        Routed::MethodNotDeclared { allow }
    }

    /// Whether some operation's path is this one but for the case of its letters. Looks at every
    /// node once at the most.
    pub(crate) fn has_in_other_case(&self, path: &CanonicalPath) -> bool {
        let (path, slash) = (path.as_str(), path.ends_with_slash());
        let mut at = vec![0_u32];
        for text in path.split('/').skip(1).filter(|text| !text.is_empty()) {
            let mut next = Vec::new();
            for node in at.iter().filter_map(|at| self.nodes.get(*at as usize)) {
                let same = |known: &str| known.eq_ignore_ascii_case(text);
                next.extend(node.literals.iter().filter(|one| same(&one.1)).map(|one| one.2));
                let fits = |one: &&(Segment, u32)| one.0.captures(text, |_, _| ());
                next.extend(node.templated.iter().filter(fits).map(|one| one.1));
            }
            at = next;
        }
        let declared = |node: &Node| node.operations.iter().any(|way| way.0.admits(slash));
        at.iter().filter_map(|at| self.nodes.get(*at as usize)).any(declared)
    }

    /// Visits the nodes that the path leads to, the most specific first, until one answers. Ends
    /// at the depth of the tree, and visits no node twice.
    fn walk(
        &self,
        at: u32,
        mut segments: Split<'_, char>,
        visit: &mut impl FnMut(&Node) -> Option<OperationIndex>,
    ) -> Option<OperationIndex> {
        let node = &self.nodes[at as usize];
        let Some(text) = segments.next().filter(|text| !text.is_empty()) else {
            return visit(node);
        };
        if let Ok(child) = node.literal(text) {
            let answer = self.walk(child, segments.clone(), visit);
            if answer.is_some() {
                return answer;
            }
        }
        for (segment, child) in &node.templated {
            if segment.captures(text, |_, _| ()) {
                let answer = self.walk(*child, segments.clone(), visit);
                if answer.is_some() {
                    return answer;
                }
            }
        }
        None
    }
}
