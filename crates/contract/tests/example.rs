//! The examples and schema tests of the OpenAPI Initiative.

use std::path::{Path, PathBuf};

use contract::Contract;

use crate::{data, document, files};

fn outcome(path: &Path) -> Result<Contract, Vec<contract::DocumentError>> {
    let name = path.file_name().unwrap().to_string_lossy();
    Contract::from_documents(&[document(&name, std::fs::read_to_string(path).unwrap())])
}

fn documents(folder: &str) -> Vec<PathBuf> {
    let mut files = files(&data("openapi-examples").join(folder));
    files.retain(|path| path.extension().is_some_and(|it| it == "yaml" || it == "json"));
    files
}

#[test]
fn what_is_valid_loads() {
    let folders = [
        ("oai-schema-tests/v3.1-dev/tests/schema/pass", 35),
        ("oai-schema-tests/v3.2-dev/tests/schema/pass", 37),
        ("oai-examples/examples/v3.0", 12),
        ("oai-examples/examples/v3.1", 6),
        ("oai-examples/examples/v3.2", 2),
    ];
    for (folder, count) in folders {
        let documents = documents(folder);
        assert_eq!(documents.len(), count, "{folder}");
        for path in documents {
            let contract = outcome(&path);
            assert!(contract.is_ok(), "{}: {:#?}", path.display(), contract.err());
            assert_eq!(contract.unwrap().verify(), [], "{}", path.display());
        }
    }
}

/// Only what keeps a document from being understood is refused here; the rest is for linting.
#[test]
fn what_cannot_be_understood_is_refused() {
    let refused = |path: &PathBuf| outcome(path).is_err();
    let documents = documents("oai-schema-tests/v3.1-dev/tests/schema/fail");
    let names = documents.iter().filter(|path| refused(path));
    let names: Vec<_> = names.map(|path| path.file_stem().unwrap().to_string_lossy()).collect();
    assert_eq!(documents.len(), 11);
    assert_eq!(names, ["no_containers", "servers", "unknown_container"]);
}
