//! Where a service really runs, and how its upstreams are chosen, watched, spared and waited for.

use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use crate::error::SettingError;
use crate::section::{Placed, Section};

/// Upstreams of one service; more are better hidden behind a name.
pub const UPSTREAMS_MAX: usize = 256;

/// The shortest and the longest period that can be set: a worker's clock ticks four times a
/// second, and what takes more than a day is not waited for but forgotten.
pub const PERIODS: RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(24 * 3_600);

/// The servers of one service and how they are used.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Upstreams {
    /// `upstreams`, in the order of the text, each once.
    pub targets: Vec<Upstream>,
    /// `balance`, with `hash_on`.
    pub balance: Balance,
    /// `health`; without it, upstreams are judged by what they do with requests only.
    pub health: Option<HealthCheck>,
    /// `circuit`.
    pub circuit: CircuitBounds,
    /// `timeouts`; what is not set has the gateway's defaults.
    pub timeouts: ServiceTimeouts,
    /// `retries`: whether a request may be sent once more.
    pub retries: Retries,
}

/// `scheme://host:port` of a server behind the gateway.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Upstream {
    /// In the clear, or over TLS.
    pub scheme: Scheme,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// How an upstream is connected to.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Scheme {
    /// In the clear.
    #[default]
    Http,
    /// Over TLS.
    Https,
}

/// `protocol`: what is spoken to an upstream.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, as gRPC needs it: over TLS by ALPN, in the clear by prior knowledge.
    Http2,
}

/// `balance`: which upstream gets a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Balance {
    /// The same one for the same key, as long as it can.
    Hash(HashOn),
    /// The less loaded one of two taken at random.
    #[default]
    LeastLoaded,
}

/// `hash_on`: what makes requests belong together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum HashOn {
    /// The client's address.
    #[default]
    ClientIp,
    /// The first value of this field; requests without it belong to their client's address.
    Header(String),
}

/// `health`: an upstream is asked for a page at intervals.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthCheck {
    /// The path with query that is asked for.
    pub path: String,
    /// From the end of one check to the beginning of the next.
    pub interval: Duration,
    /// How long one check may take, connecting included.
    pub timeout: Duration,
    /// Checks that fail one after the other before the upstream is taken out.
    pub unhealthy_after: u32,
    /// Checks that succeed one after the other before it is put back.
    pub healthy_after: u32,
}

/// `circuit`: bounds on what one upstream is given, and when it is left alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CircuitBounds {
    /// Requests under way to one upstream, of all workers together.
    pub in_flight_max: u32,
    /// Requests of the service that wait for an upstream that has room, of all workers together.
    pub pending_max: u32,
    /// Of the requests within `window`, so many per cent without an answer open the circuit.
    pub error_percent: u32,
    /// Requests within `window` without which there is no judgement.
    pub requests_min: u32,
    /// How far back requests are counted.
    pub window: Duration,
    /// How long an open circuit stays open before one request may try.
    pub open_for: Duration,
}

impl Default for CircuitBounds {
    /// Bounds that nothing healthy meets: 4,096 requests at once are more than a server of
    /// threads has threads; half of twenty requests lost within ten seconds is no accident.
    fn default() -> Self {
        Self {
            in_flight_max: 4_096,
            pending_max: 1_024,
            error_percent: 50,
            requests_min: 20,
            window: Duration::from_secs(10),
            open_for: Duration::from_secs(5),
        }
    }
}

/// `timeouts` of a service; `None` is the gateway's default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ServiceTimeouts {
    /// Connecting to one address of an upstream, with the handshake of TLS.
    pub connect: Option<Duration>,
    /// From the end of the request to the end of the answer's head.
    pub response_head: Option<Duration>,
    /// How long a body may stand still, in either direction.
    pub stall: Option<Duration>,
    /// How long an upstream connection may lie idle.
    pub idle: Option<Duration>,
}

/// `retries`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Retries {
    /// `0`: no request is sent twice.
    Never,
    /// `1`: a request that may be repeated is sent once more when no answer came.
    #[default]
    Once,
}

/// Reads the settings of `section`, which is a service, that concern its upstreams. `at` is the
/// place of its name.
pub(super) fn read(
    section: &mut Section<'_>,
    at: Range<usize>,
    errors: &mut Vec<SettingError>,
) -> Upstreams {
    let protocol = protocol(section, errors);
    let targets = targets(section, protocol, at.clone(), errors);
    let balance = balance(section, errors);
    let place = section.span_of("health").unwrap_or_else(|| at.clone());
    let health = section.section("health", errors).and_then(|table| health(table, place, errors));
    let circuit = section.section("circuit", errors);
    let circuit = circuit.map(|table| circuit_bounds(table, errors)).unwrap_or_default();
    let timeouts = section.section("timeouts", errors);
    let timeouts = timeouts.map(|table| service_timeouts(table, errors)).unwrap_or_default();
    let retries = match section.count("retries", errors) {
        None => Retries::default(),
        Some(Placed { value: 0, .. }) => Retries::Never,
        Some(Placed { value: 1, .. }) => Retries::Once,
        Some(Placed { value, span }) => {
            let message = format!("found {value}, expected 0 or 1");
            let remedy = "a sick server must not be given each request many times";
            errors.push(mistake(section, "retries", "config::range", span, message, remedy));
            Retries::default()
        }
    };
    Upstreams { targets, balance, health, circuit, timeouts, retries }
}

fn protocol(section: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Option<Protocol> {
    let text = section.text("protocol", errors)?;
    match text.value.as_str() {
        "http1" => Some(Protocol::Http1),
        "http2" => Some(Protocol::Http2),
        other => {
            let message = format!("`{other}` is not a protocol");
            let remedy = "write \"http1\" or \"http2\"";
            let code = "config::protocol";
            errors.push(mistake(section, "protocol", code, text.span, message, remedy));
            None
        }
    }
}

fn targets(
    section: &mut Section<'_>,
    protocol: Option<Protocol>,
    at: Range<usize>,
    errors: &mut Vec<SettingError>,
) -> Vec<Upstream> {
    let texts = section.texts("upstreams", errors);
    if texts.is_empty() {
        let expected = "a list as in [\"http://127.0.0.1:9000\"]";
        super::missing(section, "upstreams", expected, at, errors);
    }
    let mut targets: Vec<Upstream> = Vec::new();
    for text in texts {
        let mut refuse = |code, message, remedy: &str| {
            errors.push(mistake(section, "upstreams", code, text.span.clone(), message, remedy));
        };
        let Some(upstream) = upstream(&text.value, protocol) else {
            let message = format!("`{}` is not an upstream", text.value);
            refuse(
                "config::upstream",
                message,
                "write http://HOST:PORT, https:// or h2c://, without a path",
            );
            continue;
        };
        if targets.first().is_some_and(|first| first.protocol != upstream.protocol) {
            let message = format!("`{}` speaks another protocol than the first", text.value);
            refuse("config::protocol", message, "let all upstreams of a service speak the same");
        } else if targets
            .iter()
            .any(|known| (&known.host, known.port) == (&upstream.host, upstream.port))
        {
            let message = format!("`{}` is there twice", text.value);
            refuse("config::upstream_twice", message, "name each server once");
        } else if targets.len() == UPSTREAMS_MAX {
            let message = format!("more than {UPSTREAMS_MAX} upstreams");
            refuse("config::range", message, "put them behind a name");
        } else {
            targets.push(upstream);
        }
    }
    targets
}

/// `http`, `https` or `h2c`, host, and port unless it is the scheme's own.
fn upstream(text: &str, protocol: Option<Protocol>) -> Option<Upstream> {
    let (scheme, rest) = text.split_once("://")?;
    let (scheme, spoken, usual) = match scheme {
        "http" => (Scheme::Http, None, 80),
        "https" => (Scheme::Https, None, 443),
        "h2c" => (Scheme::Http, Some(Protocol::Http2), 80),
        _ => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, usual),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = !host.is_empty()
        && port != 0
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte));
    let protocol = spoken.or(protocol).unwrap_or_default();
    plain.then(|| Upstream { scheme, protocol, host: host.to_owned(), port })
}

fn balance(section: &mut Section<'_>, errors: &mut Vec<SettingError>) -> Balance {
    let balance = section.text("balance", errors);
    let on = section.text("hash_on", errors);
    let key = on.as_ref().and_then(|on| hash_on(&on.value));
    if let (Some(on), None) = (&on, &key) {
        let message = format!("`{}` is nothing to hash on", on.value);
        let remedy = "write \"client_ip\" or \"header:NAME\"";
        let code = "config::hash_on";
        errors.push(mistake(section, "hash_on", code, on.span.clone(), message, remedy));
    }
    match (balance.as_ref().map(|text| text.value.as_str()), &on) {
        (Some("hash"), _) => Balance::Hash(key.unwrap_or_default()),
        (Some("least_loaded") | None, None) => Balance::LeastLoaded,
        (Some("least_loaded") | None, Some(on)) => {
            let message = "`hash_on` has no effect without balance = \"hash\"".to_owned();
            let remedy = "add balance = \"hash\", or remove it";
            let code = "config::contradiction";
            errors.push(mistake(section, "hash_on", code, on.span.clone(), message, remedy));
            Balance::LeastLoaded
        }
        (Some(other), _) => {
            let message = format!("`{other}` is not a way to balance");
            let remedy = "write \"least_loaded\" or \"hash\"";
            let span = balance.as_ref().map_or(0..0, |text| text.span.clone());
            errors.push(mistake(section, "balance", "config::balance", span, message, remedy));
            Balance::LeastLoaded
        }
    }
}

fn hash_on(text: &str) -> Option<HashOn> {
    if text == "client_ip" {
        return Some(HashOn::ClientIp);
    }
    let name = text.strip_prefix("header:")?;
    // the characters of a token (RFC 9110 §5.6.2)
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_token))
        .then(|| HashOn::Header(name.to_ascii_lowercase()))
}

fn health(
    mut table: Section<'_>,
    place: Range<usize>,
    errors: &mut Vec<SettingError>,
) -> Option<HealthCheck> {
    let path = table.text("path", errors);
    let interval = period(&mut table, "interval", errors);
    let timeout = period(&mut table, "timeout", errors);
    let unhealthy_after = number(&mut table, "unhealthy_after", 1..=100, errors);
    let healthy_after = number(&mut table, "healthy_after", 1..=100, errors);
    match &path {
        None => super::missing(&table, "path", "a path as in \"/healthz\"", place, errors),
        Some(path) if !is_target(&path.value) => {
            let message = format!("`{}` is not a path", path.value);
            let remedy = "write an absolute path in ASCII, as in \"/healthz\"";
            let span = path.span.clone();
            errors.push(mistake(&table, "path", "config::path", span, message, remedy));
        }
        Some(_) => {}
    }
    table.finish(errors);
    Some(HealthCheck {
        path: path?.value,
        interval: interval.unwrap_or(Duration::from_secs(5)),
        timeout: timeout.unwrap_or(Duration::from_secs(2)),
        unhealthy_after: unhealthy_after.unwrap_or(3),
        healthy_after: healthy_after.unwrap_or(2),
    })
}

/// A path that can stand in a request line.
fn is_target(path: &str) -> bool {
    path.starts_with('/') && path.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'#')
}

fn circuit_bounds(mut table: Section<'_>, errors: &mut Vec<SettingError>) -> CircuitBounds {
    let usual = CircuitBounds::default();
    let most = 1..=1_000_000;
    let bounds = CircuitBounds {
        in_flight_max: number(&mut table, "in_flight", most.clone(), errors)
            .unwrap_or(usual.in_flight_max),
        pending_max: number(&mut table, "pending", 0..=1_000_000, errors)
            .unwrap_or(usual.pending_max),
        error_percent: number(&mut table, "error_percent", 1..=100, errors)
            .unwrap_or(usual.error_percent),
        requests_min: number(&mut table, "requests_min", most, errors)
            .unwrap_or(usual.requests_min),
        window: period(&mut table, "window", errors).unwrap_or(usual.window),
        open_for: period(&mut table, "open_for", errors).unwrap_or(usual.open_for),
    };
    table.finish(errors);
    bounds
}

fn service_timeouts(mut table: Section<'_>, errors: &mut Vec<SettingError>) -> ServiceTimeouts {
    let timeouts = ServiceTimeouts {
        connect: period(&mut table, "connect", errors),
        response_head: period(&mut table, "response_head", errors),
        stall: period(&mut table, "stall", errors),
        idle: period(&mut table, "idle", errors),
    };
    table.finish(errors);
    timeouts
}

/// A period within [`PERIODS`].
pub(super) fn period(
    table: &mut Section<'_>,
    key: &'static str,
    errors: &mut Vec<SettingError>,
) -> Option<Duration> {
    let period = table.duration(key, errors)?;
    if PERIODS.contains(&period.value) {
        return Some(period.value);
    }
    let message = format!("found {:?}, expected 100ms to 24h", period.value);
    let remedy = "leave it out for the default";
    errors.push(mistake(table, key, "config::range", period.span, message, remedy));
    None
}

fn number(
    table: &mut Section<'_>,
    key: &'static str,
    range: RangeInclusive<u32>,
    errors: &mut Vec<SettingError>,
) -> Option<u32> {
    let count = table.count(key, errors)?;
    let value = u32::try_from(count.value).ok().filter(|value| range.contains(value));
    if value.is_none() {
        let message =
            format!("found {}, expected {} to {}", count.value, range.start(), range.end());
        let remedy = "leave it out for the default";
        errors.push(mistake(table, key, "config::range", count.span, message, remedy));
    }
    value
}

fn mistake(
    section: &Section<'_>,
    key: &str,
    code: &'static str,
    span: Range<usize>,
    message: String,
    remedy: &str,
) -> SettingError {
    let setting = section.name(key);
    SettingError { code, span: Some(span), setting, message, remedy: remedy.to_owned() }
}
