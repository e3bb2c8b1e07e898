//! Live traffic: the inline reverse proxy in front of the services of a policy.
//!
//! HTTP/1.1 and HTTP/2 towards clients, over `wire` and `h2` for the bytes and `inspect` for the
//! decisions; this crate moves bytes, keeps time and holds sockets, and has no opinion of its own
//! about what is an attack.
//!
//! - [`Gateway::start`] opens the listeners and starts the workers: one thread each, with its own
//!   runtime, its own accepting sockets and its own upstream connections. Workers have in common
//!   the [`reload::Arrangement`] in force, the [`outlet`], and nothing else.
//! - [`Running`] reloads and drains.
//! - [`tls`] is what clients meet in handshakes, and how upstreams are verified.
//! - [`health::Telemetry`] serves `/livez`, `/readyz` and `/metrics`.
//!
//! In `observe`, nothing that either application can see changes: target, fields with their order
//! and case, body bytes. Only hop-by-hop fields and framing are the gateway's.

pub mod access_log;
mod amend;
pub mod budget;
mod cache;
pub mod challenges;
mod compress;
mod correlation;
mod error;
pub mod forwarding;
pub mod health;
pub mod limits;
mod listener;
pub mod metrics;
pub mod outlet;
mod pace;
mod proxy;
mod proxy_header;
mod refuse;
pub mod reload;
mod running;
mod ticker;
pub mod tls;
mod transport;
mod ulid;
mod upstream;
mod worker;

pub use error::GatewayError;
pub use listener::ListenerConfig;
pub use running::{Drained, Gateway, GatewayConfig, Running};
