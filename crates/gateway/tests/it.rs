//! The gateway on real sockets, between raw clients and raw upstreams.

mod forwarding;
mod harness;
mod lifecycle;
mod refusals;
mod telemetry;
mod transparency;
mod upstreams;
