//! The gateway on real sockets, between raw clients and raw upstreams.

#![expect(clippy::unwrap_used, reason = "a test fails where what it set up does not hold")]

mod access_log;
mod cache;
mod client_address;
mod compress;
mod correlation;
mod forwarding;
mod harness;
mod http2;
mod http2_upstream;
mod inspection_faults;
mod lifecycle;
mod pki;
mod pressure;
mod refusals;
mod slow;
mod telemetry;
mod tls;
mod tls_hosts;
mod transparency;
mod upstream_choice;
mod upstream_faults;
mod upstreams;
