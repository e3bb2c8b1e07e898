//! Starting the workers, and what can be done with them while they run.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::watch;

use crate::budget::Memory;
use crate::challenges::Challenges;
use crate::error::GatewayError;
use crate::limits::{CONNECTIONS_MAX, DRAIN_IDLE, TICK, Timeouts};
use crate::listener::{self, ListenerConfig};
use crate::metrics::Metrics;
use crate::outlet::Outlet;
use crate::reload::{Arrangement, Slot};
use crate::ticker::Ticker;
use crate::ulid::Ulids;
use crate::upstream::{Prober, Seat};
use crate::worker::{Table, Worker};

/// How often the end of a drain is looked for.
const DRAIN_POLL: Duration = Duration::from_millis(5);

/// Where and with how much a gateway runs; this part of the settings needs a restart to change.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Where clients come in.
    pub listeners: Vec<ListenerConfig>,
    /// Threads that carry traffic; at least one is started.
    pub workers: usize,
    /// Client connections of all workers together.
    pub connections_max: usize,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// The memory that the process may use.
    pub memory: Arc<Memory>,
    /// What authorities ask for before they issue certificates.
    pub challenges: Arc<Challenges>,
    /// Sockets of a process that is being replaced, with the addresses of the settings that they
    /// were opened for. They are used in place of new ones.
    pub inherited: Vec<(SocketAddr, Arc<TcpListener>)>,
}

impl GatewayConfig {
    /// A configuration with the default limits.
    #[must_use]
    pub fn new(listeners: impl IntoIterator<Item: Into<ListenerConfig>>, workers: usize) -> Self {
        Self {
            listeners: listeners.into_iter().map(Into::into).collect(),
            workers,
            connections_max: CONNECTIONS_MAX,
            timeouts: Timeouts::default(),
            memory: Arc::default(),
            challenges: Arc::default(),
            inherited: Vec::new(),
        }
    }
}

/// The inline gateway; [`Gateway::start`] makes it [`Running`].
#[derive(Debug)]
pub struct Gateway;

/// A gateway that carries traffic. Dropping it stops it without waiting for exchanges.
#[derive(Debug)]
pub struct Running {
    addresses: Vec<SocketAddr>,
    sockets: Vec<(SocketAddr, TcpListener)>,
    slot: Arc<Slot>,
    metrics: Arc<Metrics>,
    stage: watch::Sender<Stage>,
    prober: Prober,
    threads: Vec<JoinHandle<usize>>,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    /// Connections that were cut because the deadline had come.
    pub cut: usize,
}

/// How far a gateway has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    /// Connections are accepted.
    Serving,
    /// Exchanges are brought to their end, and no new ones begun.
    Draining,
    /// Everything is dropped.
    Stopped,
}

/// What a worker's thread needs to begin.
struct Outset {
    seat: Seat,
    listeners: Vec<(ListenerConfig, TcpListener)>,
    connections_max: usize,
    memory: Arc<Memory>,
    challenges: Arc<Challenges>,
    timeouts: Timeouts,
    slot: Arc<Slot>,
    metrics: Arc<Metrics>,
    outlet: Outlet,
    ulids: Ulids,
    stage: watch::Receiver<Stage>,
}

impl Gateway {
    /// Opens the listeners and starts the workers. Observations go into `outlet`; `metrics` counts.
    ///
    /// # Errors
    /// What kept it from starting; nothing is left running then.
    pub fn start(
        config: &GatewayConfig,
        arrangement: Arrangement,
        outlet: &Outlet,
        metrics: &Arc<Metrics>,
    ) -> Result<Running, GatewayError> {
        if config.listeners.is_empty() {
            return Err(GatewayError::NoListener);
        }
        let workers = config.workers.max(1);
        let mut addresses = Vec::new();
        let mut sockets: Vec<Vec<_>> = (0..workers).map(|_| Vec::new()).collect();
        let mut kept = Vec::new();
        for listener in &config.listeners {
            let address = listener.address;
            let known = config.inherited.iter().filter(|(bind, _)| *bind == address);
            let known: Vec<&TcpListener> = known.map(|(_, socket)| &**socket).collect();
            let (in_use, opened) = listener::inherit(address, &known, workers)?;
            addresses.push(in_use);
            for (at, socket) in opened.into_iter().enumerate() {
                kept.push((address, socket.try_clone().map_err(GatewayError::Worker)?));
                sockets[at % workers].push((listener.clone(), socket));
            }
        }
        let (stage, _) = watch::channel(Stage::Serving);
        let slot = Arc::new(Slot::new(arrangement));
        let metrics = Arc::clone(metrics);
        let prober = Prober::start(Arc::clone(&slot))?;
        let threads = Vec::new();
        let mut running =
            Running { addresses, sockets: kept, slot, metrics, stage, prober, threads };
        let (ready, started) = mpsc::channel();
        for (number, listeners) in sockets.into_iter().enumerate() {
            let outset = Outset {
                seat: Seat { number, workers },
                listeners,
                connections_max: config.connections_max.div_ceil(workers),
                memory: Arc::clone(&config.memory),
                challenges: Arc::clone(&config.challenges),
                timeouts: config.timeouts,
                slot: Arc::clone(&running.slot),
                metrics: Arc::clone(&running.metrics),
                outlet: outlet.clone(),
                ulids: Ulids::new()?,
                stage: running.stage.subscribe(),
            };
            let ready = ready.clone();
            let thread = std::thread::Builder::new()
                .name(format!("gateway-{number}"))
                .spawn(move || outset.run(&ready))
                .map_err(GatewayError::Worker)?;
            running.threads.push(thread);
        }
        drop(ready);
        started.iter().take(workers).collect::<Result<(), _>>()?;
        running.metrics.set_ready(true);
        Ok(running)
    }
}

impl Running {
    /// The addresses that are listened on, in the order of the settings.
    #[must_use]
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The listening sockets, with the addresses of the settings that they were opened for: what
    /// a process that takes over goes on with.
    #[must_use]
    pub fn sockets(&self) -> &[(SocketAddr, TcpListener)] {
        &self.sockets
    }

    /// Replaces what is in force. Exchanges that have begun keep what they began with.
    pub fn reload(&self, arrangement: Arrangement) {
        self.slot.replace(arrangement);
        self.prober.look_again();
    }

    /// Accepts no more connections, closes the idle ones, brings exchanges to their end, and cuts
    /// what is left after `deadline`. Blocks the calling thread.
    pub fn drain(mut self, deadline: Duration) -> Drained {
        self.metrics.set_ready(false);
        // a socket that nobody accepts from would keep connections waiting in vain
        self.sockets.clear();
        self.stage.send_replace(Stage::Draining);
        let begun = Instant::now();
        while begun.elapsed() < deadline && !self.threads.iter().all(JoinHandle::is_finished) {
            std::thread::sleep(DRAIN_POLL);
        }
        Drained { cut: self.stop() }
    }

    fn stop(&mut self) -> usize {
        self.metrics.set_ready(false);
        self.stage.send_replace(Stage::Stopped);
        // a worker that panicked has no connections any more
        self.threads.drain(..).map(|thread| thread.join().unwrap_or(0)).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Outset {
    /// The life of a worker. Returns how many connections it left.
    fn run(self, ready: &mpsc::Sender<Result<(), GatewayError>>) -> usize {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build_local(LocalOptions::default());
        let begun = runtime.map_err(GatewayError::Worker).and_then(|runtime| {
            let listeners = self.listen(&runtime)?;
            Ok((runtime, listeners))
        });
        // who starts workers waits for their word, or has given up on all of them
        match begun {
            Ok((runtime, listeners)) => {
                let _ = ready.send(Ok(()));
                runtime.block_on(self.work(listeners))
            }
            Err(error) => {
                let _ = ready.send(Err(error));
                0
            }
        }
    }

    fn listen(
        &self,
        runtime: &LocalRuntime,
    ) -> Result<Vec<(Rc<ListenerConfig>, tokio::net::TcpListener)>, GatewayError> {
        let _entered = runtime.enter();
        self.listeners
            .iter()
            .map(|(config, socket)| {
                let listener = tokio::net::TcpListener::from_std(socket.try_clone()?)?;
                Ok((Rc::new(config.clone()), listener))
            })
            .collect::<Result<_, _>>()
            .map_err(GatewayError::Worker)
    }

    async fn work(self, listeners: Vec<(Rc<ListenerConfig>, tokio::net::TcpListener)>) -> usize {
        let place = (self.seat, self.timeouts);
        let table = Table::new(Arc::clone(&self.slot.load()), None, &self.metrics, place);
        let worker = Rc::new(Worker {
            seat: self.seat,
            ticker: Rc::new(Ticker::default()),
            outlet: self.outlet,
            counts: self.metrics.worker(),
            timeouts: self.timeouts,
            draining: Cell::new(false),
            closing_idle: Cell::new(false),
            memory: self.memory,
            challenges: self.challenges,
            connections_max: self.connections_max,
            connections: Cell::new(0),
            handshakes: Rc::new(()),
            ulids: RefCell::new(self.ulids),
            slot: self.slot,
            metrics: self.metrics,
            table: RefCell::new(Rc::new(table)),
        });
        tokio::task::spawn_local(tick(Rc::clone(&worker)));
        let mut stage = self.stage;
        let accepting: Vec<_> = listeners
            .into_iter()
            .map(|(config, listener)| {
                listener::accept(Rc::clone(&worker), listener, config, stage.clone())
            })
            .map(tokio::task::spawn_local)
            .collect();
        drop(self.listeners);
        // the sender lives until this thread has been joined
        let _ = stage.wait_for(|stage| *stage != Stage::Serving).await;
        for accept in accepting {
            // one that panicked accepts no more either
            let _ = accept.await;
        }
        worker.draining.set(true);
        worker.ticker.wake_all();
        let begun = Instant::now();
        while worker.connections.get() > 0 && *stage.borrow() == Stage::Draining {
            if !worker.closing_idle.get() && begun.elapsed() >= DRAIN_IDLE {
                worker.closing_idle.set(true);
                worker.ticker.wake_all();
            }
            let _ = tokio::time::timeout(DRAIN_POLL, stage.changed()).await;
        }
        worker.connections.get()
    }
}

/// Moves the worker's clock, and looks after its upstream connections once a second.
async fn tick(worker: Rc<Worker>) {
    const SWEEP_TICKS: u32 = 4;
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        worker.ticker.advance();
        if worker.ticker.now().is_multiple_of(SWEEP_TICKS) {
            worker.sweep();
            if worker.seat.number == 0 {
                worker.memory.sample();
            }
        }
    }
}
