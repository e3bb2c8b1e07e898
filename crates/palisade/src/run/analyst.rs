//! The one thread that owns the analyst: journal first, then learning, then publishing.

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use analysis::change::Change;
use analysis::{Analyst, DeclaredService, state};
use anyhow::{Context, anyhow};
use console::{Command, Health, Queue, ServiceView, Sink, View};
use exchange::limits;
use exchange::observation::Observation;
use gateway::outlet::{Outlet, OutletReader};
use policy::Policy;
use store::{Position, Retention, Store};
use tokio::sync::{mpsc as ask, watch};

use super::{now, service_views};

/// Observations that are journalled in one commit.
const BATCH: usize = 4_096;

/// Niceness of threads that learn and keep, so that a worker that wakes goes first: half their
/// share of a core that both want is still more than they need.
const BACKGROUND_NICENESS: i32 = 5;

/// How often what is known is published; rarer when publishing itself takes long.
const PUBLISH: Duration = Duration::from_secs(1);

/// How often the analyst's state is saved: what a restart must read again from the journal.
const SAVE: Duration = Duration::from_secs(30);

/// How often what is too old is deleted.
const EXPIRE: Duration = Duration::from_secs(3_600);

/// How long the outlet must have been empty before everything counts as absorbed.
const QUIET: Duration = Duration::from_millis(250);

/// Commands of the console that wait.
const COMMANDS_MAX: usize = 64;

/// What else the thread is asked to do.
enum Ask {
    Redeclare(Vec<DeclaredService>, Vec<ServiceView>, String),
    Settle(mpsc::Sender<()>),
    Stop,
}

/// The running thread.
pub(crate) struct AnalystThread {
    asks: ask::UnboundedSender<Ask>,
    commands: ask::Sender<Command>,
    view: watch::Receiver<Arc<View>>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl AnalystThread {
    /// Takes up what the store has kept, and starts.
    pub(crate) fn start(
        store: Arc<Store>,
        reader: OutletReader,
        outlet: Outlet,
        policy: &Policy,
    ) -> anyhow::Result<Self> {
        let (analyst, position) = restore(&store, policy)?;
        let (publish, view) = watch::channel(Arc::new(View::default()));
        let (asks, asked) = ask::unbounded_channel();
        let (commands, commanded) = ask::channel(COMMANDS_MAX);
        let mut room = Room {
            store,
            analyst,
            position,
            outlet,
            publish,
            services: service_views(policy),
            revision: policy.revision.to_string(),
            trouble: None,
            spacing: PUBLISH,
        };
        room.publish();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("analyst".to_owned()).spawn(move || {
            // where it is not allowed, learning competes with traffic
            rustix::process::nice(BACKGROUND_NICENESS).ok();
            runtime.block_on(room.work(reader, asked, commanded))
        })?;
        Ok(Self { asks, commands, view, thread })
    }

    /// What is known, as last published.
    pub(crate) fn view(&self) -> watch::Receiver<Arc<View>> {
        self.view.clone()
    }

    /// Where the console sends its commands.
    pub(crate) fn commands(&self) -> ask::Sender<Command> {
        self.commands.clone()
    }

    /// The contracts have changed.
    pub(crate) fn redeclare(&self, policy: &Policy) {
        let revision = policy.revision.to_string();
        // a thread that has ended says so when it is stopped
        self.asks.send(Ask::Redeclare(declared(policy), service_views(policy), revision)).ok();
    }

    /// Waits until everything that was sent so far has been absorbed and published.
    pub(crate) fn settle(&self, timeout: Duration) -> bool {
        let (done, wait) = mpsc::channel();
        self.asks.send(Ask::Settle(done)).is_ok() && wait.recv_timeout(timeout).is_ok()
    }

    /// Absorbs what still waits, saves what was learned, and ends the thread.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.asks.send(Ask::Stop).ok();
        self.thread.join().map_err(|_| anyhow!("the analyst's thread panicked"))?
    }
}

fn declared(policy: &Policy) -> Vec<DeclaredService> {
    policy
        .services
        .iter()
        .filter_map(|service| {
            let contract = Arc::clone(service.contract.as_ref()?);
            Some(DeclaredService { name: Arc::clone(&service.name), contract })
        })
        .collect()
}

/// The analyst as it was when it was last heard of: its state, and the journal since.
fn restore(store: &Store, policy: &Policy) -> anyhow::Result<(Analyst, Position)> {
    let loaded = store.load()?;
    let cards = crate::explain::cards();
    let analyst = match &loaded.state {
        Some(bytes) => state::restore(bytes, declared(policy))
            .context("what was learned before cannot be read")?,
        None => Analyst::new(declared(policy)),
    };
    let mut analyst = analyst.with_cards(&cards);
    let replayed = store.replay(loaded.position, |observation| analyst.absorb(&observation))?;
    if replayed.missing > 0 {
        tracing::warn!("{} observations are no longer in the journal", replayed.missing);
    }
    for triage in loaded.triage {
        analyst.set_status(triage.fingerprint, triage.status, triage.at);
    }
    Ok((analyst, replayed.last))
}

/// What the thread works with.
struct Room {
    store: Arc<Store>,
    analyst: Analyst,
    position: Position,
    outlet: Outlet,
    publish: watch::Sender<Arc<View>>,
    services: Vec<ServiceView>,
    revision: String,
    /// What the store last refused to do.
    trouble: Option<String>,
    spacing: Duration,
}

impl Room {
    async fn work(
        mut self,
        mut reader: OutletReader,
        mut asked: ask::UnboundedReceiver<Ask>,
        mut commanded: ask::Receiver<Command>,
    ) -> anyhow::Result<()> {
        let mut batch = Vec::with_capacity(BATCH);
        let (mut saved, mut expired) = (Instant::now(), Instant::now());
        let mut published = Instant::now();
        loop {
            tokio::select! {
                _ = reader.recv_batch(BATCH, &mut batch) => self.take(&mut batch),
                Some(command) = commanded.recv() => self.command(command),
                ask = asked.recv() => match ask {
                    Some(Ask::Redeclare(declared, services, revision)) => {
                        self.analyst.redeclare(declared);
                        (self.services, self.revision) = (services, revision);
                        self.publish();
                    }
                    Some(Ask::Settle(done)) => {
                        self.drain(&mut reader, &mut batch).await;
                        self.publish();
                        // who asked may have lost patience
                        done.send(()).ok();
                    }
                    Some(Ask::Stop) | None => {
                        self.drain(&mut reader, &mut batch).await;
                        self.publish();
                        return self.save();
                    }
                },
                () = tokio::time::sleep_until((published + self.spacing).into()) => {
                    self.publish();
                    published = Instant::now();
                    if saved.elapsed() >= SAVE {
                        let outcome = self.save();
                        self.note(outcome);
                        saved = Instant::now();
                    }
                    if expired.elapsed() >= EXPIRE {
                        let outcome = self.store.expire(now(), &Retention::default());
                        self.note(outcome.map(|_| ()).map_err(Into::into));
                        expired = Instant::now();
                    }
                }
            }
        }
    }

    /// Takes observations until none has come for a while.
    async fn drain(&mut self, reader: &mut OutletReader, batch: &mut Vec<Observation>) {
        while let Ok(taken) = tokio::time::timeout(QUIET, reader.recv_batch(BATCH, batch)).await {
            if taken == 0 {
                break;
            }
            self.take(batch);
        }
    }

    /// Journals, then learns: what a restart finds is never less than what was acted upon.
    fn take(&mut self, batch: &mut Vec<Observation>) {
        if batch.is_empty() {
            return;
        }
        match self.store.append(batch) {
            Ok(position) => {
                self.position = position;
                self.trouble = None;
            }
            Err(error) => self.note(Err(error.into())),
        }
        for observation in batch.drain(..) {
            self.analyst.absorb(&observation);
        }
    }

    fn publish(&mut self) {
        let began = Instant::now();
        let at = now();
        let (changes, snapshot) = self.analyst.review(at);
        self.apply(&changes);
        let view = View {
            at,
            snapshot: Arc::new(snapshot),
            services: self.services.clone(),
            health: self.health(),
            revision: self.revision.clone(),
        };
        self.publish.send_replace(Arc::new(view));
        // a large inventory must not keep the thread from listening
        self.spacing = PUBLISH.max(began.elapsed() * 10);
    }

    fn apply(&mut self, changes: &[Change]) {
        if !changes.is_empty() {
            let outcome = self.store.apply(changes);
            self.note(outcome.map_err(Into::into));
        }
    }

    fn health(&self) -> Health {
        let lane = |name, state: gateway::outlet::LaneState, capacity: usize| Queue {
            name,
            length: state.length as u64,
            capacity: capacity as u64,
            dropped: state.dropped,
        };
        Health {
            queues: vec![
                lane("with signals", self.outlet.signalled(), limits::OUTLET_SIGNALLED_MAX),
                lane("without signals", self.outlet.plain(), limits::OUTLET_PLAIN_MAX),
            ],
            sinks: vec![Sink { name: "store", trouble: self.trouble.clone() }],
            skipped: Vec::new(),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::History { fingerprint, reply } => {
                let history = self.store.reader().and_then(|reader| reader.history(fingerprint));
                reply.send(history.map_err(|error| error.to_string())).ok();
            }
            Command::Triage { triage, reply } => {
                let kept = self.store.triage(&triage);
                if matches!(kept, Ok(true)) {
                    let (fingerprint, at) = (triage.fingerprint, triage.at);
                    let change = self.analyst.set_status(fingerprint, triage.status, at);
                    self.apply(change.as_slice());
                    self.publish();
                }
                // the page may have been left
                reply.send(kept.map_err(|error| error.to_string())).ok();
            }
        }
    }

    fn save(&mut self) -> anyhow::Result<()> {
        let bytes = state::save(&self.analyst);
        self.store.save_state(&bytes, self.position, now()).context("cannot save what was learned")
    }

    /// Keeps going, and says so once for each trouble.
    fn note(&mut self, outcome: anyhow::Result<()>) {
        if let Err(error) = outcome {
            let text = format!("{error:#}");
            if self.trouble.as_deref() != Some(&text) {
                tracing::error!("the store: {text}");
            }
            self.trouble = Some(text);
        }
    }
}
