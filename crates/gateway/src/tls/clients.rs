//! Clients' certificates: who is believed, and what a certificate says of its owner.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::material::{Material, MaterialError};
use super::provider;
use crate::limits::{CLIENT_CERTIFICATES_MAX, CLIENT_NAMES_MAX};

/// What a client's certificate says of it, once the certificate has been verified. The subject's
/// common name identifies nobody (RFC 9525 §2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ClientCertificate {
    /// dNSNames of its subjectAltName, in lower case.
    pub san_dns: Vec<String>,
    /// uniformResourceIdentifiers of its subjectAltName, such as a SPIFFE ID.
    pub san_uri: Vec<String>,
    /// rfc822Names of its subjectAltName.
    pub san_email: Vec<String>,
    /// Its subject, for people to read.
    pub subject: String,
    /// SHA-256 of its subjectPublicKeyInfo: the same after a renewal with the same key.
    pub spki_sha256: [u8; 32],
}

impl ClientCertificate {
    /// Whom it names, the same after a renewal: a URI before a host, a host before a mailbox, and
    /// the subject where there is none of them.
    #[must_use]
    pub fn identity(&self) -> &str {
        let names = [&self.san_uri, &self.san_dns, &self.san_email];
        names.into_iter().find_map(|names| names.first()).unwrap_or(&self.subject)
    }

    /// Reads a certificate; `None` for one that a verifier should not have let pass.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let mut spki_sha256 = [0; 32];
        let spki = digest(&SHA256, certificate.public_key().raw);
        spki_sha256.copy_from_slice(spki.as_ref());
        let mut read =
            Self { spki_sha256, subject: certificate.subject().to_string(), ..Self::default() };
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.iter().flat_map(|names| &names.value.general_names);
        for name in names.take(CLIENT_NAMES_MAX) {
            match name {
                GeneralName::DNSName(name) => read.san_dns.push(name.to_ascii_lowercase()),
                GeneralName::URI(name) => read.san_uri.push((*name).to_owned()),
                GeneralName::RFC822Name(name) => read.san_email.push((*name).to_owned()),
                _ => {}
            }
        }
        Some(read)
    }
}

/// The verifier for a listener's `client_ca` and `crl`. With lists, a certificate of whose
/// revocation nothing is known is refused, and so is everybody once a list has expired: an
/// attacker who can keep the new list away must not be let in by the old one.
pub(super) fn verifier(
    material: &Material,
    required: bool,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, MaterialError> {
    let Some(ca) = &material.client_ca else { return Ok(None) };
    let roots = Arc::new(ca.roots()?);
    let builder = || {
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .enforce_revocation_expiration()
    };
    let mut lists = Vec::new();
    for file in &material.crls {
        let found = file.revocations()?;
        // each file for itself, so that a bad one is named
        builder().with_crls(found.clone()).build().map_err(|error| file.unusable(&error))?;
        lists.extend(found);
    }
    let mut builder = builder().with_crls(lists);
    if !required {
        builder = builder.allow_unauthenticated();
    }
    let inner = builder.build().map_err(|error| ca.unusable(&error))?;
    Ok(Some(Arc::new(Strict(inner))))
}

/// Adds what WebPKI leaves open: a certificate for signing, in a chain of sensible length.
struct Strict(Arc<dyn ClientCertVerifier>);

impl fmt::Debug for Strict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Strict")
    }
}

impl ClientCertVerifier for Strict {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if intermediates.len() >= CLIENT_CERTIFICATES_MAX {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let verified = self.0.verify_client_cert(leaf, intermediates, now)?;
        if signs(leaf) { Ok(verified) } else { Err(CertificateError::InvalidPurpose.into()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// A key usage, where there is one, must allow signatures (RFC 5280 §4.2.1.3): that is what a
/// client does with its key in a handshake.
fn signs(leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return false };
    match certificate.key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.digital_signature(),
        Err(_) => false,
    }
}
