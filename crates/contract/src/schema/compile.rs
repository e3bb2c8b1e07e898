//! From the text of schemas to nodes: references are followed, also dynamic ones. The dynamic
//! scope of a `$dynamicRef` is part of what a schema is compiled for, so that nothing of it is
//! left to be decided while an instance is read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Combination, FALSE, Kind, Node, NodeId, Program, TRUE};
use super::registry::{Draft, Place, Registry, ResourceId, address};

/// Nodes of one compiled schema: three times the largest public contract as a whole.
const NODES_MAX: usize = 1 << 18;

/// Schemas for one instance that may be inside one another; real contracts have about ten.
const IN_PLACE_DEPTH_MAX: usize = 128;

/// What dynamic references lead to, by their names.
type Scope<'a> = BTreeMap<&'a str, Place<'a>>;

pub(super) struct Compiler<'r, 'a> {
    registry: &'r Registry<'a>,
    pub(super) formats: bool,
    scopes: Vec<Scope<'a>>,
    known: BTreeMap<(usize, ResourceId, usize), NodeId>,
    work: Vec<(NodeId, Place<'a>, usize)>,
    nodes: Vec<Node>,
}

/// A schema that is being compiled.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) map: &'a Map<String, Value>,
    pub(super) resource: ResourceId,
    scope: usize,
    pub(super) draft: Draft,
    pub(super) validates: bool,
}

/// Compiles the root schema of this resource.
pub(super) fn compile(
    registry: &Registry<'_>,
    root: Place<'_>,
    formats: bool,
) -> Result<Program, String> {
    let nothing = Node { nothing: Some("falseSchema"), ..Node::default() };
    let mut compiler = Compiler {
        registry,
        formats,
        scopes: vec![Scope::new()],
        known: BTreeMap::new(),
        work: Vec::new(),
        nodes: vec![Node::default(), nothing],
    };
    let root = compiler.node(root, 0)?;
    while let Some((id, place, scope)) = compiler.work.pop() {
        let node = compiler.read(place, scope)?;
        compiler.nodes[id as usize] = node;
    }
    let mut program = Program { nodes: compiler.nodes, root };
    acyclic(&program)?;
    resolve_aliases(&mut program);
    mark(&mut program);
    Ok(program)
}

impl<'a> Compiler<'_, 'a> {
    /// The node of a schema, to be compiled later.
    fn node(&mut self, place: Place<'a>, scope: usize) -> Result<NodeId, String> {
        match place.schema {
            Value::Bool(false) => return Ok(FALSE),
            Value::Object(map) if !map.is_empty() => {}
            _ => return Ok(TRUE),
        }
        let scope = self.enter(place.resource, scope);
        let key = (address(place.schema), place.resource, scope);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        if self.nodes.len() == NODES_MAX {
            return Err(format!("it has more than {NODES_MAX} parts"));
        }
        let id = u32::try_from(self.nodes.len()).map_err(|error| error.to_string())?;
        self.nodes.push(Node::default());
        self.known.insert(key, id);
        self.work.push((id, place, scope));
        Ok(id)
    }

    /// The scope inside a resource: the outermost resource with an anchor decides.
    fn enter(&mut self, resource: ResourceId, scope: usize) -> usize {
        let own = &self.registry.resources[resource].dynamic;
        let outer = &self.scopes[scope];
        if !self.registry.is_dynamic || own.keys().all(|name| outer.contains_key(name)) {
            return scope;
        }
        let mut inner = outer.clone();
        for (name, place) in own {
            inner.entry(name).or_insert(*place);
        }
        let same = |known: &Scope<'_>| {
            known.len() == inner.len()
                && known.iter().zip(&inner).all(|(left, right)| {
                    left.0 == right.0 && address(left.1.schema) == address(right.1.schema)
                })
        };
        self.scopes.iter().position(same).unwrap_or_else(|| {
            self.scopes.push(inner);
            self.scopes.len() - 1
        })
    }

    fn read(&mut self, place: Place<'a>, scope: usize) -> Result<Node, String> {
        let resource = &self.registry.resources[place.resource];
        let Some(map) = place.schema.as_object() else { return Ok(Node::default()) };
        let source = Source {
            map,
            resource: place.resource,
            scope,
            draft: resource.draft,
            validates: resource.validates,
        };
        let mut node = Node::default();
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let target = self.reference(source, reference)?;
            node.combinations.push(all(vec![target]));
            if source.draft == Draft::Draft4 {
                return Ok(node);
            }
        }
        self.assertions(source, &mut node)?;
        self.combinations(source, &mut node)?;
        self.object(source, &mut node)?;
        self.array(source, &mut node)?;
        Ok(node)
    }

    fn reference(&mut self, source: Source<'a>, reference: &str) -> Result<NodeId, String> {
        let found = self.registry.resolve(source.resource, reference);
        let (place, _) = found.ok_or_else(|| format!("`{reference}` leads nowhere"))?;
        self.node(place, source.scope)
    }

    /// A `$dynamicRef` is a `$ref` unless what it leads to is a dynamic anchor.
    fn dynamic(&mut self, source: Source<'a>, reference: &str) -> Result<NodeId, String> {
        let found = self.registry.resolve(source.resource, reference);
        let (place, fragment) = found.ok_or_else(|| format!("`{reference}` leads nowhere"))?;
        let own = self.registry.resources[place.resource].dynamic.get(fragment);
        let outermost = self.scopes[source.scope].get(fragment);
        let target = match (own, outermost) {
            (Some(own), Some(outermost)) if address(own.schema) == address(place.schema) => {
                *outermost
            }
            _ => place,
        };
        self.node(target, source.scope)
    }

    /// The node of a schema inside this one.
    pub(super) fn inner(
        &mut self,
        source: Source<'a>,
        schema: &'a Value,
    ) -> Result<NodeId, String> {
        let resource = self.registry.home(schema, source.resource);
        self.node(Place { schema, resource }, source.scope)
    }

    pub(super) fn list(
        &mut self,
        source: Source<'a>,
        keyword: &str,
    ) -> Result<Option<Vec<NodeId>>, String> {
        let Some(list) = source.map.get(keyword).and_then(Value::as_array) else {
            return Ok(None);
        };
        list.iter().map(|schema| self.inner(source, schema)).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn one(
        &mut self,
        source: Source<'a>,
        keyword: &str,
    ) -> Result<Option<NodeId>, String> {
        source.map.get(keyword).map(|schema| self.inner(source, schema)).transpose()
    }

    fn combinations(&mut self, source: Source<'a>, node: &mut Node) -> Result<(), String> {
        let modern = source.draft != Draft::Draft4;
        if modern && let Some(name) = source.map.get("$dynamicRef").and_then(Value::as_str) {
            let target = self.dynamic(source, name)?;
            node.combinations.push(all(vec![target]));
        }
        let mut push = |kind, nodes| {
            node.combinations.push(Combination { kind, nodes, triggers: Vec::new() });
        };
        for (keyword, kind) in [("allOf", Kind::All), ("anyOf", Kind::Any), ("oneOf", Kind::One)] {
            if let Some(nodes) = self.list(source, keyword)? {
                push(kind, nodes);
            }
        }
        if let Some(negated) = self.one(source, "not")? {
            push(Kind::Not, vec![negated]);
        }
        if modern && let Some(test) = self.one(source, "if")? {
            let then = self.one(source, "then")?.unwrap_or(TRUE);
            let otherwise = self.one(source, "else")?.unwrap_or(TRUE);
            push(Kind::If, vec![test, then, otherwise]);
        }
        Ok(())
    }
}

fn all(nodes: Vec<NodeId>) -> Combination {
    Combination { kind: Kind::All, nodes, triggers: Vec::new() }
}

/// A schema that applies to an instance only if it applies to that instance cannot be decided.
fn acyclic(program: &Program) -> Result<(), String> {
    // how many schemas are inside each other; 0 is not visited, the largest is on the path
    const ON_PATH: usize = usize::MAX;
    let mut depths = vec![0_usize; program.nodes.len()];
    for start in 0..program.nodes.len() {
        let mut path = vec![start];
        while let Some(&at) = path.last() {
            let children = || program.nodes[at].combinations.iter().flat_map(|it| &it.nodes);
            let before = path.len();
            if depths[at] == 0 {
                depths[at] = ON_PATH;
                path.extend(children().map(|id| *id as usize).filter(|id| depths[*id] == 0));
                if children().any(|id| depths[*id as usize] == ON_PATH) {
                    return Err("it refers to itself without an end".to_owned());
                }
            }
            if path.len() == before {
                path.pop();
                if depths[at] == ON_PATH {
                    let inner = children().map(|id| depths[*id as usize]).max().unwrap_or(0);
                    depths[at] = inner + 1;
                }
                if depths[at] > IN_PLACE_DEPTH_MAX {
                    return Err(format!("more than {IN_PLACE_DEPTH_MAX} schemas in each other"));
                }
            }
        }
    }
    Ok(())
}

/// A schema that is only a reference is replaced by what it refers to.
fn resolve_aliases(program: &mut Program) {
    let aliases: Vec<_> = program.nodes.iter().map(Node::alias).collect();
    let mut follow = |id: &mut NodeId| {
        while let Some(target) = aliases[*id as usize] {
            *id = target;
        }
    };
    follow(&mut program.root);
    for node in &mut program.nodes {
        node.each_reference(&mut follow);
    }
}

/// Finds the nodes that several others share for one instance, and those below `unevaluated…`.
fn mark(program: &mut Program) {
    let mut uses = vec![0_u32; program.nodes.len()];
    let mut reached: Vec<usize> = Vec::new();
    for (index, node) in program.nodes.iter().enumerate() {
        for child in node.combinations.iter().flat_map(|it| &it.nodes) {
            uses[*child as usize] += 1;
        }
        let object = node.object.as_ref().is_some_and(|it| it.unevaluated.is_some());
        if object || node.array.as_ref().is_some_and(|it| it.unevaluated.is_some()) {
            reached.push(index);
        }
    }
    while let Some(index) = reached.pop() {
        if !program.nodes[index].annotates {
            program.nodes[index].annotates = true;
            let nodes = program.nodes[index].combinations.iter().flat_map(|it| &it.nodes);
            reached.extend(nodes.map(|id| *id as usize));
        }
    }
    for (node, uses) in program.nodes.iter_mut().zip(uses) {
        node.is_shared = uses > 1;
    }
}
