//! TLS of listeners, of clients and of upstreams, as written.

use std::ops::Range;

use super::acme::{self, Acme};
use super::upstreams::{Scheme, Upstreams};
use crate::error::SettingError;
use crate::section::{Placed, Section};

/// Certificates of one listener; a server with more hosts has them on several listeners.
pub const CERTIFICATES_MAX: usize = 1_024;

/// TLS of a listener.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListenerTls {
    /// `cert` and `key`, `certificates`, or `domains`.
    pub source: CertificateSource,
    /// `client_ca`: the file with the authorities of clients' certificates.
    pub client_ca: Option<Placed<String>>,
    /// `crl`: files with what those have revoked.
    pub crl: Vec<Placed<String>>,
}

/// Where a listener's certificates come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CertificateSource {
    /// From an authority, without anybody's doing.
    Acme(Acme),
    /// From files, the one for clients without SNI first.
    Files(Vec<CertificateFiles>),
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// `cert`: the certificate and its chain.
    pub cert: Placed<String>,
    /// `key`.
    pub key: Placed<String>,
}

/// `upstream_tls`: how a service's `https` upstreams are verified.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UpstreamTls {
    /// `ca`: the file with the authorities of the upstreams; without it, those of the system.
    pub ca: Option<Placed<String>>,
    /// `server_name`: the name that upstreams prove, where it is not the one in their address.
    pub server_name: Option<Placed<String>>,
    /// `client_cert` and `client_key`: who we are to them.
    pub client: Option<CertificateFiles>,
}

/// Whether a service asks its clients for certificates.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum ClientNeed {
    /// No.
    #[default]
    Off,
    /// It takes them.
    Optional,
    /// Nobody comes in without.
    Required,
}

/// `client_certificate`: which certificates of clients are admitted. Without any list, all that
/// the listener's `client_ca` vouches for.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct ClientRule {
    /// `need`.
    pub need: ClientNeed,
    /// `san_dns`, in lower case; `*.example.com` is one label more.
    pub san_dns: Vec<String>,
    /// `san_uri`, as written.
    pub san_uri: Vec<String>,
    /// `spki_sha256`: digests of the public key.
    pub spki_sha256: Vec<[u8; 32]>,
}

impl ClientRule {
    /// Nothing is asked.
    pub const OPEN: Self = Self {
        need: ClientNeed::Off,
        san_dns: Vec::new(),
        san_uri: Vec::new(),
        spki_sha256: Vec::new(),
    };

    /// Whether a verified certificate with these names and this key is admitted: by any of the
    /// lists. A wildcard in a certificate stands for nobody.
    #[must_use]
    pub fn allows<'c>(
        &self,
        mut dns: impl Iterator<Item = &'c str>,
        mut uri: impl Iterator<Item = &'c str>,
        spki_sha256: &[u8; 32],
    ) -> bool {
        (self.san_dns.is_empty() && self.san_uri.is_empty() && self.spki_sha256.is_empty())
            || self.spki_sha256.contains(spki_sha256)
            || uri.any(|one| self.san_uri.iter().any(|allowed| allowed == one))
            || dns.any(|one| self.san_dns.iter().any(|allowed| covers(allowed, one)))
    }
}

/// Whether a pattern of the settings stands for a name of a certificate.
fn covers(pattern: &str, name: &str) -> bool {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !name.bytes().all(is_host) {
        return false;
    }
    match pattern.strip_prefix("*.") {
        None => pattern == name,
        Some(rest) => {
            name.split_once('.').is_some_and(|(label, above)| !label.is_empty() && above == rest)
        }
    }
}

/// Reads `tls`, `client_ca` and `crl` of a listener.
pub(super) fn listener(
    section: &mut Section<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<ListenerTls> {
    let client_ca = section.text("client_ca", errors);
    let crl = section.texts("crl", errors);
    if let (Some(first), None) = (crl.first(), &client_ca) {
        errors.push(SettingError {
            code: "config::crl_without_ca",
            span: Some(first.span.clone()),
            setting: section.name("crl"),
            message: "`crl` revokes certificates of `client_ca`, which is missing".to_owned(),
            remedy: "add `client_ca = \"partners-ca.pem\"`".to_owned(),
        });
    }
    let Some(mut tls) = section.section("tls", errors) else {
        if let Some(ca) = client_ca {
            errors.push(SettingError {
                code: "config::client_ca_without_tls",
                span: Some(ca.span),
                setting: section.name("client_ca"),
                message: "clients show certificates over TLS only".to_owned(),
                remedy: "add `tls = { cert = \"cert.pem\", key = \"key.pem\" }`".to_owned(),
            });
        }
        return None;
    };
    let source = source(&mut tls, errors);
    tls.finish(errors);
    Some(ListenerTls { source: source?, client_ca, crl })
}

fn source(tls: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Option<CertificateSource> {
    let single = files(tls, ("cert", "key"), errors);
    let many = tls.sections("certificates", errors);
    let ordered = acme::read(tls, errors);
    let given = [single.is_some(), !many.is_empty(), ordered.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        errors.push(SettingError {
            code: "config::certificate_source",
            span: tls.span(),
            setting: tls.path().to_owned(),
            message: "expected one of `cert` with `key`, `certificates`, and `domains`".to_owned(),
            remedy: "write tls = { cert = \"cert.pem\", key = \"key.pem\" }".to_owned(),
        });
        return None;
    }
    if let Some(ordered) = ordered {
        return Some(CertificateSource::Acme(ordered));
    }
    let mut all: Vec<CertificateFiles> = single.into_iter().collect();
    for (mut pair, span) in many.into_iter().take(CERTIFICATES_MAX) {
        match files(&mut pair, ("cert", "key"), errors) {
            Some(files) => all.push(files),
            None => incomplete(&pair, ("cert", "key"), span, errors),
        }
        pair.finish(errors);
    }
    Some(CertificateSource::Files(all))
}

/// Two files that belong together; none of them, when neither is named.
fn files(
    section: &mut Section<'_>,
    (cert, key): (&'static str, &'static str),
    errors: &mut Vec<SettingError>,
) -> Option<CertificateFiles> {
    match (section.text(cert, errors), section.text(key, errors)) {
        (Some(cert), Some(key)) => Some(CertificateFiles { cert, key }),
        (None, None) => None,
        (one, other) => {
            let span = one.or(other).map_or(0..0, |text| text.span);
            incomplete(section, (cert, key), span, errors);
            None
        }
    }
}

fn incomplete(
    section: &Section<'_>,
    (cert, key): (&str, &str),
    span: Range<usize>,
    errors: &mut Vec<SettingError>,
) {
    errors.push(SettingError {
        code: "config::incomplete_pair",
        span: Some(span),
        setting: section.name(cert),
        message: format!("`{cert}` and `{key}` belong together, and one is missing"),
        remedy: format!("name both files: `{cert}` and `{key}`"),
    });
}

/// Reads `upstream_tls` of a service.
pub(super) fn upstream(
    section: &mut Section<'_>,
    upstreams: &Upstreams,
    errors: &mut Vec<SettingError>,
) -> Option<UpstreamTls> {
    let secure = upstreams.targets.iter().any(|one| one.scheme == Scheme::Https);
    let mut tls = section.section("upstream_tls", errors)?;
    if !secure {
        errors.push(SettingError {
            code: "config::upstream_tls_in_the_clear",
            span: tls.span(),
            setting: tls.path().to_owned(),
            message: "no upstream of the service is reached over TLS".to_owned(),
            remedy: "write upstreams = [\"https://HOST:PORT\"]".to_owned(),
        });
    }
    let read = UpstreamTls {
        ca: tls.text("ca", errors),
        server_name: tls.text("server_name", errors),
        client: files(&mut tls, ("client_cert", "client_key"), errors),
    };
    tls.finish(errors);
    Some(read)
}

/// Reads `client_certificate` of a service: a word, or a table with `need`.
pub(super) fn client_rule(
    section: &mut Section<'_>,
    errors: &mut Vec<SettingError>,
) -> Option<Placed<ClientRule>> {
    let entry = section.entry("client_certificate")?;
    let span = entry.span();
    if entry.get_ref().as_str().is_some() {
        let text = section.text("client_certificate", errors)?;
        let need = need(section.name("client_certificate"), &text, errors);
        return Some(Placed { value: ClientRule { need, ..ClientRule::OPEN }, span });
    }
    let mut table = section.section("client_certificate", errors)?;
    let mut rule = ClientRule::OPEN;
    match table.text("need", errors) {
        Some(text) => rule.need = need(table.name("need"), &text, errors),
        None => rule.need = ClientNeed::Required,
    }
    let lower = |text: Placed<String>| text.value.to_ascii_lowercase();
    rule.san_dns = table.texts("san_dns", errors).into_iter().map(lower).collect();
    rule.san_uri = table.texts("san_uri", errors).into_iter().map(|text| text.value).collect();
    for text in table.texts("spki_sha256", errors) {
        match digest(&text.value) {
            Some(digest) => rule.spki_sha256.push(digest),
            None => errors.push(SettingError {
                code: "config::digest",
                span: Some(text.span),
                setting: table.name("spki_sha256"),
                message: format!("`{}` is not a SHA-256 digest", text.value),
                remedy: "write 64 hexadecimal digits: the digest of the public key in DER"
                    .to_owned(),
            }),
        }
    }
    table.finish(errors);
    Some(Placed { value: rule, span })
}

fn need(setting: String, text: &Placed<String>, errors: &mut Vec<SettingError>) -> ClientNeed {
    match text.value.as_str() {
        "off" => ClientNeed::Off,
        "optional" => ClientNeed::Optional,
        "required" => ClientNeed::Required,
        other => {
            errors.push(SettingError {
                code: "config::client_certificate",
                span: Some(text.span.clone()),
                setting,
                message: format!("`{other}` says nothing about certificates"),
                remedy: "use \"off\", \"optional\" or \"required\"".to_owned(),
            });
            ClientNeed::Required
        }
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// A service that asks for certificates needs a listener that does; a listener that asks needs
/// somebody who wants to know.
pub(crate) fn check_clients(document: &super::Document, errors: &mut Vec<SettingError>) {
    let asks = |listener: &super::Listener| {
        listener.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some())
    };
    let offered = document.listeners.iter().any(asks);
    for service in &document.services {
        let Some(rule) = &service.client else { continue };
        // HTTP's rules for shared caches know `Authorization`, not certificates (RFC 9111 §3.5)
        if rule.value.need != ClientNeed::Off && service.cache.is_some() {
            errors.push(SettingError {
                code: "config::cache_with_client_certificate",
                span: Some(rule.span.clone()),
                setting: format!("services.{}.cache", service.name.value),
                message: "a stored answer to one client would answer others".to_owned(),
                remedy: "leave out `cache` where `client_certificate` tells clients apart"
                    .to_owned(),
            });
        }
        if rule.value.need != ClientNeed::Off && !offered {
            errors.push(SettingError {
                code: "config::client_certificate_without_ca",
                span: Some(rule.span.clone()),
                setting: format!("services.{}.client_certificate", service.name.value),
                message: "no listener has a `client_ca` to verify clients with".to_owned(),
                remedy: "add `client_ca = \"partners-ca.pem\"` to a listener with `tls`".to_owned(),
            });
        }
    }
}
