//! The TLS of one listener: a handshake in, a connection and what it has shown out.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use policy::document::tls::ClientNeed;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{Acceptor, NoServerSessionStorage, ResolvesServerCert};
use rustls::{CommonState, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::certificates::{Certificates, canonical};
use super::clients::{ClientCertificate, verifier};
use super::fault::Fault;
use super::material::{CertificateFacts, Material, MaterialError};
use super::{Alpn, Secured, provider};

const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// An alert `unrecognized_name` (RFC 6066 §3) in a record of its own: fatal, 112.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// The TLS of one listener.
pub struct Terminator {
    material: Material,
    certificates: Arc<Certificates>,
    /// Asks for no certificate.
    open: Arc<ServerConfig>,
    /// Ask for one, with a listener's `client_ca`.
    optional: Option<Arc<ServerConfig>>,
    required: Option<Arc<ServerConfig>>,
}

impl fmt::Debug for Terminator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Terminator").field("material", &self.material).finish_non_exhaustive()
    }
}

impl Terminator {
    /// Checks the material and prepares a configuration for each demand on clients.
    ///
    /// # Errors
    /// The first file that cannot be used, with what is wrong with it.
    pub fn new(material: Material, now: SystemTime) -> Result<Self, MaterialError> {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now_s = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let served: Vec<_> =
            material.certificates.iter().map(|pair| pair.read(now_s)).collect::<Result<_, _>>()?;
        let certificates = Arc::new(Certificates::new(&served));
        let open = config(Arc::clone(&certificates) as _, None, &[HTTP_2, HTTP_1])?;
        let asking = |required| {
            let Some(verifier) = verifier(&material, required)? else { return Ok(None) };
            config(Arc::clone(&certificates) as _, Some(verifier), &[HTTP_2, HTTP_1]).map(Some)
        };
        let (optional, required) = (asking(false)?, asking(true)?);
        Ok(Self { material, certificates, open, optional, required })
    }

    /// What it was made of.
    #[must_use]
    pub fn material(&self) -> &Material {
        &self.material
    }

    /// What is known of the certificates that are served.
    #[must_use]
    pub fn facts(&self) -> Vec<CertificateFacts> {
        let files = self.material.certificates.iter().map(|pair| &pair.certificate);
        // all of them have been read before
        files.filter_map(|file| CertificateFacts::of(file).ok()).collect()
    }

    /// Carries out a handshake. `need` says what is asked of a client that wants this name; a
    /// client that names nothing is asked for what the service for every host asks for. Takes as
    /// long as the client likes: the caller has the clock.
    ///
    /// # Errors
    /// Why there is no connection. The client has been told, as far as it listens.
    pub async fn accept<IO>(
        &self,
        stream: IO,
        need: impl FnOnce(Option<&str>) -> ClientNeed,
    ) -> Result<(TlsStream<IO>, Secured), Fault>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let start = acceptor.await.map_err(|error| Fault::of(&error))?;
        let name = start.client_hello().server_name().map(canonical);
        if !self.certificates.covers(name.as_deref()) {
            return Err(unknown_name(start).await);
        }
        let config = match need(name.as_deref()) {
            ClientNeed::Off => &self.open,
            ClientNeed::Optional => self.optional.as_ref().unwrap_or(&self.open),
            ClientNeed::Required => self.required.as_ref().unwrap_or(&self.open),
        };
        let stream = start.into_stream(Arc::clone(config)).await;
        let stream = stream.map_err(|error| Fault::of(&error))?;
        let shown = shown(stream.get_ref().1, name)?;
        Ok((stream, shown))
    }
}

/// What a completed handshake has shown.
fn shown(state: &CommonState, sni: Option<String>) -> Result<Secured, Fault> {
    let alpn = if state.alpn_protocol() == Some(HTTP_2) { Alpn::Http2 } else { Alpn::Http1 };
    let client = match state.peer_certificates().and_then(<[_]>::first) {
        Some(der) => Some(ClientCertificate::read(der).ok_or(Fault::ClientCertificate)?),
        None => None,
    };
    Ok(Secured { sni, alpn, client })
}

async fn unknown_name<IO>(start: StartHandshake<IO>) -> Fault
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = start.io;
    // a client that does not wait for the alert learns it from the closed connection
    let told: io::Result<()> = async {
        stream.write_all(&UNRECOGNIZED_NAME).await?;
        stream.shutdown().await
    }
    .await;
    if told.is_err() { Fault::Closed } else { Fault::UnknownName }
}

/// A configuration with ticket keys of its own: tickets of another one mean nothing to it.
fn config(
    certificates: Arc<dyn ResolvesServerCert>,
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    protocols: &[&[u8]],
) -> Result<Arc<ServerConfig>, MaterialError> {
    let failed = |error: rustls::Error| MaterialError {
        file: "the cryptography library".to_owned(),
        found: error.to_string(),
        expected: "TLS 1.2 and 1.3 with random ticket keys",
        remedy: "report this as a mistake of palisade",
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(failed)?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(certificates);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // sessions are kept by clients, in tickets, so that they take no room here
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(failed)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // early data can be replayed (RFC 8446 §8)
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}
