//! Contracts: any text is read the same twice, and either means something or says what is wrong
//! with it and where.

use contract::{Contract, DocumentError, SourceDocument, referenced_files};
use exchange::endpoint::Method;
use wire::CanonicalPath;

/// Checks one input: an OpenAPI document as JSON or YAML.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let document = SourceDocument { name: "openapi.yaml".to_owned(), text: text.to_owned() };
    // where nothing can be read, there is nothing to refer to
    let files = referenced_files(&document);
    let read = Contract::from_documents(std::slice::from_ref(&document));
    let again = Contract::from_documents(std::slice::from_ref(&document));
    match (read, again) {
        (Ok(contract), Ok(again)) => {
            assert!(files.is_ok(), "{files:?}");
            assert_eq!(contract.operations().len(), again.operations().len());
            assert_eq!(contract.warnings(), again.warnings());
            placed(contract.warnings(), text);
            route(&contract);
        }
        (Err(errors), Err(again)) => {
            assert!(!errors.is_empty());
            assert_eq!(errors, again);
            placed(&errors, text);
        }
        (first, second) => panic!("read differently: {} {}", first.is_ok(), second.is_ok()),
    }
}

/// Every complaint stands at a place of the text and says what to do.
fn placed(complaints: &[DocumentError], text: &str) {
    // to YAML a carriage return ends a line as well
    let lines = text.split(['\n', '\r']).count() as u32;
    for complaint in complaints {
        assert!(complaint.column >= 1, "{complaint}");
        assert!((1..=lines).contains(&complaint.line), "{complaint} in {lines} lines");
        assert!(!complaint.found.is_empty() && !complaint.remedy.is_empty(), "{complaint}");
    }
}

/// Routing ends for any path; what it finds is there.
fn route(contract: &Contract) {
    for path in ["/", "/v1/orders/1", "/a/b/c/", "/%C3%A9"] {
        let (path, _) = CanonicalPath::read(path.as_bytes());
        for method in [Method::Get, Method::Post] {
            if let contract::Routed::Operation(index) = contract.route(method, &path) {
                assert!(contract.operation(index).is_some());
            }
        }
    }
}
