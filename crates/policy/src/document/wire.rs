//! What the settings say about bytes on the wire: profiles, and the fields that prove identity.

use wire::{NameSet, Profile};

use crate::error::SettingError;
use crate::section::Section;

/// `profile`: how a service that enforces treats doubts about a request.
pub(super) fn profile(
    service: &mut Section<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<Profile> {
    let text = service.text("profile", errors)?;
    match text.value.as_str() {
        "strict" => Some(Profile::Strict),
        "compat" => Some(Profile::Compat),
        other => {
            errors.push(SettingError {
                code: "config::profile",
                span: Some(text.span),
                setting: service.name("profile"),
                message: format!("`{other}` is not a profile"),
                remedy: "use \"strict\" or \"compat\"".to_owned(),
            });
            None
        }
    }
}

/// `identity`: names of fields that only a trusted proxy may set.
pub(super) fn identity(trust: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Vec<String> {
    let mut names = Vec::new();
    for text in trust.texts("identity", errors) {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let fits = (1..=NameSet::NAME_BYTES_MAX).contains(&text.value.len());
        if fits && text.value.bytes().all(token) {
            names.push(text.value);
            continue;
        }
        errors.push(SettingError {
            code: "config::field_name",
            span: Some(text.span),
            setting: trust.name("identity"),
            message: format!("`{}` is not the name of a header field", text.value),
            remedy: "write a name as in \"X-User-Id\", of at most 63 letters".to_owned(),
        });
    }
    names
}
