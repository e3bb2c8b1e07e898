//! Why there is no console.

use std::net::SocketAddr;

/// Why a console cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// Without TLS, sign-in is safe on loopback only.
    #[error(
        "the console would listen on {0}, which others can reach, without encryption; \
         bind it to 127.0.0.1 or [::1] and reach it through a tunnel"
    )]
    NotLoopback(SocketAddr),
    /// The operating system gives no random bytes.
    #[error("no random bytes for the console's sign-in: {0}")]
    Random(getrandom::Error),
}
