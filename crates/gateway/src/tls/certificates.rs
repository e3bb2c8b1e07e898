//! Which certificate answers which name.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::material::Served;

/// Several where a name has keys of several kinds.
type Keys = Vec<Arc<CertifiedKey>>;

/// A listener's certificates by name.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    exact: BTreeMap<String, Keys>,
    /// By what follows `*.`.
    wild: BTreeMap<String, Keys>,
    /// For clients that ask for no name, because they use an address.
    nameless: Keys,
}

impl Certificates {
    pub(super) fn new(served: &[Served]) -> Self {
        let mut all = Self::default();
        for one in served {
            for name in &one.names {
                let keys = match name.strip_prefix("*.") {
                    Some(rest) => all.wild.entry(rest.to_owned()),
                    None => all.exact.entry(name.clone()),
                };
                keys.or_default().push(Arc::clone(&one.key));
            }
        }
        // the first of the settings, with a key of another kind for who cannot use that one
        all.nameless = served.iter().map(|one| Arc::clone(&one.key)).collect();
        all
    }

    /// The keys for a name: its own before those of a wildcard, which stands for one label
    /// (RFC 9525 §6.3).
    fn keys(&self, name: Option<&str>) -> &[Arc<CertifiedKey>] {
        let Some(name) = name else { return &self.nameless };
        let above = || name.split_once('.').and_then(|(_, rest)| self.wild.get(rest));
        self.exact.get(name).or_else(above).map_or(&[], Vec::as_slice)
    }

    /// Whether a handshake for this name can be answered.
    pub(super) fn covers(&self, name: Option<&str>) -> bool {
        !self.keys(name).is_empty()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(canonical);
        let usable =
            |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        self.keys(name.as_deref()).iter().find(usable).cloned()
    }
}

/// A name as it is compared: in lower case, without the dot of the root.
pub(super) fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
