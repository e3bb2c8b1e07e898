//! Authorities and certificates for the tests of TLS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gateway::tls::{File, Pair};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// An authority, below another one or by itself.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    /// What is between it and its root, its own certificate included.
    chain: Vec<CertificateDer<'static>>,
}

/// A certificate in DER with its chain, and its key.
pub(crate) struct Leaf {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Vec<u8>,
}

pub(crate) fn file(name: &str, text: impl Into<Vec<u8>>) -> File {
    File { name: name.to_owned(), bytes: text.into() }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = BASE64_STANDARD.encode(der);
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap());
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub(crate) fn with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let params = Self::params(name, change);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { issuer: Issuer::new(params, key), der, chain: Vec::new() }
    }

    pub(crate) fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let params = Self::params(name, change);
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(der.clone()).chain(self.chain.clone()).collect();
        Self { issuer: Issuer::new(params, key), der, chain }
    }

    fn params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        change(&mut params);
        params
    }

    pub(crate) fn file(&self) -> File {
        file("ca.pem", pem("CERTIFICATE", &self.der))
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        roots
    }

    /// A certificate for these names.
    pub(crate) fn issue(&self, names: &[&str]) -> Leaf {
        self.issue_with(names, |_| {})
    }

    pub(crate) fn issue_with(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> Leaf {
        self.issue_for(names, &KeyPair::generate().unwrap(), change)
    }

    pub(crate) fn issue_for(
        &self,
        names: &[&str],
        key: &KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Leaf {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, "somebody");
        change(&mut params);
        let der = params.signed_by(key, &self.issuer).unwrap().der().clone();
        let chain = std::iter::once(der).chain(self.chain.clone()).collect();
        Leaf { chain, key: key.serialize_der() }
    }

    /// A list that revokes these serial numbers and has been good for a day, for another `days`.
    pub(crate) fn revoke(&self, serials: &[u64], days: i64) -> Vec<u8> {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: moment(-86_400),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: moment(-10 * 86_400),
            next_update: moment(days * 86_400),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

impl Leaf {
    /// As the files of a listener.
    pub(crate) fn pair(&self) -> Pair {
        let chain: String = self.chain.iter().map(|der| pem("CERTIFICATE", der)).collect();
        let key = pem("PRIVATE KEY", &self.key);
        Pair { certificate: file("cert.pem", chain), key: file("key.pem", key) }
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(pem("PRIVATE KEY", &self.key).as_bytes()).unwrap()
    }
}

/// Now and so many seconds, as certificates write it.
pub(crate) fn moment(seconds: i64) -> time::OffsetDateTime {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    time::OffsetDateTime::UNIX_EPOCH
        + now
        + if seconds < 0 {
            -time::Duration::try_from(Duration::from_secs(seconds.unsigned_abs())).unwrap()
        } else {
            time::Duration::try_from(Duration::from_secs(seconds.unsigned_abs())).unwrap()
        }
}

/// A client that trusts `roots`, shows `leaf`, and speaks `alpn`.
pub(crate) fn client(
    roots: RootCertStore,
    leaf: Option<&Leaf>,
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match leaf {
        Some(leaf) => {
            builder.with_client_auth_cert(leaf.chain.clone(), leaf.private_key()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}
