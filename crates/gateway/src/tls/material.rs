//! Certificates, keys and revocation lists out of files, with every mistake told by file.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::server::VerifierBuilderError;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::provider;

/// A file, as it was read.
#[derive(Clone, Eq, PartialEq)]
pub struct File {
    /// Its path, for messages.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A certificate with what chains it to its root, and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pair {
    /// PEM: the certificate first, then those that issued it.
    pub certificate: File,
    /// PEM: PKCS#8, PKCS#1 or SEC1.
    pub key: File,
}

/// What the TLS of a listener is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Material {
    /// Its certificates, the one for clients without SNI first.
    pub certificates: Vec<Pair>,
    /// PEM: the authorities of clients' certificates.
    pub client_ca: Option<File>,
    /// PEM or DER: what those authorities have revoked.
    pub crls: Vec<File>,
}

/// A file that cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{file}: {found}, expected {expected}\nhelp: {remedy}")]
pub struct MaterialError {
    /// Which file.
    pub file: String,
    /// What is in it.
    pub found: String,
    /// What should be.
    pub expected: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// A certificate that can be served.
#[derive(Debug)]
pub(super) struct Served {
    /// DNS names of its subjectAltName, in lower case.
    pub(super) names: Vec<String>,
    pub(super) key: Arc<CertifiedKey>,
}

/// What is known of a certificate that is, or could be, served.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFacts {
    /// DNS names of its subjectAltName, in lower case and in order.
    pub names: Vec<String>,
    /// From when on it is valid, in seconds since the epoch.
    pub not_before_s: i64,
    /// Until when.
    pub not_after_s: i64,
}

impl CertificateFacts {
    /// Of the first certificate in a PEM file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn of(file: &File) -> Result<Self, MaterialError> {
        let chain = file.certificates()?;
        let parsed = chain.first().and_then(|der| X509Certificate::from_der(der).ok());
        let Some((_, leaf)) = parsed else {
            return Err(file.error(
                "found a certificate that cannot be read",
                "X.509 certificates of version 3",
                "export the certificate again",
            ));
        };
        let mut names = names(file, &leaf)?;
        names.sort_unstable();
        Ok(Self {
            names,
            not_before_s: leaf.validity().not_before.timestamp(),
            not_after_s: leaf.validity().not_after.timestamp(),
        })
    }
}

/// Keys are among what is read: a file shows its name only.
impl fmt::Debug for File {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "File({})", self.name)
    }
}

impl File {
    fn error(
        &self,
        found: impl Into<String>,
        expected: &'static str,
        remedy: &'static str,
    ) -> MaterialError {
        MaterialError { file: self.name.clone(), found: found.into(), expected, remedy }
    }

    /// All certificates of a PEM file, at least one.
    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
        let expected = "one certificate or more, in PEM";
        let remedy = "name the file that begins with -----BEGIN CERTIFICATE-----";
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.bytes).collect();
        match read {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(self.error("found no certificate", expected, remedy)),
            Err(error) => Err(self.error(format!("found broken PEM ({error})"), expected, remedy)),
        }
    }

    /// The private key of a PEM file.
    fn private_key(&self) -> Result<PrivateKeyDer<'static>, MaterialError> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| {
            self.error(
                format!("found no private key ({error})"),
                "an unencrypted private key in PEM: PKCS#8, PKCS#1 or SEC1",
                "decrypt it with `openssl pkey -in KEY -out PLAIN`, readable by palisade only",
            )
        })
    }

    /// Authorities that are trusted.
    pub(super) fn roots(&self) -> Result<RootCertStore, MaterialError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                self.error(
                    format!("found a certificate that cannot be read ({error})"),
                    "certificates of authorities",
                    "export the authority's certificate again",
                )
            })?;
        }
        Ok(roots)
    }

    /// Revocation lists: any number in PEM, or one in DER.
    pub(super) fn revocations(
        &self,
    ) -> Result<Vec<CertificateRevocationListDer<'static>>, MaterialError> {
        const EXPECTED: &str = "a certificate revocation list, in PEM or DER";
        const REMEDY: &str = "fetch the list again from its authority";
        if !self.bytes.starts_with(b"-----BEGIN") {
            return Ok(vec![CertificateRevocationListDer::from(self.bytes.clone())]);
        }
        let read: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(&self.bytes).collect();
        match read {
            Ok(found) if !found.is_empty() => Ok(found),
            Ok(_) => Err(self.error("found no list", EXPECTED, REMEDY)),
            Err(error) => Err(self.error(format!("found broken PEM ({error})"), EXPECTED, REMEDY)),
        }
    }

    /// What a verifier made of this file has to complain about.
    pub(super) fn unusable(&self, error: &VerifierBuilderError) -> MaterialError {
        self.error(
            format!("found what cannot be used ({error})"),
            "lists of the authorities in `client_ca`, of version 2",
            "fetch the list again from its authority",
        )
    }
}

impl Pair {
    /// Checks that certificate and key can be served at `now_s`, in seconds since the epoch.
    pub(super) fn read(&self, now_s: i64) -> Result<Served, MaterialError> {
        let chain = self.certificate.certificates()?;
        let names = self.inspect(&chain, now_s)?;
        let key = self.certified(chain)?;
        Ok(Served { names, key: Arc::new(key) })
    }

    /// The key with its chain; the two belong together.
    pub(super) fn certified(
        &self,
        chain: Vec<CertificateDer<'static>>,
    ) -> Result<CertifiedKey, MaterialError> {
        let key = self.key.private_key()?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => self.key.error(
                format!("found the key of another certificate than {}", self.certificate.name),
                "the key that the certificate was issued for",
                "put the pair in place together, or make a new certificate for this key",
            ),
            error => self.key.error(
                format!("found a key that cannot be used ({error})"),
                "ECDSA P-256/P-384/P-521, Ed25519, or RSA of 2048 bits or more",
                "make a new key and a certificate for it",
            ),
        })
    }

    /// The chain of a pair that is used as a client.
    pub(super) fn identity(&self) -> Result<CertifiedKey, MaterialError> {
        self.certified(self.certificate.certificates()?)
    }

    /// Looks at the chain as a client will, and returns the DNS names it is good for.
    fn inspect(
        &self,
        chain: &[CertificateDer<'static>],
        now_s: i64,
    ) -> Result<Vec<String>, MaterialError> {
        let file = &self.certificate;
        let mut parsed = Vec::with_capacity(chain.len());
        for der in chain {
            let (_, certificate) = X509Certificate::from_der(der).map_err(|error| {
                file.error(
                    format!("found a certificate that cannot be read ({error})"),
                    "X.509 certificates of version 3",
                    "export the certificate again",
                )
            })?;
            parsed.push(certificate);
        }
        for certificate in &parsed {
            valid_now(file, certificate, now_s)?;
        }
        if let Some(at) = parsed.windows(2).position(|pair| pair[0].issuer() != pair[1].subject()) {
            return Err(file.error(
                format!("found certificate {} where the issuer of {} belongs", at + 2, at + 1),
                "each certificate followed by the one that issued it",
                "put the certificate first and then its chain, as the authority delivers it",
            ));
        }
        let Some(leaf) = parsed.first() else { return Ok(Vec::new()) };
        if parsed.len() == 1 && lacks_chain(leaf) {
            return Err(file.error(
                format!("found only the certificate, without its issuer `{}`", leaf.issuer()),
                "the certificate and then the intermediate ones that issued it",
                "use the file with the full chain, often named fullchain.pem",
            ));
        }
        names(file, leaf)
    }
}

fn valid_now(
    file: &File,
    certificate: &X509Certificate<'_>,
    now_s: i64,
) -> Result<(), MaterialError> {
    let validity = certificate.validity();
    let found = if validity.not_after.timestamp() < now_s {
        format!("`{}` expired on {}", certificate.subject(), validity.not_after)
    } else if validity.not_before.timestamp() > now_s {
        format!("`{}` is not valid before {}", certificate.subject(), validity.not_before)
    } else {
        return Ok(());
    };
    Err(file.error(found, "certificates that are valid now", "renew it, or set the clock right"))
}

/// An issuer that says where its certificate can be fetched (authorityInfoAccess, RFC 5280
/// §4.2.2.1) is not a root that clients have: they need it sent along.
fn lacks_chain(leaf: &X509Certificate<'_>) -> bool {
    // id-ad-caIssuers
    const CA_ISSUERS: &str = "1.3.6.1.5.5.7.48.2";
    leaf.subject() != leaf.issuer()
        && leaf.extensions().iter().any(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => {
                access.accessdescs.iter().any(|one| one.access_method.to_id_string() == CA_ISSUERS)
            }
            _ => false,
        })
}

fn names(file: &File, leaf: &X509Certificate<'_>) -> Result<Vec<String>, MaterialError> {
    let Ok(Some(alternatives)) = leaf.subject_alternative_name() else {
        return Err(file.error(
            "found a certificate without subjectAltName",
            "the names it is good for (clients have not looked at the common name since 2017)",
            "have it issued again with the names as subjectAltName",
        ));
    };
    let names = alternatives.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    Ok(names.collect())
}
