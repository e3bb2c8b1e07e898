//! Certificates that an authority issues by itself (ACME, RFC 8555), as the settings name them.

use std::ops::Range;

use super::tls::CertificateSource;
use crate::error::SettingError;
use crate::section::{Placed, Section};

/// Where certificates are ordered unless the settings say otherwise.
pub const DIRECTORY_DEFAULT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Names of one certificate: what the largest public authority admits.
pub const DOMAINS_MAX: usize = 100;

/// A certificate that is ordered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Acme {
    /// `domains`: the names that it is for, in lower case.
    pub domains: Vec<String>,
    /// `acme_email`: whom the authority writes to.
    pub email: Option<String>,
    /// `acme_directory`: the authority.
    pub directory: String,
    /// `acme_ca`: the file with the roots of the authority's own TLS; without it, the system's.
    pub ca: Option<Placed<String>>,
    /// Where `domains` stands.
    pub span: Range<usize>,
}

/// Reads `domains` and the `acme_*` keys of a listener's `tls`; `None` where there are none.
pub(super) fn read(tls: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Option<Acme> {
    let email = tls.text("acme_email", errors);
    let directory = tls.text("acme_directory", errors);
    let ca = tls.text("acme_ca", errors);
    let span = tls.span_of("domains");
    let domains = tls.texts("domains", errors);
    let Some(span) = span else {
        if let Some(stray) = email.or(directory).or(ca) {
            errors.push(SettingError {
                code: "config::acme_without_domains",
                span: Some(stray.span),
                setting: tls.name("domains"),
                message: "a certificate is to be ordered, and nothing says for which names"
                    .to_owned(),
                remedy: "add domains = [\"api.example.com\"]".to_owned(),
            });
        }
        return None;
    };
    if domains.is_empty() || domains.len() > DOMAINS_MAX {
        errors.push(SettingError {
            code: "config::range",
            span: Some(span.clone()),
            setting: tls.name("domains"),
            message: format!("found {} names, expected 1 to {DOMAINS_MAX}", domains.len()),
            remedy: "write domains = [\"api.example.com\"]".to_owned(),
        });
    }
    for domain in domains.iter().filter(|domain| !is_host(&domain.value)) {
        errors.push(SettingError {
            code: "config::domain",
            span: Some(domain.span.clone()),
            setting: tls.name("domains"),
            message: format!("`{}` is not a name that can be proved over HTTP", domain.value),
            remedy: "write full host names; wildcards and addresses need a certificate from files"
                .to_owned(),
        });
    }
    for directory in directory.iter().filter(|one| !one.value.starts_with("https://")) {
        errors.push(SettingError {
            code: "config::acme_directory",
            span: Some(directory.span.clone()),
            setting: tls.name("acme_directory"),
            message: format!("`{}` is not an https URL", directory.value),
            remedy: format!("write the URL of its directory, as in \"{DIRECTORY_DEFAULT}\""),
        });
    }
    Some(Acme {
        domains: domains.into_iter().map(|domain| domain.value.to_ascii_lowercase()).collect(),
        email: email.map(|email| email.value),
        directory: directory.map_or_else(|| DIRECTORY_DEFAULT.to_owned(), |one| one.value),
        ca,
        span,
    })
}

/// A name of at least two labels of letters, digits and hyphens; it also names a file.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let numeric =
        name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    name.len() <= 253 && name.contains('.') && !numeric && name.split('.').all(label)
}

/// An authority asks over plain HTTP whether a name is ours: something must listen there.
pub(crate) fn check_listeners(document: &super::Document, errors: &mut Vec<SettingError>) {
    let plain = |listener: &super::Listener| listener.tls.is_none() && !listener.h2c;
    if document.listeners.iter().any(plain) {
        return;
    }
    for (at, listener) in document.listeners.iter().enumerate() {
        let source = listener.tls.as_ref().map(|tls| &tls.source);
        let Some(CertificateSource::Acme(acme)) = source else { continue };
        errors.push(SettingError {
            code: "config::acme_without_plain_listener",
            span: Some(acme.span.clone()),
            setting: format!("listeners[{at}].tls.domains"),
            message: "names are proved over plain HTTP, and no listener speaks it".to_owned(),
            remedy: "add [[listeners]] with bind = \"0.0.0.0:80\"".to_owned(),
        });
    }
}
