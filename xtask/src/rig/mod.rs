//! What measurements and soaks are made with: the servers that are compared, the programs and the
//! client that load them, and what /proc says about all of them.

pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod figures;
pub(crate) mod h2load;
pub(crate) mod haproxy;
pub(crate) mod loopback;
pub(crate) mod nginx;
pub(crate) mod palisade;
pub(crate) mod process;
pub(crate) mod wrk;

/// What a load found out.
#[derive(Debug, PartialEq)]
pub(crate) struct Load {
    /// Requests that were answered with success; all that were sent, or it is no measurement.
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    /// Milliseconds, like the next; nothing where the program does not tell.
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

/// What every request asks for, unless the part needs another: the path of an order.
pub(crate) const PATH: &str = "/v1/orders/8d1f6a52-0b7c-4a49-9c4e-5b1f0a6c2d11";
