//! Where everything listens: taken over from a predecessor, or opened.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context;
use gateway::budget::{self, Memory};
use gateway::{GatewayConfig, ListenerConfig};
use policy::document::Document;

use super::handover::Role;
use super::{CONSOLE_DEFAULT, Keeper, TELEMETRY_DEFAULT, default_workers};
use crate::acme::Issuance;
use crate::certificates::Renewal;
use crate::settings::Settings;

/// Where everything listens.
pub(super) struct Places {
    pub(super) gateway: GatewayConfig,
    pub(super) telemetry: TcpListener,
    pub(super) console: TcpListener,
}

impl Places {
    /// The addresses of telemetry and console.
    pub(super) fn binds(settings: &Settings) -> (SocketAddr, SocketAddr) {
        let document = &settings.document;
        let telemetry = document.telemetry.unwrap_or(TELEMETRY_DEFAULT);
        (telemetry, document.console.unwrap_or(CONSOLE_DEFAULT))
    }

    /// Takes what the predecessor has open, and opens the rest.
    pub(super) fn take(
        settings: &Settings,
        (renewal, issuance): (&Renewal, &Issuance),
        keeper: &mut Keeper,
    ) -> anyhow::Result<Self> {
        let mut taken = |role, bind| match keeper {
            Keeper::Ours(_) => Vec::new(),
            Keeper::Theirs(predecessor) => predecessor.take(role, bind),
        };
        let document = &settings.document;
        let mut gateway = gateway_config(document, renewal);
        gateway.challenges = issuance.challenges();
        gateway.connections_max = budget::connections(budget::raise_descriptors());
        let limit = document.runtime.memory.or_else(budget::memory_limit);
        gateway.memory = Arc::new(Memory::new(limit));
        for bind in document.listeners.iter().map(|listener| listener.bind) {
            let sockets = taken(Role::Traffic, bind).into_iter();
            gateway.inherited.extend(sockets.map(|socket| (bind, Arc::new(socket))));
        }
        let (telemetry, console) = Self::binds(settings);
        let mut one = |role: Role, bind| match taken(role, bind).pop() {
            Some(socket) => Ok(socket),
            None => TcpListener::bind(bind).with_context(|| {
                let role = role.as_str();
                format!("the {role} cannot listen on {bind}; set [{role}] bind")
            }),
        };
        let telemetry = one(Role::Telemetry, telemetry)?;
        let console = one(Role::Console, console)?;
        Ok(Self { gateway, telemetry, console })
    }
}

fn gateway_config(document: &Document, renewal: &Renewal) -> GatewayConfig {
    let places = document.listeners.iter().zip(renewal.slots());
    let listeners = places.map(|(listener, tls)| ListenerConfig {
        address: listener.bind,
        h2c: listener.h2c,
        proxy_protocol: listener.proxy_protocol,
        tls: tls.clone(),
    });
    let workers = document.workers.unwrap_or_else(default_workers);
    let mut config = GatewayConfig::new(listeners, workers);
    let clients = document.client_timeouts;
    config.timeouts.request_head = clients.request_head.unwrap_or(config.timeouts.request_head);
    config.timeouts.idle = clients.idle.unwrap_or(config.timeouts.idle);
    config
}
