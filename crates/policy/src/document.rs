//! The file format: what an operator may write in `palisade.toml`, read with places.

pub mod access_log;
pub mod acme;
mod cache;
mod runtime;
pub mod tls;
pub mod upstreams;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use ::wire::Profile;
use ipnet::{IpNet, Ipv4Net};
use toml::de::DeTable;

use crate::error::SettingError;
use crate::mode::Mode;
use crate::section::{Placed, Section};
use access_log::AccessLogDocument;
use tls::{ClientRule, ListenerTls, UpstreamTls};
pub use upstreams::{Upstream, Upstreams};

pub use self::cache::{CacheSettings, Coding};
pub use runtime::{RuntimeDocument, Whereabouts};

/// A settings file, as written; defaults are filled in where a value has one.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// `mode`.
    pub mode: Mode,
    /// `[[listeners]]`.
    pub listeners: Vec<Listener>,
    /// `[trust] proxies`.
    pub trusted: Vec<IpNet>,
    /// `[trust] identity`: fields that only a trusted proxy may set.
    pub identity: Vec<String>,
    /// `[services.NAME]`, by name.
    pub services: Vec<ServiceDocument>,
    /// `[console] bind`.
    pub console: Option<SocketAddr>,
    /// `[storage] store`: the path of the database.
    pub store: Option<String>,
    /// `[telemetry] bind`.
    pub telemetry: Option<SocketAddr>,
    /// `[runtime] workers`.
    pub workers: Option<usize>,
    /// The rest of `[runtime]`.
    pub runtime: RuntimeDocument,
    /// `[runtime] timeouts`.
    pub client_timeouts: ClientTimeouts,
    /// `[access_log]`.
    pub access_log: Option<AccessLogDocument>,
}

/// How long clients may take before it is known which service they want; `None` is the gateway's
/// default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ClientTimeouts {
    /// `request_head`: from the first byte of a head to its last, and from connecting to the first.
    pub request_head: Option<Duration>,
    /// `idle`: from an answer to the next request's first byte.
    pub idle: Option<Duration>,
}

/// A place where traffic comes in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    /// Address and port.
    pub bind: SocketAddr,
    /// `h2c`: clients speak HTTP/2 without TLS, from the first byte.
    pub h2c: bool,
    /// Every connection begins with a PROXY header, from one of `[trust] proxies`.
    pub proxy_protocol: bool,
    /// `tls` with `client_ca` and `crl`; none: in the clear.
    pub tls: Option<ListenerTls>,
}

/// One API.
#[derive(Clone, Debug)]
pub struct ServiceDocument {
    /// Its name.
    pub name: Placed<String>,
    /// Hosts it answers for; none: every host.
    pub hosts: Vec<Placed<String>>,
    /// Where it really runs.
    pub upstreams: Upstreams,
    /// Files of its contract, relative to the settings file.
    pub spec: Vec<Placed<String>>,
    /// Overrides the file's `mode`.
    pub mode: Option<Mode>,
    /// `profile`: how doubts about a request are treated where something is enforced.
    pub profile: Option<Profile>,
    /// For operations that are missing from the contract; default: the service's mode.
    pub undocumented: Option<Mode>,
    /// `limits.body`, in bytes.
    pub body_bytes_max: Option<u64>,
    /// `limits.on_overflow`: for bodies larger than the limit; default: the service's mode.
    pub on_overflow: Option<Mode>,
    /// `cache`; none: answers are not stored.
    pub cache: Option<CacheSettings>,
    /// `compress`: codings in order of preference; none: answers pass as they came.
    pub compress: Vec<Coding>,
    /// `correlate`: requests get an id and a place in a trace; default: no.
    pub correlate: bool,
    /// `client_certificate`; default: none is asked for.
    pub client: Option<Placed<ClientRule>>,
    /// `upstream_tls`, for upstreams that begin with `https`.
    pub upstream_tls: Option<UpstreamTls>,
}

impl Document {
    /// Reads a settings file.
    ///
    /// # Errors
    /// Every mistake in it, in the order of the text.
    pub fn read(text: &str) -> Result<Self, Vec<SettingError>> {
        let root = DeTable::parse(text).map_err(|error| vec![syntax(&error)])?;
        let mut errors = Vec::new();
        let document = read_root(Section::new(root.get_ref(), String::new()), &mut errors);
        errors.sort_by_key(|error| error.span.as_ref().map_or(usize::MAX, |span| span.start));
        if errors.is_empty() { Ok(document) } else { Err(errors) }
    }
}

fn syntax(error: &toml::de::Error) -> SettingError {
    SettingError {
        code: "config::syntax",
        span: error.span(),
        setting: "the file".to_owned(),
        message: error.message().to_owned(),
        remedy: "write TOML 1.0".to_owned(),
    }
}

fn read_root(mut root: Section<'_>, errors: &mut Vec<SettingError>) -> Document {
    root.later(&["include", "auth", "policies", "dlp"]);
    let mut document =
        Document { mode: root.mode("mode", errors).unwrap_or_default(), ..Document::default() };
    let mut told_proxied = None;
    for (mut listener, span) in root.sections("listeners", errors) {
        let h2c = listener.boolean("h2c", errors).unwrap_or_default();
        let proxy_protocol = listener.boolean("proxy_protocol", errors).unwrap_or_default();
        told_proxied =
            listener.span_of("proxy_protocol").filter(|_| proxy_protocol).or(told_proxied);
        let tls = tls::listener(&mut listener, errors);
        match address(&mut listener, errors) {
            Some(bind) => document.listeners.push(Listener { bind, h2c, proxy_protocol, tls }),
            None => missing(&listener, "bind", "an address as in \"127.0.0.1:8080\"", span, errors),
        }
        listener.finish(errors);
    }
    if let Some(mut trust) = root.section("trust", errors) {
        document.trusted = networks(&mut trust, errors);
        document.identity = wire::identity(&mut trust, errors);
        trust.finish(errors);
    }
    if let Some(span) = told_proxied.filter(|_| document.trusted.is_empty()) {
        errors.push(SettingError {
            code: "config::proxy_protocol_without_trust",
            span: Some(span),
            setting: "listeners.proxy_protocol".to_owned(),
            message: "nobody may send a PROXY header: `[trust] proxies` is empty".to_owned(),
            remedy: "name the balancers, as in proxies = [\"10.0.0.0/8\"]".to_owned(),
        });
    }
    if let Some(services) = root.section("services", errors) {
        for (name, span, entry) in services.entries() {
            let path = services.name(name);
            if let Some(section) = services.table_of(path, name, entry, errors) {
                let name = Placed { value: name.to_owned(), span };
                document.services.push(read_service(name, section, errors));
            }
        }
    }
    if let Some(mut console) = root.section("console", errors) {
        console.later(&["oidc", "writes"]);
        document.console = address(&mut console, errors);
        console.finish(errors);
    }
    if let Some(storage) = root.section("storage", errors) {
        document.store = read_storage(storage, errors);
    }
    if let Some(mut telemetry) = root.section("telemetry", errors) {
        telemetry.later(&["per_endpoint"]);
        document.telemetry = address(&mut telemetry, errors);
        telemetry.finish(errors);
    }
    if let Some(mut runtime) = root.section("runtime", errors) {
        document.workers = workers(&mut runtime, errors);
        document.runtime = RuntimeDocument::read(&mut runtime, errors);
        if let Some(mut timeouts) = runtime.section("timeouts", errors) {
            document.client_timeouts = ClientTimeouts {
                request_head: upstreams::period(&mut timeouts, "request_head", errors),
                idle: upstreams::period(&mut timeouts, "idle", errors),
            };
            timeouts.finish(errors);
        }
        runtime.finish(errors);
    }
    document.access_log = access_log::read(&mut root, errors);
    root.finish(errors);
    document
}

fn read_service(
    name: Placed<String>,
    mut section: Section<'_>,
    errors: &mut Vec<SettingError>,
) -> ServiceDocument {
    section.later(&["session", "format", "resolve"]);
    let hosts = section.texts("hosts", errors);
    let upstreams = upstreams::read(&mut section, name.span.clone(), errors);
    let spec = section.texts("spec", errors);
    for text in spec.iter().filter(|text| text.value == "learned" || text.value.contains("://")) {
        errors.push(SettingError {
            code: "config::not_in_this_version",
            span: Some(text.span.clone()),
            setting: section.name("spec"),
            message: format!("found `{}`, expected the path of a file", text.value),
            remedy: "name OpenAPI files, relative to this one".to_owned(),
        });
    }
    let client = tls::client_rule(&mut section, errors);
    let upstream_tls = tls::upstream(&mut section, &upstreams, errors);
    let mode = section.mode("mode", errors);
    let profile = wire::profile(&mut section, errors);
    let undocumented = section.mode("undocumented", errors);
    let (mut body_bytes_max, mut on_overflow) = (None, None);
    if let Some(mut limits) = section.section("limits", errors) {
        limits.later(&["inspect_timeout"]);
        body_bytes_max = limits.size("body", errors);
        on_overflow = limits.mode("on_overflow", errors);
        limits.finish(errors);
    }
    let cache = cache::cache(&mut section, errors);
    let compress = cache::compress(&mut section, errors);
    let correlate = section.boolean("correlate", errors).unwrap_or_default();
    section.finish(errors);
    ServiceDocument {
        name,
        hosts,
        upstreams,
        spec,
        mode,
        profile,
        undocumented,
        body_bytes_max,
        on_overflow,
        cache,
        compress,
        correlate,
        client,
        upstream_tls,
    }
}

fn read_storage(mut storage: Section<'_>, errors: &mut Vec<SettingError>) -> Option<String> {
    let store = storage.text("store", errors);
    let observations = storage.text("observations", errors);
    let meters = storage.text("meters", errors);
    let path = store.as_ref().and_then(|text| text.value.strip_prefix("sqlite:"));
    let mut refuse = |key: &str, text: &Placed<String>, remedy: &str| {
        errors.push(SettingError {
            code: "config::storage",
            span: Some(text.span.clone()),
            setting: storage.name(key),
            message: format!("`{}` is not a storage of this version", text.value),
            remedy: remedy.to_owned(),
        });
    };
    if let (Some(text), None) = (&store, path) {
        refuse("store", text, "write \"sqlite:FILE\"");
    }
    if let Some(text) = &observations
        && store.as_ref().is_none_or(|store| store.value != text.value)
    {
        refuse("observations", text, "use the same database as `store`");
    }
    if let Some(text) = meters.filter(|text| text.value != "memory") {
        refuse("meters", &text, "write \"memory\"");
    }
    let path = path.map(str::to_owned);
    storage.finish(errors);
    path
}

fn workers(runtime: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Option<usize> {
    let workers = runtime.count("workers", errors)?;
    if (1..=1_024).contains(&workers.value) {
        return usize::try_from(workers.value).ok();
    }
    errors.push(SettingError {
        code: "config::range",
        span: Some(workers.span),
        setting: runtime.name("workers"),
        message: format!("found {}, expected 1 to 1024", workers.value),
        remedy: "leave it out for one worker per core".to_owned(),
    });
    None
}

fn address(section: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Option<SocketAddr> {
    let text = section.text("bind", errors)?;
    let parsed = text.value.parse().ok();
    if parsed.is_none() {
        errors.push(SettingError {
            code: "config::address",
            span: Some(text.span),
            setting: section.name("bind"),
            message: format!("`{}` is not an address with a port", text.value),
            remedy: "write \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned(),
        });
    }
    // what is wrong has been said; anything will do until the file is mended
    parsed.or(Some(SocketAddr::from(([127, 0, 0, 1], 0))))
}

fn networks(trust: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for text in trust.texts("proxies", errors) {
        let single = text.value.parse::<IpAddr>().ok().map(IpNet::from);
        match text.value.parse::<IpNet>().ok().or(single) {
            Some(network) => networks.push(canonical(network)),
            None => errors.push(SettingError {
                code: "config::network",
                span: Some(text.span),
                setting: trust.name("proxies"),
                message: format!("`{}` is not a network", text.value),
                remedy: "write an address or a prefix, as in \"10.0.0.0/8\"".to_owned(),
            }),
        }
    }
    networks
}

/// IPv4 networks are compared as such, also where they are written as IPv6.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(wide) = network else { return network };
    let narrow = wide.addr().to_ipv4_mapped().zip(wide.prefix_len().checked_sub(96));
    let narrow = narrow.and_then(|(address, prefix)| Ipv4Net::new(address, prefix).ok());
    narrow.map_or(network, IpNet::V4)
}

fn missing(
    section: &Section<'_>,
    key: &str,
    expected: &str,
    span: Range<usize>,
    errors: &mut Vec<SettingError>,
) {
    errors.push(SettingError {
        code: "config::missing",
        span: Some(span),
        setting: section.name(key),
        message: format!("`{key}` is missing"),
        remedy: format!("add {expected}"),
    });
}
