//! Document and contracts to policy: defaults, precedence, cross-checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::Contract;
use exchange::limits;
use ipnet::IpNet;
use wire::{NameSet, Profile};

use crate::document::acme;
use crate::document::tls::{self, ClientRule};
use crate::document::{CacheSettings, Coding, Document, ServiceDocument};
use crate::error::SettingError;
use crate::mode::Mode;
use crate::revision::Revision;

/// What is wanted, in force for whole exchanges at a time. Sound by construction.
#[derive(Debug)]
pub struct Policy {
    /// Which policy this is.
    pub revision: Revision,
    /// The services; hosts are tried in this order, exact names before wildcards.
    pub services: Vec<Service>,
    /// Networks whose proxies may say for whom they speak.
    pub trusted: Vec<IpNet>,
    /// Fields that only those may set, beside the ones that are known for it.
    pub identity: NameSet,
}

/// One API and what is wanted for it.
#[derive(Debug)]
pub struct Service {
    /// Its name.
    pub name: Arc<str>,
    /// Hosts it answers for, in lower case; none: every host. `*.example.com` is any host below.
    pub hosts: Vec<String>,
    /// For what violates the contract.
    pub mode: Mode,
    /// How doubts about a request are treated under [`Mode::Block`].
    pub profile: Profile,
    /// For operations that are missing from the contract.
    pub undocumented: Mode,
    /// For bodies over the limit, and for inspections that fail.
    pub on_overflow: Mode,
    /// What its owner declares.
    pub contract: Option<Arc<Contract>>,
    /// Bytes of a request body that are held or copied for inspection.
    pub request_body_bytes_max: usize,
    /// Bytes of a response body that are copied for inspection.
    pub response_body_bytes_max: usize,
    /// What is stored of upstreams' answers; none: nothing.
    pub cache: Option<CacheSettings>,
    /// Codings for clients in order of preference; none: answers pass as they came.
    pub compress: Vec<Coding>,
    /// Requests get an id and a place in a trace.
    pub correlate: bool,
    /// Which certificates of clients it asks for.
    pub client: ClientRule,
}

impl Service {
    /// True when the service answers for `host` by its exact name.
    #[must_use]
    pub fn names(&self, host: &str) -> bool {
        self.hosts.iter().any(|name| name == host)
    }

    /// True when the service answers for `host` by a wildcard, or for every host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        self.hosts.is_empty()
            || self.hosts.iter().any(|name| {
                name.strip_prefix('*')
                    .is_some_and(|suffix| host.len() > suffix.len() && host.ends_with(suffix))
            })
    }
}

impl Policy {
    /// The policy of a settings file. `contracts` holds, by service, what its `spec` declares.
    ///
    /// # Errors
    /// Every contradiction between the parts.
    pub fn resolve(
        document: &Document,
        contracts: &BTreeMap<String, Arc<Contract>>,
        revision: Revision,
    ) -> Result<Self, Vec<SettingError>> {
        let mut errors = Vec::new();
        check_hosts(document, &mut errors);
        tls::check_clients(document, &mut errors);
        acme::check_listeners(document, &mut errors);
        if document.services.is_empty() {
            errors.push(SettingError {
                code: "config::no_service",
                span: None,
                setting: "services".to_owned(),
                message: "no service is configured".to_owned(),
                remedy: "add [services.NAME] with `upstreams`".to_owned(),
            });
        }
        let services = document
            .services
            .iter()
            .map(|service| {
                let contract = contracts.get(&service.name.value).cloned();
                resolve_service(service, document.mode, contract, &mut errors)
            })
            .collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            revision,
            services,
            trusted: document.trusted.clone(),
            identity: NameSet::given(document.identity.iter().map(String::as_str)),
        })
    }

    /// The policy under which recordings are read: one service for every host, which observes.
    #[must_use]
    pub fn for_recordings(contract: Option<Arc<Contract>>) -> Self {
        Self {
            revision: Revision::of(["recordings"]),
            services: vec![Service {
                name: Arc::from("default"),
                hosts: Vec::new(),
                mode: Mode::Observe,
                profile: Profile::Strict,
                undocumented: Mode::Observe,
                on_overflow: Mode::Observe,
                contract,
                request_body_bytes_max: limits::REQUEST_BODY_BYTES_MAX,
                response_body_bytes_max: limits::RESPONSE_BODY_BYTES_MAX,
                cache: None,
                compress: Vec::new(),
                correlate: false,
                client: ClientRule::OPEN,
            }],
            trusted: Vec::new(),
            identity: NameSet::new(&[]),
        }
    }

    /// The service that answers for `host`: by exact name, else by wildcard, else by default.
    #[must_use]
    pub fn service_for(&self, host: &str) -> Option<usize> {
        let named = self.services.iter().position(|service| service.names(host));
        named
            .or_else(|| {
                let wild = |service: &Service| !service.hosts.is_empty() && service.covers(host);
                self.services.iter().position(wild)
            })
            .or_else(|| self.services.iter().position(|service| service.hosts.is_empty()))
    }
}

fn resolve_service(
    service: &ServiceDocument,
    mode: Mode,
    contract: Option<Arc<Contract>>,
    errors: &mut Vec<SettingError>,
) -> Service {
    let mode = service.mode.unwrap_or(mode);
    if mode == Mode::Block && contract.is_none() && service.spec.is_empty() {
        errors.push(SettingError {
            code: "config::block_without_contract",
            span: Some(service.name.span.clone()),
            setting: format!("services.{}.mode", service.name.value),
            message: "`block` has nothing to enforce: the service names no `spec`".to_owned(),
            remedy: "add `spec = \"openapi.yaml\"`, or use mode = \"observe\"".to_owned(),
        });
    }
    let limit = service.body_bytes_max.and_then(|bytes| usize::try_from(bytes).ok());
    Service {
        name: Arc::from(service.name.value.as_str()),
        hosts: service.hosts.iter().map(|host| host.value.to_ascii_lowercase()).collect(),
        mode,
        profile: service.profile.unwrap_or_default(),
        undocumented: service.undocumented.unwrap_or(mode),
        on_overflow: service.on_overflow.unwrap_or(mode),
        contract,
        request_body_bytes_max: limit.unwrap_or(limits::REQUEST_BODY_BYTES_MAX),
        response_body_bytes_max: limit.unwrap_or(limits::RESPONSE_BODY_BYTES_MAX),
        cache: service.cache,
        compress: service.compress.clone(),
        correlate: service.correlate,
        client: service.client.as_ref().map_or(ClientRule::OPEN, |rule| rule.value.clone()),
    }
}

/// No two services may answer for the same host.
fn check_hosts(document: &Document, errors: &mut Vec<SettingError>) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for service in &document.services {
        let name = service.name.value.as_str();
        let every = service.hosts.is_empty().then(|| (String::new(), service.name.span.clone()));
        let named =
            service.hosts.iter().map(|host| (host.value.to_ascii_lowercase(), host.span.clone()));
        for (host, span) in every.into_iter().chain(named) {
            let shown = if host.is_empty() { "every host" } else { &host };
            if let Some(other) = owners.get(&host) {
                errors.push(SettingError {
                    code: "config::host_twice",
                    span: Some(span),
                    setting: format!("services.{name}.hosts"),
                    message: format!("{shown} is already answered for by service `{other}`"),
                    remedy: "give each service its own `hosts`".to_owned(),
                });
            } else {
                owners.insert(host, name);
            }
        }
    }
}
