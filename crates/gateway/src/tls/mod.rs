//! TLS on both sides: listeners that ask for certificates by host, and upstreams that are verified.
//!
//! - [`Terminator`] is the TLS of one listener: certificates chosen by the name that the client
//!   asks for (SNI), ALPN `h2` and `http/1.1`, TLS 1.2 and 1.3, no early data. It keeps one
//!   configuration for each demand on the client's certificate, each with ticket keys of its own,
//!   so that a session begun without a certificate cannot be resumed where one is required.
//! - [`TlsSlot`] is where it is replaced while connections live; only new handshakes meet the new
//!   one.
//! - [`agreement`] compares what a handshake proved with what the host of a request asks for.
//! - [`Connector`] is the way to upstreams over TLS. Nothing turns verification off.
//!
//! Cryptography is aws-lc-rs everywhere; the process-wide default provider is not used.

pub mod agreement;
mod certificates;
mod clients;
mod connect;
mod fault;
mod material;
mod slots;
mod terminate;

use std::sync::{Arc, LazyLock};

pub use clients::ClientCertificate;
pub use connect::{Connector, UpstreamMaterial};
pub use fault::{Fault, HandshakeCounts};
pub use material::{CertificateFacts, File, Material, MaterialError, Pair};
use rustls::crypto::CryptoProvider;
pub use slots::TlsSlot;
pub use terminate::Terminator;

/// What may be spoken over a connection, as agreed on by ALPN (RFC 7301).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Alpn {
    /// HTTP/1.1, also when the client named nothing.
    Http1,
    /// HTTP/2.
    Http2,
}

/// What a handshake with a client has shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Secured {
    /// The name that the client asked for, in lower case; none for a client that uses an address.
    pub sni: Option<String>,
    /// What is spoken from here on.
    pub alpn: Alpn,
    /// The client's certificate, verified against the listener's `client_ca`.
    pub client: Option<ClientCertificate>,
}

/// The cryptography of every configuration.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}
