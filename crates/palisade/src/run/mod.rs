//! `palisade run`: gateway, analyst, store and console, wired together.

mod access_log;
mod analyst;
mod gauges;
pub(crate) mod handover;
mod places;
pub(crate) mod service_manager;
mod status;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use analysis::snapshot::Snapshot;
use anyhow::{Context, anyhow};
use console::{Console, ServiceView};
use exchange::moment::Moment;
use exchange::redact::Pseudonymizer;
use gateway::access_log::AccessLog;
use gateway::budget::Memory;
use gateway::health::Telemetry;
use gateway::metrics::Metrics;
use gateway::outlet::outlet;
use gateway::reload::Arrangement;
use gateway::{Drained, Gateway};
use inspect::Inspector;
use policy::Policy;
use policy::document::{Document, Listener};
use serde_json::json;
use store::{KeyName, RevisionRecord, Store};
use tokio::sync::oneshot;

use crate::acme::Issuance;
use crate::args::{Global, Run};
use crate::certificates::Renewal;
use crate::control::serve::{Ending, Signals};
use crate::control::socket::{ControlSocket, Place};
use crate::control::{self, serve};
use crate::settings::Settings;
use crate::terminal;
use analyst::AnalystThread;
use handover::{Predecessor, Role};
use places::Places;

/// Where the console listens unless the settings say otherwise.
pub(crate) const CONSOLE_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9440);

/// Where telemetry listens unless the settings say otherwise.
pub(crate) const TELEMETRY_DEFAULT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9441);

/// How long exchanges in flight may take to end once the process is told to stop.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);

/// How long they may take when another process has taken over: nobody waits for this one.
const BOW_OUT: Duration = Duration::from_secs(60);

/// One worker per core.
pub(crate) fn default_workers() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The shell's clock.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Runs until a signal or a caller says to stop, or another process takes over.
pub(crate) fn run(arguments: &Run, global: &Global) -> anyhow::Result<u8> {
    let settings = Settings::load(global)?;
    if settings.document.listeners.is_empty() {
        return Err(anyhow!(
            "the settings name no listener\nhelp: add [[listeners]] with bind = \"127.0.0.1:8080\""
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = runtime.block_on(async { Signals::catch() })?;
    let control = settings.control_path();
    let (mut running, socket) = if arguments.upgrade {
        let predecessor = Predecessor::call(&control, &settings.database())?;
        let running = start_after(settings, Some(predecessor))?;
        (running, ControlSocket::open(&control, Place::Predecessors)?)
    } else {
        // before anything else: where a process answers, this one has nothing to do
        let socket = ControlSocket::open(&control, Place::Free)?;
        (start(settings)?, socket)
    };
    running.greet()?;
    terminal::note(&format!("control    {}", control.display()));
    let ending = runtime.block_on(serve::live(&mut running, &socket, signals))?;
    end(running, ending)?;
    Ok(0)
}

/// Ends as was asked, and tells who waits for it.
fn end(running: Running, ending: Ending) -> anyhow::Result<()> {
    if !matches!(ending, Ending::HandedOver(_)) {
        service_manager::stopping();
        terminal::note("stopping: finishing exchanges in flight");
    }
    let (stream, outcome) = match ending {
        Ending::Signal => return running.shutdown().map(|_| ()),
        Ending::Stop { stream, within } => (stream, running.shutdown_within(within)),
        Ending::HandedOver(stream) => (stream, running.bow_out()),
    };
    let reply = match &outcome {
        Ok(drained) => json!({ "ok": true, "cut": drained.cut }),
        Err(error) => json!({ "ok": false, "error": terminal::plain(error) }),
    };
    // who asked may have gone
    control::say(&stream, &reply).ok();
    // left to the system, so that who waits for its end waits for the end of the process
    std::mem::forget(stream);
    outcome.map(|_| ())
}

/// Everything that runs.
pub(crate) struct Running {
    settings: Settings,
    pseudonymizer: Pseudonymizer,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    gateway: gateway::Running,
    access_log: Option<Arc<AccessLog>>,
    renewal: Renewal,
    issuance: Issuance,
    telemetry: Telemetry,
    analyst: AnalystThread,
    console: Console,
    console_address: SocketAddr,
    console_stop: oneshot::Sender<()>,
    console_thread: JoinHandle<()>,
    /// The sockets of console and telemetry, with the addresses of the settings.
    sockets: Vec<(Role, SocketAddr, TcpListener)>,
    memory: Arc<Memory>,
    connections_max: usize,
    started: Instant,
    reloaded_at: Moment,
    reload_error: Option<String>,
}

/// Starts everything; nothing is left running when something fails.
pub(crate) fn start(settings: Settings) -> anyhow::Result<Running> {
    start_after(settings, None)
}

/// Who has the database while a process starts.
enum Keeper {
    Ours(Store),
    Theirs(Predecessor),
}

/// Starts everything, in the place of another process if there is one. That one keeps the database
/// until traffic flows here.
fn start_after(
    mut settings: Settings,
    predecessor: Option<Predecessor>,
) -> anyhow::Result<Running> {
    let path = settings.store_path();
    let unusable = || format!("cannot use the database {}", path.display());
    let (mut keeper, key) = match predecessor {
        None => {
            let store = Store::open(&path, store::Options::default()).with_context(unusable)?;
            let mut fresh = [0; 16];
            getrandom::fill(&mut fresh).map_err(|error| anyhow!("no randomness: {error}"))?;
            let key = store.key(KeyName::Pseudonym, fresh)?;
            (Keeper::Ours(store), key)
        }
        Some(predecessor) => {
            let key = store::peek_key(&path, KeyName::Pseudonym).with_context(unusable)?;
            let key = key.try_into().map_err(|_| anyhow!("the pseudonym key is damaged"))?;
            (Keeper::Theirs(predecessor), key)
        }
    };
    let pseudonymizer = Pseudonymizer::new(&key);
    let (sender, reader) = outlet();
    let metrics = Arc::new(Metrics::new(sender.clone()));
    let access_log = access_log::open(&settings, &metrics)?;
    let arrangement = arrange(&settings, &pseudonymizer)?.with_access_log(access_log.clone());
    let renewal = Renewal::new(&mut settings, &metrics);
    let issuance = Issuance::start(&settings, &metrics)?;
    let places = Places::take(&settings, (&renewal, &issuance), &mut keeper)?;
    let gateway = Gateway::start(&places.gateway, arrangement, &sender, &metrics)?;
    let telemetry = Telemetry::serve(places.telemetry.try_clone()?, Arc::clone(&metrics))?;
    let store = Arc::new(match keeper {
        Keeper::Ours(store) => store,
        Keeper::Theirs(predecessor) => predecessor.succeed(&path)?,
    });
    record_revision(&store, &settings)?;
    let policy = Arc::clone(&settings.policy);
    let analyst = AnalystThread::start(Arc::clone(&store), reader, sender, &policy)?;
    metrics.register(|registry| gauges::register(registry, analyst.view()));
    let (console, console_address, console_stop, console_thread) =
        start_console(places.console.try_clone()?, &gateway, &analyst)?;
    let reloaded_at = now();
    metrics.reload_succeeded(reloaded_at.micros() / 1_000_000);
    let (telemetry_bind, console_bind) = Places::binds(&settings);
    Ok(Running {
        settings,
        pseudonymizer,
        store,
        metrics,
        gateway,
        access_log,
        renewal,
        issuance,
        telemetry,
        analyst,
        console,
        console_address,
        console_stop,
        console_thread,
        sockets: vec![
            (Role::Telemetry, telemetry_bind, places.telemetry),
            (Role::Console, console_bind, places.console),
        ],
        memory: Arc::clone(&places.gateway.memory),
        connections_max: places.gateway.connections_max,
        started: Instant::now(),
        reloaded_at,
        reload_error: None,
    })
}

type StartedConsole = (Console, SocketAddr, oneshot::Sender<()>, JoinHandle<()>);

fn start_console(
    listener: TcpListener,
    gateway: &gateway::Running,
    analyst: &AnalystThread,
) -> anyhow::Result<StartedConsole> {
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
    let connectors = settings.certificates.connectors.clone();
    Ok(Arrangement::new(Arc::new(inspector), upstreams)?.with_connectors(connectors))
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

/// What of the listeners changes with a restart only.
fn listeners(document: &Document) -> Vec<(SocketAddr, bool, bool, bool)> {
    let fixed = |one: &Listener| (one.bind, one.h2c, one.proxy_protocol, one.tls.is_some());
    document.listeners.iter().map(fixed).collect()
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
        for (address, slot) in self.traffic_addrs().iter().zip(self.renewal.slots()) {
            let scheme = if slot.get().is_some() { "https" } else { "http" };
            terminal::note(&format!("gateway    {scheme}://{address}"));
        }
        terminal::note(&format!("telemetry  http://{}/metrics", self.telemetry.local_addr()));
        terminal::note(&format!("console    {}   (opens once)", self.console_link()?));
        Ok(())
    }

    /// Replaces certificates whose files have changed.
    pub(crate) fn look_at_certificates(&mut self) {
        let Some(connectors) = self.renewal.look(&self.settings) else { return };
        self.settings.certificates.connectors = connectors;
        match arrange(&self.settings, &self.pseudonymizer) {
            Ok(arrangement) => {
                let log = self.access_log.clone();
                self.gateway.reload(arrangement.with_access_log(log));
                tracing::info!("upstreams are reached with the files that have changed");
            }
            Err(error) => tracing::error!("changed files of upstreams are not used: {error}"),
        }
    }

    /// Reads the settings again. A file with a mistake changes nothing.
    pub(crate) fn reload(&mut self) -> anyhow::Result<()> {
        service_manager::reloading();
        let outcome = self.try_reload();
        self.reloaded_at = now();
        self.reload_error = outcome.as_ref().err().map(terminal::plain);
        match &outcome {
            Ok(()) => {
                self.metrics.reload_succeeded(self.reloaded_at.micros() / 1_000_000);
                terminal::note(&format!("reloaded: revision {} is in force", self.revision()));
            }
            Err(error) => {
                self.metrics.reload_failed();
                terminal::error(error);
                terminal::note("the new settings are not used; the old ones stay in force");
            }
        }
        service_manager::ready();
        outcome
    }

    /// The revision in force.
    pub(crate) fn revision(&self) -> String {
        self.settings.policy.revision.to_string()
    }

    /// The database, by its full name.
    pub(crate) fn database(&self) -> PathBuf {
        self.settings.database()
    }

    /// Every listening socket, with what it is for and the address of the settings.
    fn sockets(&self) -> Vec<(Role, SocketAddr, BorrowedFd<'_>)> {
        let traffic = self.gateway.sockets().iter();
        let traffic = traffic.map(|(bind, socket)| (Role::Traffic, *bind, socket.as_fd()));
        let others = self.sockets.iter().map(|(role, bind, socket)| (*role, *bind, socket.as_fd()));
        traffic.chain(others).collect()
    }

    fn try_reload(&mut self) -> anyhow::Result<()> {
        let mut settings = self.settings.reload()?;
        let before = self.access_log.as_ref();
        let access_log = access_log::renew(before, &settings, &self.metrics)?;
        let arrangement = arrange(&settings, &self.pseudonymizer)?;
        let arrangement = arrangement.with_access_log(access_log.clone());
        record_revision(&self.store, &settings)?;
        let (old, new) = (&self.settings.document, &settings.document);
        let moved = listeners(old) != listeners(new);
        let needs_restart = moved
            || (old.workers, old.client_timeouts) != (new.workers, new.client_timeouts)
            || (old.console, old.telemetry, &old.store) != (new.console, new.telemetry, &new.store);
        if needs_restart {
            terminal::note("warning: listeners, workers and storage change with a restart only");
        }
        self.gateway.reload(arrangement);
        self.access_log = access_log;
        if !moved {
            self.issuance.take(&settings)?;
            self.renewal.take(&mut settings);
        }
        self.analyst.redeclare(&settings.policy);
        self.settings = settings;
        Ok(())
    }

    /// Finishes the exchanges in flight, keeps what was learned, and stops.
    pub(crate) fn shutdown(self) -> anyhow::Result<Drained> {
        self.shutdown_within(DRAIN)
    }

    /// The same, with another time for the exchanges in flight.
    fn shutdown_within(self, within: Duration) -> anyhow::Result<Drained> {
        let drained = self.gateway.drain(within);
        if drained.cut > 0 {
            tracing::warn!("{} connections were cut at the deadline", drained.cut);
        }
        if let Some(log) = &self.access_log {
            log.finish(access_log::PATIENCE);
        }
        let kept = self.analyst.stop();
        // the console may already have gone
        self.console_stop.send(()).ok();
        self.console_thread.join().map_err(|_| anyhow!("the console's thread panicked"))?;
        drop(self.telemetry);
        tracing::debug!("the console on {} is closed", self.console_address);
        kept.map(|()| drained)
    }

    /// The same, after another process has taken over: what asks console or telemetry is answered
    /// by that one from now on.
    fn bow_out(mut self) -> anyhow::Result<Drained> {
        self.telemetry.stop();
        self.sockets.clear();
        self.shutdown_within(BOW_OUT)
    }
}
