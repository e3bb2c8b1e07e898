//! Settings: any text is a document, or a list of mistakes with places in that text.

use std::collections::BTreeMap;

use policy::document::Document;
use policy::error::SettingError;
use policy::{Policy, Revision};

/// Checks one input: a settings file.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Document::read(text) {
        Ok(document) => {
            let revision = Revision::of([text]);
            match Policy::resolve(&document, &BTreeMap::new(), revision) {
                Ok(policy) => assert_eq!(policy.services.len(), document.services.len()),
                Err(errors) => placed(&errors, text),
            }
        }
        Err(errors) => placed(&errors, text),
    }
}

fn placed(errors: &[SettingError], text: &str) {
    assert!(!errors.is_empty());
    for error in errors {
        assert!(error.code.starts_with("config::"), "{error:?}");
        assert!(!error.message.is_empty() && !error.remedy.is_empty(), "{error:?}");
        if let Some(span) = &error.span {
            assert!(text.get(span.clone()).is_some(), "{error:?} is not in the text");
        }
    }
}
