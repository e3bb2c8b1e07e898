//! What can keep the gateway from starting, or from taking a new arrangement.

use std::io;
use std::net::SocketAddr;

/// Why the gateway does not do what it was told. Traffic cannot cause any of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// A listener could not be opened.
    #[error("cannot listen on {address}: {source}; is another process using the address?")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// No listener is configured.
    #[error("no listener: expected at least one [[listeners]] with `bind`")]
    NoListener,
    /// A service has nowhere to send its requests.
    #[error("service `{service}` has no upstream: add `upstreams = [\"http://HOST:PORT\"]`")]
    NoUpstream {
        /// The service's name.
        service: String,
    },
    /// The system gave no random bytes for exchange identities.
    #[error("the system gave no random bytes: {0}")]
    Randomness(getrandom::Error),
    /// A worker's thread or runtime could not be started.
    #[error("cannot start a worker: {0}; is the limit on threads or open files reached?")]
    Worker(io::Error),
}
