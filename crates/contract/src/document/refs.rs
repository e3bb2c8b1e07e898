//! `$ref`: within a file and to the other files that were handed in. Never the network, and never
//! a file that nobody handed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::SourceDocument;
use super::tree::{Content, Context, Node};
use crate::error::{DocumentError, Place, Report};

/// References that may follow one another before something that is not a reference.
const HOPS_MAX: usize = 32;

/// A document that has been read.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: Arc<str>,
    pub(crate) root: Node,
}

/// Why a reference leads nowhere.
#[derive(Debug)]
pub(crate) enum Lost {
    /// A defect of the contract, which holds without what it should have led to.
    Dangling(DocumentError),
    /// A document that was not handed in: the contract cannot be understood without it.
    Missing(DocumentError),
}

impl Lost {
    /// Adds this to what was found.
    pub(crate) fn report(self, report: &mut Report) {
        match self {
            Self::Dangling(error) => report.warn("dangling reference", error),
            Self::Missing(error) => report.error(error),
        }
    }
}

/// All documents of one contract.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) documents: Vec<Document>,
    /// Indexes into `documents`, by name without `.` and `..`.
    by_name: BTreeMap<String, usize>,
}

/// A node and the document it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) document: &'a Document,
    pub(crate) node: &'a Node,
}

impl<'a> At<'a> {
    /// Another node of the same document.
    pub(crate) fn with(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// The member of this name.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.node.get(name).map(|node| self.with(node))
    }

    /// The members of a mapping, with their names.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'a str, Self)> {
        let members = self.node.as_map().map_or(&[][..], |map| map.iter().as_slice());
        members.iter().map(move |member| (&*member.name, self.with(&member.node)))
    }

    /// The elements of a list.
    pub(crate) fn elements(self) -> impl Iterator<Item = Self> {
        self.node.as_list().unwrap_or_default().iter().map(move |node| self.with(node))
    }

    /// Tells this node from all others of the library.
    pub(crate) fn identity(self) -> usize {
        std::ptr::from_ref(self.node).addr()
    }

    /// A defect at this place.
    pub(crate) fn defect(
        self,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DocumentError {
        self.defect_at(self.node.place, found, expected, remedy)
    }

    /// A defect at another place of the same document.
    pub(crate) fn defect_at(
        self,
        place: Place,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> DocumentError {
        DocumentError {
            file: Arc::clone(&self.document.name),
            line: place.line,
            column: place.column,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }
}

impl Library {
    pub(crate) fn add(&mut self, document: Document) {
        self.by_name.insert(normal(&document.name), self.documents.len());
        self.documents.push(document);
    }

    /// Follows `$ref` until something else comes.
    pub(crate) fn follow<'a>(&'a self, start: At<'a>) -> Result<At<'a>, Lost> {
        let mut at = start;
        for _ in 0..HOPS_MAX {
            let Some(reference) = at.get("$ref") else { return Ok(at) };
            let Some(text) = reference.node.as_text() else { return Ok(at) };
            at = self.resolve(reference, text)?;
        }
        Err(Lost::Dangling(start.defect(
            "references that lead to one another without an end",
            "a reference that leads to a definition",
            "point the `$ref` at the definition itself; until then nothing there is enforced",
        )))
    }

    /// The node that `reference`, as it stands at `at`, points to.
    pub(crate) fn resolve<'a>(&'a self, at: At<'a>, reference: &str) -> Result<At<'a>, Lost> {
        let (file, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() { at.document } else { self.document(at, file)? };
        let missing = || {
            Lost::Dangling(at.defect(
                format!("a reference to `{reference}`, where nothing is"),
                "a JSON pointer to something that exists",
                "correct the pointer or add the definition; until then nothing there is enforced",
            ))
        };
        let mut node = &document.root;
        if fragment.is_empty() {
            return Ok(At { document, node });
        }
        let pointer = decoded(fragment);
        for name in pointer.strip_prefix('/').ok_or_else(missing)?.split('/') {
            let name = name.replace("~1", "/").replace("~0", "~");
            node = match &node.content {
                Content::Map(map) => map.get(&name),
                Content::List(list) => name.parse().ok().and_then(|index: usize| list.get(index)),
                _ => None,
            }
            .ok_or_else(missing)?;
        }
        Ok(At { document, node })
    }

    fn document<'a>(&'a self, at: At<'a>, file: &str) -> Result<&'a Document, Lost> {
        if is_remote(file) {
            return Err(Lost::Dangling(at.defect(
                format!("a reference to `{file}` on the network"),
                "a file beside this one",
                "put the file beside this one and refer to it by its name; until then nothing \
                    there \
                 is enforced",
            )));
        }
        let name = relative(&at.document.name, file);
        self.by_name.get(&name).and_then(|index| self.documents.get(*index)).ok_or_else(|| {
            Lost::Missing(at.defect(
                format!("a reference to the file `{name}`, which is not there"),
                "a file beside this one",
                "correct the name or add the file",
            ))
        })
    }
}

/// The other files that a document refers to, by their names relative to the same place as the
/// document's own name. Examples and vendor extensions are not looked into.
///
/// # Errors
/// The document cannot be read.
pub fn referenced_files(document: &SourceDocument) -> Result<Vec<String>, DocumentError> {
    let root = super::read(document)?;
    let mut files = Vec::new();
    collect(&root, Context::Keywords, &document.name, &mut files);
    files.sort_unstable();
    files.dedup();
    Ok(files)
}

/// Recursion ends at the depth of documents.
pub(super) fn collect(node: &Node, context: Context, from: &str, files: &mut Vec<String>) {
    match &node.content {
        Content::List(list) => {
            list.iter().for_each(|node| collect(node, context.element(), from, files));
        }
        Content::Map(map) => {
            for member in map.iter() {
                let name = &*member.name;
                let inside = context.inside(name);
                match (&member.node.content, name) {
                    (Content::Text(text), "$ref") if context == Context::Keywords => {
                        let file = text.split('#').next().unwrap_or_default();
                        if !file.is_empty() && !is_remote(file) {
                            files.push(relative(from, file));
                        }
                    }
                    (_, "description") if context == Context::Keywords => {}
                    _ if context == Context::Keywords && name.starts_with("x-") => {}
                    (_, "const" | "enum") if inside == Context::Literal => {}
                    // a response may be the default as well
                    (_, "default") => collect(&member.node, Context::Keywords, from, files),
                    _ => collect(&member.node, inside, from, files),
                }
            }
        }
        _ => {}
    }
}

/// A document's name without `.` and `..`.
pub(super) fn normal(name: &str) -> String {
    relative("", name)
}

fn is_remote(file: &str) -> bool {
    file.contains("://") || file.starts_with("//") || file.starts_with("urn:")
}

/// `file` as it is named in the document `from`, without `.` and `..`.
fn relative(from: &str, file: &str) -> String {
    let file = decoded(file);
    let mut parts: Vec<&str> = Vec::new();
    let absolute = file.starts_with('/') || from.starts_with('/');
    if !file.starts_with('/') {
        let folder = from.rsplit_once('/').map_or("", |(folder, _)| folder);
        parts.extend(folder.split('/').filter(|part| !part.is_empty() && *part != "."));
    }
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

/// Percent escapes resolved; a reference is a URI.
fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&wire::target::percent_decode(text.as_bytes())).into_owned()
}
