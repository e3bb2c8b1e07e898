//! What a running process says of itself.

use serde_json::{Value, json};

use super::handover::Role;
use super::{Running, now};

impl Running {
    /// How it is going; `palisade status --format json` prints it.
    pub(crate) fn status(&self) -> Value {
        let summary = self.metrics.summary();
        let services: Vec<Value> = self
            .settings
            .policy
            .services
            .iter()
            .zip(&self.settings.document.services)
            .map(|(service, written)| {
                let counted = summary.services.iter().find(|(name, _)| *name == service.name);
                let upstreams = written
                    .upstreams
                    .targets
                    .iter()
                    .map(|upstream| format!("http://{}:{}", upstream.host, upstream.port));
                json!({
                    "name": &*service.name,
                    "mode": service.mode.as_str(),
                    "exchanges": counted.map_or(0, |(_, count)| *count),
                    "upstreams": upstreams.collect::<Vec<_>>(),
                })
            })
            .collect();
        let view = self.analyst.view();
        let trouble = view.borrow().health.sinks.iter().find_map(|sink| sink.trouble.clone());
        let workers: Vec<Value> =
            summary.connections.iter().map(|open| json!({ "connections": open })).collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "uptime_s": self.started.elapsed().as_secs(),
            "at": now().to_string(),
            "ready": self.metrics.is_ready(),
            "database": self.database(),
            "listeners": self.listeners(),
            "services": services,
            "revision": self.revision(),
            "last_reload": {
                "at": self.reloaded_at.to_string(),
                "error": self.reload_error,
            },
            "workers": workers,
            "budgets": {
                "connections": self.connections_max,
                "memory_bytes": self.memory.limit(),
                "memory_pressure": self.memory.pressure().as_str(),
            },
            "dropped": {
                "observations": summary.dropped,
                "connections": summary.overloads,
            },
            "store": { "trouble": trouble },
        })
    }

    fn listeners(&self) -> Vec<Value> {
        let traffic = self.traffic_addrs().iter().map(|address| (Role::Traffic, *address));
        traffic
            .chain([
                (Role::Telemetry, self.telemetry.local_addr()),
                (Role::Console, self.console_address),
            ])
            .map(|(role, address)| json!({ "role": role.as_str(), "address": address }))
            .collect()
    }
}
