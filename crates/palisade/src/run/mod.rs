//! `palisade run`: gateway, analyst, store and console, wired together.

mod analyst;
mod gauges;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use analysis::snapshot::Snapshot;
use anyhow::{Context, anyhow};
use console::{Console, ServiceView};
use exchange::moment::Moment;
use exchange::redact::Pseudonymizer;
use gateway::health::Telemetry;
use gateway::metrics::Metrics;
use gateway::outlet::outlet;
use gateway::reload::Arrangement;
use gateway::{Gateway, GatewayConfig, ListenerConfig};
use inspect::Inspector;
use policy::Policy;
use store::{KeyName, RevisionRecord, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::Global;
use crate::settings::Settings;
use crate::terminal;
use analyst::AnalystThread;

/// Where the console listens unless the settings say otherwise.
pub(crate) const CONSOLE_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9440);

/// Where telemetry listens unless the settings say otherwise.
pub(crate) const TELEMETRY_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9441);

/// How long exchanges in flight may take to end once the process is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// One worker per core.
pub(crate) fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The shell's clock.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Runs until a signal says to stop.
pub(crate) fn run(global: &Global) -> anyhow::Result<u8> {
    let settings = Settings::load(global)?;
    if settings.document.listeners.is_empty() {
        return Err(anyhow!(
            "the settings name no listener\nhelp: add [[listeners]] with bind = \"127.0.0.1:8080\""
        ));
    }
    let mut running = start(settings)?;
    running.greet()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        loop {
            tokio::select! {
                _ = hangup.recv() => running.reload(),
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
            }
        }
        anyhow::Ok(())
    })?;
    terminal::note("stopping: finishing exchanges in flight");
    running.shutdown()?;
    Ok(0)
}

/// Everything that runs.
pub(crate) struct Running {
    settings: Settings,
    pseudonymizer: Pseudonymizer,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    gateway: gateway::Running,
    telemetry: Telemetry,
    analyst: AnalystThread,
    console: Console,
    console_address: SocketAddr,
    console_stop: oneshot::Sender<()>,
    console_thread: JoinHandle<()>,
}

/// Starts everything; nothing is left running when something fails.
pub(crate) fn start(settings: Settings) -> anyhow::Result<Running> {
    let path = settings.store_path();
    let store = Store::open(&path, store::Options::default())
        .with_context(|| format!("cannot use the database {}", path.display()))?;
    let store = Arc::new(store);
    let mut fresh = [0; 16];
    getrandom::fill(&mut fresh).map_err(|error| anyhow!("no randomness: {error}"))?;
    let pseudonymizer = Pseudonymizer::new(&store.key(KeyName::Pseudonym, fresh)?);
    record_revision(&store, &settings)?;

    let (sender, reader) = outlet();
    let metrics = Arc::new(Metrics::new(sender.clone()));
    let arrangement = arrange(&settings, &pseudonymizer)?;
    let policy = Arc::clone(&settings.policy);
    let analyst = AnalystThread::start(Arc::clone(&store), reader, sender.clone(), &policy)?;
    metrics.register(|registry| gauges::register(registry, analyst.view()));

    let listeners = settings
        .document
        .listeners
        .iter()
        .map(|listener| ListenerConfig { address: listener.bind, h2c: listener.h2c });
    let workers = settings.document.workers.unwrap_or_else(default_workers);
    let config = GatewayConfig::new(listeners, workers);
    let gateway = Gateway::start(&config, arrangement, &sender, &metrics)?;
    drop(sender);
    let bind = settings.document.telemetry.unwrap_or(TELEMETRY_DEFAULT);
    let telemetry = Telemetry::start(bind, Arc::clone(&metrics))?;

    let (console, console_address, console_stop, console_thread) =
        start_console(&settings, &gateway, &analyst)?;
    metrics.reload_succeeded(now().micros() / 1_000_000);
    Ok(Running {
        settings,
        pseudonymizer,
        store,
        metrics,
        gateway,
        telemetry,
        analyst,
        console,
        console_address,
        console_stop,
        console_thread,
    })
}

type StartedConsole = (Console, SocketAddr, oneshot::Sender<()>, JoinHandle<()>);

fn start_console(
    settings: &Settings,
    gateway: &gateway::Running,
    analyst: &AnalystThread,
) -> anyhow::Result<StartedConsole> {
    let bind = settings.document.console.unwrap_or(CONSOLE_DEFAULT);
    let listener = std::net::TcpListener::bind(bind)
        .with_context(|| format!("the console cannot listen on {bind}; set [console] bind"))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let console = Console::new(
        console::Settings {
            address,
            hosts: Vec::new(),
            gateways: gateway.local_addrs().iter().map(|one| format!("http://{one}")).collect(),
            version: env!("CARGO_PKG_VERSION"),
            relink: "Restart palisade to get a new link.".to_owned(),
        },
        analyst.view(),
        analyst.commands(),
    )?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = console.clone();
    let thread = std::thread::Builder::new().name("console".to_owned()).spawn(move || {
        runtime.block_on(async {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    let stop = async {
                        // a dropped sender means stop as well
                        stopped.await.ok();
                    };
                    serving.serve(listener, stop).await;
                }
                Err(error) => tracing::error!("the console cannot be served: {error}"),
            }
        });
    })?;
    Ok((console, address, stop, thread))
}

/// The inspector and the upstreams of these settings.
fn arrange(settings: &Settings, pseudonymizer: &Pseudonymizer) -> anyhow::Result<Arrangement> {
    let inspector = Inspector::compile(Arc::clone(&settings.policy), pseudonymizer.clone());
    let upstreams =
        settings.document.services.iter().map(|service| service.upstreams.clone()).collect();
    Ok(Arrangement::new(Arc::new(inspector), upstreams)?)
}

fn record_revision(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let origin = settings.path.as_ref().map(|path| path.display().to_string());
    store.record_revision(&RevisionRecord {
        revision: settings.policy.revision.to_string(),
        at: now(),
        origin: origin.unwrap_or_else(|| "built in".to_owned()),
        settings: settings.text.clone(),
    })?;
    Ok(())
}

/// What the console says of the services.
fn service_views(policy: &Policy) -> Vec<ServiceView> {
    policy
        .services
        .iter()
        .map(|service| ServiceView {
            name: Arc::clone(&service.name),
            mode: service.mode,
            undocumented: service.undocumented,
            contract: service.contract.is_some(),
        })
        .collect()
}

impl Running {
    /// Where traffic comes in.
    pub(crate) fn traffic_addrs(&self) -> &[SocketAddr] {
        self.gateway.local_addrs()
    }

    /// A link into the console that opens once.
    pub(crate) fn console_link(&self) -> anyhow::Result<String> {
        Ok(self.console.start_link()?)
    }

    /// What is known, as of the last publication.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.analyst.view().borrow().snapshot)
    }

    /// Waits until everything that was sent so far is part of the snapshot.
    pub(crate) fn settle(&self, timeout: Duration) -> bool {
        self.analyst.settle(timeout)
    }

    fn greet(&self) -> anyhow::Result<()> {
        for service in &self.settings.policy.services {
            terminal::note(&format!("service    {} ({})", service.name, service.mode));
        }
        for address in self.traffic_addrs() {
            terminal::note(&format!("gateway    http://{address}"));
        }
        terminal::note(&format!("telemetry  http://{}/metrics", self.telemetry.local_addr()));
        terminal::note(&format!("console    {}   (opens once)", self.console_link()?));
        Ok(())
    }

    /// Reads the settings again. A file with a mistake changes nothing.
    fn reload(&mut self) {
        match self.try_reload() {
            Ok(()) => {
                self.metrics.reload_succeeded(now().micros() / 1_000_000);
                let revision = self.settings.policy.revision;
                terminal::note(&format!("reloaded: revision {revision} is in force"));
            }
            Err(error) => {
                self.metrics.reload_failed();
                terminal::error(&error);
                terminal::note("the new settings are not used; the old ones stay in force");
            }
        }
    }

    fn try_reload(&mut self) -> anyhow::Result<()> {
        let settings = self.settings.reload()?;
        let arrangement = arrange(&settings, &self.pseudonymizer)?;
        record_revision(&self.store, &settings)?;
        let (old, new) = (&self.settings.document, &settings.document);
        let needs_restart = old.listeners != new.listeners
            || old.workers != new.workers
            || (old.console, old.telemetry, &old.store) != (new.console, new.telemetry, &new.store);
        if needs_restart {
            terminal::note("warning: listeners, workers and storage change with a restart only");
        }
        self.gateway.reload(arrangement);
        self.analyst.redeclare(&settings.policy);
        self.settings = settings;
        Ok(())
    }

    /// Finishes the exchanges in flight, keeps what was learned, and stops.
    pub(crate) fn shutdown(self) -> anyhow::Result<()> {
        let drained = self.gateway.drain(DRAIN);
        if drained.cut > 0 {
            tracing::warn!("{} connections were cut at the deadline", drained.cut);
        }
        let kept = self.analyst.stop();
        // the console may already have gone
        self.console_stop.send(()).ok();
        self.console_thread.join().map_err(|_| anyhow!("the console's thread panicked"))?;
        drop(self.telemetry);
        tracing::debug!("the console on {} is closed", self.console_address);
        kept
    }
}
