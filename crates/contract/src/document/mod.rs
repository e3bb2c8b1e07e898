//! Documents → [`Contract`]: read, resolve, lower, and forget everything that traffic does not
//! need.

mod content;
mod json;
mod openapi;
pub(crate) mod refs;
mod server;
pub(crate) mod tree;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use exchange::endpoint::Method;
use exchange::observation::OperationIndex;
use wire::CanonicalPath;

use crate::error::{DocumentError, Place, Report, Unreadable};
use crate::operation::Operation;
use crate::route::{Routed, Router};
use crate::schema::{Definitions, SchemaId};
use openapi::Reader;
use refs::{At, Document, Library};
use tree::{Context, Node};

/// The text of a document and the name under which errors speak of it.
#[derive(Clone, Debug)]
pub struct SourceDocument {
    /// Its name: a path, relative to the same place as those of the other documents.
    pub name: String,
    /// Its text, JSON or YAML.
    pub text: String,
}

/// What the owner of one service declares. Immutable, and shared by all who check against it.
#[derive(Debug, Default)]
pub struct Contract {
    operations: Vec<Operation>,
    router: Router,
    warnings: Vec<DocumentError>,
    definitions: Arc<Definitions>,
    /// Schemas that bodies and parameters are judged by.
    used: BTreeSet<SchemaId>,
}

impl Contract {
    /// Reads OpenAPI 3.0 and 3.1 documents. The first is a root; so are all others that are OpenAPI
    /// documents and that none before them refers to, and what they declare is put together. The
    /// remaining ones are there to be referred to.
    ///
    /// # Errors
    /// All defects that keep the documents from being understood.
    pub fn from_documents(documents: &[SourceDocument]) -> Result<Self, Vec<DocumentError>> {
        let mut report = Report::default();
        let mut library = Library::default();
        for document in documents {
            match read(document) {
                Ok(root) => {
                    library.add(Document { name: document.name.as_str().into(), root });
                }
                Err(error) => report.error(error),
            }
        }
        if library.documents.len() < documents.len() {
            return Err(report.finish().err().unwrap_or_default());
        }
        let mut reader = Reader::new(&library, &mut report);
        for root in roots(&library) {
            reader.document(root);
        }
        let (drafts, lowering) = reader.finish();
        let (definitions, used) = lowering.finish(&mut report);
        let warnings = report.finish()?;
        let definitions = Arc::new(definitions);
        let mut router = Router::default();
        let mut operations = Vec::with_capacity(drafts.len());
        for (index, draft) in (0_u32..).zip(drafts) {
            for (segments, ending) in &draft.ways {
                router.insert(segments, *ending, draft.operation.method, OperationIndex(index));
            }
            operations.push(Operation { definitions: Arc::clone(&definitions), ..draft.operation });
        }
        Ok(Self { operations, router, warnings, definitions, used })
    }

    /// Constructs of the documents that are not enforced, and where they stand.
    #[must_use]
    pub fn warnings(&self) -> &[DocumentError] {
        &self.warnings
    }

    /// All operations; an [`OperationIndex`] is an index into this.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation of this index.
    #[must_use]
    pub fn operation(&self, index: OperationIndex) -> Option<&Operation> {
        self.operations.get(index.0 as usize)
    }

    /// The operation for a request. Allocates nothing when there is one.
    #[must_use]
    pub fn route(&self, method: Method, path: &CanonicalPath) -> Routed {
        self.router.route(method, path)
    }

    /// Whether a path that is not declared differs from a declared one in the case of its letters
    /// only: some servers take both for one.
    #[must_use]
    pub fn declares_in_other_case(&self, path: &CanonicalPath) -> bool {
        self.router.has_in_other_case(path)
    }

    /// Compiles every schema, which is otherwise done when it is first used, and names those that
    /// cannot be used. Takes seconds for the largest contracts: for checking a contract, not for
    /// starting.
    #[must_use]
    pub fn verify(&self) -> Vec<DocumentError> {
        self.definitions.verify(&self.used)
    }
}

/// The documents to start from.
fn roots(library: &Library) -> impl Iterator<Item = At<'_>> {
    let mut referred = BTreeMap::new();
    for (index, document) in library.documents.iter().enumerate() {
        let mut files = Vec::new();
        refs::collect(&document.root, Context::Keywords, &document.name, &mut files);
        for file in files {
            referred.entry(file).or_insert(index);
        }
    }
    library.documents.iter().enumerate().filter_map(move |(index, document)| {
        let is_openapi =
            document.root.get("openapi").is_some() || document.root.get("swagger").is_some();
        let is_target =
            referred.get(&refs::normal(&document.name)).is_some_and(|from| *from < index);
        let is_root = index == 0 || is_openapi && !is_target;
        is_root.then_some(At { document, node: &document.root })
    })
}

/// Reads one document as JSON if it begins like it, as YAML otherwise.
fn read(document: &SourceDocument) -> Result<Node, DocumentError> {
    let text = document.text.strip_prefix('\u{feff}').unwrap_or(&document.text);
    let name: Arc<str> = document.name.as_str().into();
    let read = match text.trim_start().bytes().next() {
        Some(b'{' | b'[') => json::read(text),
        Some(_) => yaml::read(text),
        None => Err(Unreadable {
            place: Place { line: 1, column: 1 },
            found: "an empty file".to_owned(),
            expected: "an OpenAPI document".to_owned(),
            remedy: "write the contract, or leave the file out".to_owned(),
        }),
    };
    read.map_err(|unreadable| unreadable.in_file(&name))
}
