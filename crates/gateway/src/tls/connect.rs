//! TLS to upstreams: verified against roots and name, always.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::material::{File, MaterialError, Pair};
use super::provider;

/// What the TLS to the upstreams of a service is made of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UpstreamMaterial {
    /// PEM: the authorities that may vouch for upstreams; without it, those of the system.
    pub ca: Option<File>,
    /// The name that upstreams prove to have, where it is not the one in their address.
    pub server_name: Option<String>,
    /// Who we are to upstreams that ask.
    pub client: Option<Pair>,
}

/// Opens TLS connections to the upstreams of a service.
pub struct Connector {
    material: UpstreamMaterial,
    name: Option<ServerName<'static>>,
    http1: TlsConnector,
    http2: TlsConnector,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Connector").field("material", &self.material).finish_non_exhaustive()
    }
}

impl Connector {
    /// Checks the material.
    ///
    /// # Errors
    /// The first file that cannot be used, with what is wrong with it.
    pub fn new(material: UpstreamMaterial) -> Result<Self, MaterialError> {
        let roots = match &material.ca {
            Some(file) => file.roots()?,
            None => system_roots()?,
        };
        let name = match &material.server_name {
            Some(name) => Some(server_name(name)?),
            None => None,
        };
        let base = config(Arc::new(roots), material.client.as_ref())?;
        let speaking = |protocol: &[u8]| {
            let mut config = base.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        let (http1, http2) = (speaking(b"http/1.1"), speaking(b"h2"));
        Ok(Self { material, name, http1, http2 })
    }

    /// What it was made of.
    #[must_use]
    pub fn material(&self) -> &UpstreamMaterial {
        &self.material
    }

    /// Carries out the handshake with the upstream at `host`, for HTTP/1.1 or, if `http2`, for
    /// HTTP/2, which the upstream must agree to by ALPN.
    ///
    /// # Errors
    /// The upstream cannot prove its name, or the connection broke. There is no second try with
    /// less.
    pub async fn connect(
        &self,
        stream: TcpStream,
        host: &str,
        http2: bool,
    ) -> io::Result<TlsStream<TcpStream>> {
        let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(invalid)?,
        };
        let connector = if http2 { &self.http2 } else { &self.http1 };
        let stream = connector.connect(name, stream).await?;
        if http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::from(io::ErrorKind::Unsupported));
        }
        Ok(stream)
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, MaterialError> {
    ServerName::try_from(name.to_owned()).map_err(|_| MaterialError {
        file: "upstream_tls.server_name".to_owned(),
        found: format!("`{name}`"),
        expected: "a host name or an address",
        remedy: "write the name in the upstream's certificate",
    })
}

/// The authorities that the system trusts.
pub(super) fn system_roots() -> Result<RootCertStore, MaterialError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // systems carry roots that nobody can use any more; those are passed over
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(MaterialError {
            file: "the system's certificates".to_owned(),
            found: "found none that can be used".to_owned(),
            expected: "roots to verify upstreams with",
            remedy: "install ca-certificates, or name the authority with `ca`",
        });
    }
    Ok(roots)
}

/// A verifying configuration.
pub(super) fn config(
    roots: Arc<RootCertStore>,
    identity: Option<&Pair>,
) -> Result<ClientConfig, MaterialError> {
    let failed = |found: String| MaterialError {
        file: "the cryptography library".to_owned(),
        found,
        expected: "TLS 1.2 and 1.3 with verified names",
        remedy: "report this as a mistake of palisade",
    };
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| failed(error.to_string()))?
        .with_webpki_verifier(verifier);
    let mut config = match identity {
        Some(pair) => {
            let key = SingleCertAndKey::from(pair.identity()?);
            builder.with_client_cert_resolver(Arc::new(key))
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_early_data = false;
    Ok(config)
}
