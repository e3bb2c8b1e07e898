//! `palisade check`: is this configuration sound?

use std::fmt::Write as _;
use std::time::Duration;

use gateway::limits::{Timeouts, UPSTREAM_IDLE};
use policy::document::access_log::{LogFormat, LogPaths};
use policy::document::acme::DIRECTORY_DEFAULT;
use policy::document::tls::{CertificateSource, ClientNeed};
use policy::document::upstreams::{
    Balance, CircuitBounds, HashOn, HealthCheck, Protocol, Retries, Scheme,
};
use policy::document::{Listener, ServiceDocument, Upstreams};
use policy::{Mode, Service};

use crate::args::{Global, Print};
use crate::settings::Settings;
use crate::terminal;

/// Reads everything the settings refer to and says what is in force. What cannot be carried out
/// is an error; what is declared and not enforced is named.
pub(crate) fn run(print: Option<Print>, global: &Global) -> anyhow::Result<u8> {
    let settings = Settings::load(global)?;
    let mut shown = String::new();
    for service in &settings.policy.services {
        describe(service, &mut shown);
    }
    if print == Some(Print::Effective) {
        effective(&settings, &mut shown);
    }
    let file = settings.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    writeln!(shown, "{file}: sound; revision {}", settings.policy.revision)?;
    terminal::result(&shown)?;
    Ok(0)
}

fn describe(service: &Service, shown: &mut String) {
    let (operations, warnings) = service
        .contract
        .as_ref()
        .map_or((0, &[][..]), |contract| (contract.operations().len(), contract.warnings()));
    let covers =
        if service.hosts.is_empty() { "every host".to_owned() } else { service.hosts.join(", ") };
    shown.push_str(&format!(
        "service {}: {} for {covers}; {operations} operations; undocumented: {}\n",
        service.name, service.mode, service.undocumented
    ));
    if service.mode == Mode::Block {
        for warning in warnings {
            shown.push_str(&format!("  not enforced: {warning}\n"));
        }
    } else if !warnings.is_empty() {
        shown.push_str(&format!(
            "  {} constructs of the contract are not enforced by this version\n",
            warnings.len()
        ));
    }
}

fn effective(settings: &Settings, shown: &mut String) {
    let document = &settings.document;
    let mut line = |name: &str, value: String, written: bool| {
        let origin = if written { "file" } else { "default" };
        shown.push_str(&format!("{name} = {value}    # {origin}\n"));
    };
    line("mode", format!("\"{}\"", document.mode), settings.text.contains("mode"));
    for listener in &document.listeners {
        line("listeners.bind", format!("\"{}\"", listener.bind), true);
        listener_tls(listener, &mut line);
    }
    let console = document.console.unwrap_or(crate::run::CONSOLE_DEFAULT);
    line("console.bind", format!("\"{console}\""), document.console.is_some());
    let telemetry = document.telemetry.unwrap_or(crate::run::TELEMETRY_DEFAULT);
    line("telemetry.bind", format!("\"{telemetry}\""), document.telemetry.is_some());
    let store = format!("\"sqlite:{}\"", settings.store_path().display());
    line("storage.store", store, document.store.is_some());
    let workers = document.workers.unwrap_or_else(crate::run::default_workers);
    line("runtime.workers", workers.to_string(), document.workers.is_some());
    let identity: Vec<String> =
        document.identity.iter().map(|name| format!("\"{name}\"")).collect();
    line("trust.identity", format!("[{}]", identity.join(", ")), !identity.is_empty());
    access_log(settings, &mut line);
    let control = format!("\"{}\"", settings.control_path().display());
    let memory = document.runtime.memory.or_else(gateway::budget::memory_limit);
    let limit = memory.map_or_else(|| "none".to_owned(), |bytes| format!("\"{bytes}B\""));
    line("runtime.memory", limit, document.runtime.memory.is_some());
    line("runtime.control", control, document.runtime.control.is_some());
    let (clients, usual) = (document.client_timeouts, Timeouts::default());
    let mut period = |name: &str, set: Option<Duration>, usual| {
        line(name, span(set.unwrap_or(usual)), set.is_some());
    };
    period("runtime.timeouts.request_head", clients.request_head, usual.request_head);
    period("runtime.timeouts.idle", clients.idle, usual.idle);
    for service in &document.services {
        upstreams(&service.name.value, &service.upstreams, &mut line);
        service_tls(service, &mut line);
    }
    for service in &settings.policy.services {
        let profile = service.profile.as_str();
        let same = |one: &&ServiceDocument| one.name.value == *service.name;
        let said = document.services.iter().find(same).is_some_and(|one| one.profile.is_some());
        line(&format!("services.{}.profile", service.name), format!("\"{profile}\""), said);
        let limit = format!("\"{}B\"", service.request_body_bytes_max);
        let written = document
            .services
            .iter()
            .any(|one| one.name.value == *service.name && one.body_bytes_max.is_some());
        line(&format!("services.{}.limits.body", service.name), limit, written);
        if let Some(cache) = service.cache {
            let sizes = [("size", cache.bytes_max), ("entry", cache.entry_bytes_max)];
            let [size, entry] = sizes.map(|(name, bytes)| format!("{name} = \"{bytes}B\""));
            line(
                &format!("services.{}.cache", service.name),
                format!("{{ {size}, {entry} }}"),
                true,
            );
        }
        if service.correlate {
            line(&format!("services.{}.correlate", service.name), "true".to_owned(), true);
        }
        if !service.compress.is_empty() {
            let names: Vec<&str> = service.compress.iter().map(|coding| coding.as_str()).collect();
            line(&format!("services.{}.compress", service.name), format!("{names:?}"), true);
        }
    }
}

/// What is written of exchanges.
fn access_log(settings: &Settings, line: &mut impl FnMut(&str, String, bool)) {
    let Some(log) = &settings.document.access_log else { return };
    let file = settings.base.join(&log.file);
    line("access_log.file", format!("\"{}\"", file.display()), true);
    let (format, paths) = (log.format, log.paths);
    line("access_log.format", quoted(format.as_str()), format != LogFormat::default());
    line("access_log.paths", quoted(paths.as_str()), paths != LogPaths::default());
}

/// What handshakes at a listener meet: names of files, never what is in them.
fn listener_tls(listener: &Listener, line: &mut impl FnMut(&str, String, bool)) {
    let Some(tls) = &listener.tls else {
        return line("listeners.tls", "false".to_owned(), false);
    };
    match &tls.source {
        CertificateSource::Acme(acme) => {
            let domains = list(acme.domains.iter().map(String::as_str));
            line("listeners.tls.domains", domains, true);
            let usual = acme.directory == DIRECTORY_DEFAULT;
            line("listeners.tls.acme_directory", quoted(&acme.directory), !usual);
        }
        CertificateSource::Files(pairs) => {
            for pair in pairs {
                let (cert, key) = (quoted(&pair.cert.value), quoted(&pair.key.value));
                line("listeners.tls", format!("{{ cert = {cert}, key = {key} }}"), true);
            }
        }
    }
    if let Some(ca) = &tls.client_ca {
        line("listeners.client_ca", quoted(&ca.value), true);
    }
    if !tls.crl.is_empty() {
        line("listeners.crl", list(tls.crl.iter().map(|file| file.value.as_str())), true);
    }
}

/// Which certificates a service asks of its clients, and how its upstreams prove who they are.
fn service_tls(service: &ServiceDocument, line: &mut impl FnMut(&str, String, bool)) {
    let name = &service.name.value;
    if let Some(rule) = service.client.as_ref().map(|rule| &rule.value) {
        let need = match rule.need {
            ClientNeed::Off => "off",
            ClientNeed::Optional => "optional",
            ClientNeed::Required => "required",
        };
        let digests: Vec<String> = rule.spki_sha256.iter().map(|digest| hex(digest)).collect();
        let value = format!(
            "{{ need = \"{need}\", san_dns = {}, san_uri = {}, spki_sha256 = {} }}",
            list(rule.san_dns.iter().map(String::as_str)),
            list(rule.san_uri.iter().map(String::as_str)),
            list(digests.iter().map(String::as_str))
        );
        line(&format!("services.{name}.client_certificate"), value, true);
    }
    if !service.upstreams.targets.iter().any(|target| target.scheme == Scheme::Https) {
        return;
    }
    let tls = service.upstream_tls.as_ref();
    let ca = tls.and_then(|tls| tls.ca.as_ref());
    let shown = ca.map_or_else(|| "the system's".to_owned(), |ca| quoted(&ca.value));
    line(&format!("services.{name}.upstream_tls.ca"), shown, ca.is_some());
    if let Some(server) = tls.and_then(|tls| tls.server_name.as_ref()) {
        line(&format!("services.{name}.upstream_tls.server_name"), quoted(&server.value), true);
    }
    if let Some(pair) = tls.and_then(|tls| tls.client.as_ref()) {
        let files = [("client_cert", &pair.cert), ("client_key", &pair.key)];
        for (key, file) in files {
            line(&format!("services.{name}.upstream_tls.{key}"), quoted(&file.value), true);
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    format!("[{}]", texts.map(quoted).collect::<Vec<_>>().join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A period as the settings write it.
fn span(period: Duration) -> String {
    let millis = period.as_millis();
    if millis.is_multiple_of(1_000) {
        format!("\"{}s\"", millis / 1_000)
    } else {
        format!("\"{millis}ms\"")
    }
}

/// What holds for the upstreams of a service.
fn upstreams(service: &str, settings: &Upstreams, line: &mut impl FnMut(&str, String, bool)) {
    let usual = Upstreams::default();
    let mut line = |name: &str, value: String, written: bool| {
        line(&format!("services.{service}.{name}"), value, written);
    };
    let spoken = settings.targets.first().map(|target| target.protocol).unwrap_or_default();
    let protocol = match spoken {
        Protocol::Http1 => "\"http1\"",
        Protocol::Http2 => "\"http2\"",
    };
    line("protocol", protocol.to_owned(), spoken != Protocol::default());
    let balance = match &settings.balance {
        Balance::Hash(_) => "\"hash\"",
        Balance::LeastLoaded => "\"least_loaded\"",
    };
    line("balance", balance.to_owned(), settings.balance != usual.balance);
    match &settings.balance {
        Balance::Hash(HashOn::ClientIp) => line("hash_on", "\"client_ip\"".to_owned(), true),
        Balance::Hash(HashOn::Header(name)) => line("hash_on", format!("\"header:{name}\""), true),
        Balance::LeastLoaded => {}
    }
    let retries = u8::from(settings.retries == Retries::Once);
    line("retries", retries.to_string(), settings.retries != usual.retries);
    if let Some(health) = &settings.health {
        let HealthCheck { path, interval, timeout, unhealthy_after, healthy_after } = health;
        let (interval, timeout) = (span(*interval), span(*timeout));
        let value = format!(
            "{{ path = \"{path}\", interval = {interval}, timeout = {timeout}, \
             unhealthy_after = {unhealthy_after}, healthy_after = {healthy_after} }}"
        );
        line("health", value, true);
    }
    let CircuitBounds { in_flight_max, pending_max, error_percent, .. } = settings.circuit;
    let CircuitBounds { requests_min, window, open_for, .. } = settings.circuit;
    let value = format!(
        "{{ in_flight = {in_flight_max}, pending = {pending_max}, \
         error_percent = {error_percent}, requests_min = {requests_min}, \
         window = {}, open_for = {} }}",
        span(window),
        span(open_for)
    );
    line("circuit", value, settings.circuit != usual.circuit);
    let (set, usual) = (settings.timeouts, Timeouts::default());
    for (name, set, usual) in [
        ("timeouts.connect", set.connect, usual.connect),
        ("timeouts.response_head", set.response_head, usual.response_head),
        ("timeouts.stall", set.stall, usual.stall),
        ("timeouts.idle", set.idle, UPSTREAM_IDLE),
    ] {
        line(name, span(set.unwrap_or(usual)), set.is_some());
    }
}
