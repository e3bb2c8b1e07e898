//! OpenAPI 3.0 and 3.1: roots, path items and operations.

use std::collections::BTreeMap;
use std::sync::Arc;

use exchange::endpoint::{Method, PathTemplate};

use super::refs::{At, Library};
use super::server;
use crate::error::Report;
use crate::lower::{Dialect, Direction, Lowering};
use crate::operation::Operation;
use crate::parameter::{Parameter, ParameterPlace};
use crate::route::{Ending, Segment};
use crate::schema::{Definitions, SchemaId};
use crate::security::{Declared, SchemeKind, Security};

/// The members of a path item that are operations.
const METHODS: [(&str, Method); 8] = [
    ("get", Method::Get),
    ("put", Method::Put),
    ("post", Method::Post),
    ("delete", Method::Delete),
    ("options", Method::Options),
    ("head", Method::Head),
    ("patch", Method::Patch),
    ("trace", Method::Trace),
];

/// An operation, and the paths that lead to it.
pub(super) struct Draft {
    pub(super) operation: Operation,
    pub(super) ways: Vec<(Box<[Segment]>, Ending)>,
}

/// What one document says for all of its operations.
struct Root {
    security: Declared,
    bases: Vec<String>,
}

/// A path as it is declared.
#[derive(Clone, Copy)]
struct Path<'a> {
    text: &'a str,
    /// False when the text held more than a path, which was cut off.
    exact: bool,
}

/// Reads documents into operations.
pub(super) struct Reader<'a, 'r> {
    pub(super) library: &'a Library,
    pub(super) report: &'r mut Report,
    lowering: Lowering<'a>,
    dialect: Dialect,
    drafts: Vec<Draft>,
    /// Which draft has a method and a path, the names of parameters left out.
    known: BTreeMap<(Method, String), usize>,
}

impl<'a, 'r> Reader<'a, 'r> {
    pub(super) fn new(library: &'a Library, report: &'r mut Report) -> Self {
        Self {
            library,
            report,
            lowering: Lowering::new(library),
            dialect: Dialect::V31,
            drafts: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    pub(super) fn finish(self) -> (Vec<Draft>, Lowering<'a>) {
        (self.drafts, self.lowering)
    }

    /// Reads a root.
    pub(super) fn document(&mut self, root: At<'a>) {
        let Some(dialect) = self.version(root) else { return };
        self.dialect = dialect;
        self.check_dialect(root);
        let bases = server::bases(root, self.report).unwrap_or_else(|| vec![String::new()]);
        let security = Declared::read(self.library, root, self.report);
        let context = Root { security, bases };
        let Some(paths) = root.get("paths") else {
            let others = ["components", "webhooks"];
            if dialect == Dialect::V30 || !others.iter().any(|name| root.get(name).is_some()) {
                self.report.error(root.defect(
                    "a contract without `paths`",
                    "`paths` with what is declared",
                    "add `paths`; `paths: {}` declares nothing",
                ));
            }
            return;
        };
        if paths.node.as_map().is_none() {
            self.report.error(paths.defect(
                format!("{} as `paths`", paths.node.kind()),
                "a mapping from paths to what is declared for them",
                "write each path on its own line below `paths:`, ending with a colon",
            ));
        }
        for (text, item) in paths.members() {
            if !text.starts_with("x-") {
                self.path(&context, text, item);
            }
        }
    }

    fn version(&mut self, root: At<'a>) -> Option<Dialect> {
        if let Some(swagger) = root.get("swagger") {
            self.report.error(swagger.defect(
                "a Swagger 2.0 document",
                "OpenAPI 3.0 or 3.1",
                "convert it to OpenAPI 3 with a converter of your choice",
            ));
            return None;
        }
        let Some(version) = root.get("openapi") else {
            self.report.error(root.defect(
                "a document without `openapi`",
                "`openapi: 3.1.0` (or 3.0.x) at the top level",
                "add the version, or leave the file out if it is not a contract",
            ));
            return None;
        };
        let text = match version.node.as_text() {
            Some(text) => text.to_owned(),
            None => version.node.to_value().to_string(),
        };
        let is = |minor: &str| {
            text == minor || text.strip_prefix(minor).is_some_and(|it| it.starts_with('.'))
        };
        if is("3.0") {
            return Some(Dialect::V30);
        }
        if is("3.2") {
            self.report.warn(
                "version",
                version.defect(
                    format!("OpenAPI {text}, which is read as 3.1"),
                    "OpenAPI 3.0 or 3.1",
                    "nothing to do; what 3.2 adds is not enforced",
                ),
            );
        } else if !is("3.1") {
            self.report.error(version.defect(
                format!("the version `{text}`"),
                "3.0.x or 3.1.x",
                "write the version that the document follows",
            ));
            return None;
        }
        Some(Dialect::V31)
    }

    fn check_dialect(&mut self, root: At<'a>) {
        let Some(at) = root.get("jsonSchemaDialect") else { return };
        let known = ["spec.openapis.org/oas/3.1/", "json-schema.org/draft/2020-12/"];
        let name = at.node.as_text().unwrap_or_default();
        if !known.iter().any(|known| name.contains(known)) {
            self.report.warn(
                "dialect",
                at.defect(
                    format!("the schema dialect `{name}`"),
                    "JSON Schema 2020-12",
                    "leave it out; schemas are read as 2020-12 all the same",
                ),
            );
        }
    }

    fn path(&mut self, root: &Root, text: &'a str, item: At<'a>) {
        if !text.starts_with('/') {
            self.report.warn(
                "path",
                item.defect(
                    format!("the path `{text}`"),
                    "a path that begins with a slash",
                    "add the slash; until then what is below it is not declared",
                ),
            );
            return;
        }
        let (path, behind) = text.split_at(text.find(['?', '#']).unwrap_or(text.len()));
        if !behind.is_empty() {
            self.report.warn(
                "path with a query",
                item.defect(
                    format!("`{behind}` in the path `{text}`"),
                    "a path without query and fragment",
                    "declare query parameters as parameters; what is behind the path is ignored",
                ),
            );
        }
        let Some(target) = self.follow(item) else { return };
        let path = Path { text: path, exact: behind.is_empty() };
        for (name, method) in METHODS {
            // beside a `$ref`, what is written out wins
            let here = item.get(name).map(|operation| (item, operation));
            let found = here.or_else(|| target.get(name).map(|operation| (target, operation)));
            if let Some((item, operation)) = found {
                self.operation(root, path, method, item, operation);
            }
        }
    }

    fn operation(
        &mut self,
        root: &Root,
        path: Path<'a>,
        method: Method,
        item: At<'a>,
        operation: At<'a>,
    ) {
        // references to whole operations are not in the standard, but in real contracts
        let Some(operation) = self.follow(operation) else { return };
        if operation.node.as_map().is_none() {
            self.report.warn(
                "operation",
                operation.defect(
                    format!("{} as an operation", operation.node.kind()),
                    "a mapping",
                    "write what the operation does; until then it is not declared",
                ),
            );
            return;
        }
        let bases = server::bases(operation, self.report)
            .or_else(|| server::bases(item, self.report))
            .unwrap_or_else(|| root.bases.clone());
        let ways: Vec<_> = bases.iter().map(|base| way(base, path.text)).collect();
        let segments: Box<[Segment]> = segments(path.text).collect();
        let mut parameters = self.parameters(item, operation);
        self.check_path_parameters(operation, &segments, &mut parameters);
        let security = root.security.of(operation, self.report);
        let text = |name| operation.node.text(name).map(Into::into);
        let tags = operation.get("tags").into_iter().flat_map(At::elements);
        let base = bases.first().map_or("", |base| base);
        let built = Operation {
            method,
            template: PathTemplate::parse(&match path.text {
                "/" => base.to_owned(),
                text => format!("{base}{text}"),
            }),
            operation_id: text("operationId"),
            summary: text("summary"),
            tags: tags.filter_map(|tag| tag.node.as_text().map(Into::into)).collect(),
            deprecated: operation.node.flag("deprecated"),
            credentials: credentials(&security),
            security,
            file: Arc::clone(&operation.document.name),
            line: operation.node.place.line,
            segments,
            parameters: parameters.into(),
            distinct: true,
            body: self.request_body(operation),
            responses: self.responses(operation).into(),
            definitions: Arc::new(Definitions::default()),
        };
        self.add(path, operation, Draft { operation: built, ways });
    }

    /// Adds a draft, unless all its ways lead to an operation that is already there.
    fn add(&mut self, path: Path<'a>, at: At<'a>, mut draft: Draft) {
        let method = draft.operation.method;
        let mut taken = None;
        draft.ways.retain(|(segments, ending)| {
            let key = (method, shape_of(segments, *ending));
            let known = *self.known.entry(key).or_insert(self.drafts.len());
            if known != self.drafts.len() {
                taken = Some(known);
            }
            known == self.drafts.len()
        });
        let Some(first) = taken.and_then(|index| self.drafts.get_mut(index)) else {
            self.drafts.push(draft);
            return;
        };
        let place = format!("{}:{}", first.operation.file, first.operation.line);
        let first_template = first.operation.template.to_string();
        if !path.exact {
            first.operation.distinct = false;
        }
        let remedy = if path.exact {
            "remove one of the two; only the first is enforced"
        } else {
            "give each a path of its own; until then neither is checked"
        };
        self.report.warn(
            "same operation",
            at.defect(
                format!(
                    "{method} {}, which is also declared in {place} as {first_template}",
                    path.text
                ),
                "each method and path once",
                remedy,
            ),
        );
        if !draft.ways.is_empty() {
            self.drafts.push(draft);
        }
    }

    /// Names in braces and declared path parameters have to agree; what is not declared may be
    /// anything.
    fn check_path_parameters(
        &mut self,
        operation: At<'a>,
        segments: &[Segment],
        parameters: &mut Vec<Parameter>,
    ) {
        let in_path = |name: &str| {
            segments.iter().any(|segment| segment.names.iter().any(|known| **known == *name))
        };
        parameters.retain(|parameter| {
            let stray = parameter.place == ParameterPlace::Path && !in_path(&parameter.name);
            if stray {
                self.report.warn(
                    "stray path parameter",
                    operation.defect(
                        format!(
                            "the path parameter `{}`, which the path does not have",
                            parameter.name
                        ),
                        "its name in braces in the path",
                        "correct the name; until then the parameter is not checked",
                    ),
                );
            }
            !stray
        });
        for name in segments.iter().flat_map(|segment| segment.names.iter()) {
            let named = |it: &Parameter| it.place == ParameterPlace::Path && it.name == *name;
            if !parameters.iter().any(named) {
                self.report.warn(
                    "undeclared path parameter",
                    operation.defect(
                        format!("`{{{name}}}` in the path, which no parameter declares"),
                        "a parameter of this name with `in: path`",
                        "declare it; until then any value passes",
                    ),
                );
            }
        }
    }

    /// The node that a reference leads to.
    pub(super) fn follow(&mut self, at: At<'a>) -> Option<At<'a>> {
        match self.library.follow(at) {
            Ok(target) => Some(target),
            Err(lost) => {
                lost.report(self.report);
                None
            }
        }
    }

    pub(super) fn schema(&mut self, at: At<'a>, direction: Direction) -> SchemaId {
        self.lowering.schema(at, direction, self.dialect)
    }
}

fn credentials(security: &Security) -> Box<[Box<str>]> {
    let names = security.schemes().filter_map(|scheme| match &scheme.kind {
        SchemeKind::ApiKeyQuery(name) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

fn segments(path: &str) -> impl Iterator<Item = Segment> {
    path.split('/').filter(|text| !text.is_empty()).map(Segment::parse)
}

/// The whole template of a path under a base path.
fn way(base: &str, path: &str) -> (Box<[Segment]>, Ending) {
    let ending = match path {
        "/" => Ending::Either,
        _ if path.ends_with('/') => Ending::Slash,
        _ => Ending::Plain,
    };
    (segments(base).chain(segments(path)).collect(), ending)
}

/// A template without its parameters' names, to tell equal ones.
fn shape_of(segments: &[Segment], ending: Ending) -> String {
    let mut out = String::new();
    for segment in segments {
        out.push('/');
        out.push_str(&segment.shape());
    }
    if ending == Ending::Slash {
        out.push('/');
    }
    out
}
