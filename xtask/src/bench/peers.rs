//! The gateway among its peers: nginx, HAProxy, and nginx with ModSecurity and the Core Rule Set.

use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::turns::{self, Contender, Effort};
use crate::rig::haproxy::Haproxy;
use crate::rig::nginx::{Door, Nginx};
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::wrk;

/// Measures all of them in turns, in front of the same origin.
pub(super) fn measure(binary: &Path, effort: Effort) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let nginx = Nginx::proxy(directory, "nginx", origin.port, Door::Plain)?;
    let haproxy = Haproxy::start(directory, origin.port)?;
    let guarded = Nginx::guarded(directory, origin.port)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let palisade = Palisade::start(&setup)?;
    let contenders = [
        Contender { name: "nginx", port: nginx.port, pid: nginx.worker },
        Contender { name: "HAProxy", port: haproxy.port, pid: haproxy.pid() },
        Contender { name: "palisade", port: palisade.port, pid: palisade.pid() },
        Contender { name: "nginx + ModSecurity + CRS", port: guarded.port, pid: guarded.worker },
    ];
    let samples = turns::take(&contenders, effort, &wrk::run)?;
    let title = format!("Peers, {} keep-alive connections", wrk::CONNECTIONS);
    Ok(turns::report(&title, &contenders, &samples))
}
