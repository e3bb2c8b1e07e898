//! What a running process says of itself.

use exchange::moment::Moment;
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
            "certificates": self.certificates(),
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

    /// What is served over TLS, and until when; a listener without certificates has no `names`.
    fn certificates(&self) -> Vec<Value> {
        let mut told = Vec::new();
        for (address, slot) in self.traffic_addrs().iter().zip(self.renewal.slots()) {
            let Some(terminator) = slot.get() else { continue };
            let facts = terminator.facts();
            if facts.is_empty() {
                told.push(json!({ "listener": address, "names": [] }));
            }
            for one in facts {
                told.push(json!({
                    "listener": address,
                    "names": one.names,
                    "not_before_s": one.not_before_s,
                    "not_after_s": one.not_after_s,
                    "not_after": Moment::from_micros(one.not_after_s * 1_000_000).to_string(),
                }));
            }
        }
        told
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
