//! TLS: connections that stay open, full handshakes, and HTTP/2, each beside nginx's.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::turns::{self, Contender, Effort, Loader};
use crate::rig::certificate::Certificate;
use crate::rig::nginx::{Door, Nginx};
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::{h2load, wrk};

/// HTTP/1.1 over TLS: requests on open connections, then a connection for each request.
pub(super) fn measure_tls(binary: &Path, effort: Effort) -> Result<Value> {
    let open = format!("TLS, HTTP/1.1, {} keep-alive connections", wrk::CONNECTIONS);
    Ok(json!({
        "keep-alive": compare(binary, effort, &open, &wrk::run_tls)?,
        "handshakes": compare(
            binary, effort, "TLS, a full handshake for each request", &h2load::handshakes
        )?,
    }))
}

/// HTTP/2 over TLS.
pub(super) fn measure_http2(binary: &Path, effort: Effort) -> Result<Value> {
    let (connections, streams) = (h2load::CONNECTIONS, h2load::STREAMS);
    let title = format!("HTTP/2 over TLS, {connections} connections with {streams} streams each");
    compare(binary, effort, &title, &h2load::http2)
}

fn compare(binary: &Path, effort: Effort, title: &str, load: Loader<'_>) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let certificate = Certificate::new(directory)?;
    let origin = Nginx::origin(directory)?;
    let nginx = Nginx::proxy(directory, "nginx", origin.port, Door::Secure(&certificate))?;
    let palisade = Palisade::start(&Setup {
        binary,
        directory,
        origin: origin.port,
        contract: None,
        certificate: Some(&certificate),
    })?;
    let contenders = [
        Contender { name: "nginx", port: nginx.port, pid: nginx.worker },
        Contender { name: "palisade", port: palisade.port, pid: palisade.pid() },
    ];
    let samples = turns::take(&contenders, effort, load)?;
    Ok(turns::report(title, &contenders, &samples))
}
