//! Certificates that are ordered and renewed by themselves (ACME, RFC 8555), in a thread of their
//! own.
//!
//! What comes of it is a file, beside the database; whoever watches certificates puts it in force.
//! An authority that fails or cannot be reached costs nothing but a later try: what is served
//! stays.

mod courier;
mod issue;
mod shelf;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use gateway::challenges::Challenges;
use gateway::metrics::Metrics;
use gateway::tls::{Connector, File, UpstreamMaterial};
use policy::document::Document;
use policy::document::acme::Acme;
use policy::document::tls::CertificateSource;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;

pub(crate) use shelf::Shelf;

use crate::settings::Settings;

/// How long the clock is trusted to run on: machines sleep, and are set right.
const LOOK: Duration = Duration::from_secs(3_600);

/// The first pause after an authority could not be reached.
const UNREACHABLE: Duration = Duration::from_secs(2);

/// The first pause after an authority refused: the largest public one admits five such failures in
/// an hour.
const REFUSED: Duration = Duration::from_secs(900);

/// The longest pause. A certificate is renewed when a third of its life is left, which is a month
/// for those of 90 days, and two days for those of six.
const PAUSE_MAX: Duration = Duration::from_secs(6 * 3_600);

/// One certificate that is to be there.
#[derive(Clone, Debug)]
struct Order {
    acme: Acme,
    shelf: Shelf,
    connector: Arc<Connector>,
}

/// Keeps ordered certificates fresh until it is dropped.
#[derive(Debug)]
pub(crate) struct Issuance {
    challenges: Arc<Challenges>,
    orders: watch::Sender<Vec<Order>>,
    sound: Gauge,
    thread: Option<JoinHandle<()>>,
}

impl Issuance {
    /// Begins with what these settings order.
    pub(crate) fn start(settings: &Settings, metrics: &Metrics) -> anyhow::Result<Self> {
        let sound = Gauge::default();
        sound.set(1);
        metrics.register(|registry| {
            let help = "1 if no certificate that was to be ordered or renewed has failed to come";
            registry.register("palisade_acme_successful", help, sound.clone());
        });
        let (orders, _) = watch::channel(Vec::new());
        let challenges = Arc::default();
        let mut keeper = Self { challenges, orders, sound, thread: None };
        keeper.take(settings)?;
        Ok(keeper)
    }

    /// Where the gateway finds what authorities ask for.
    pub(crate) fn challenges(&self) -> Arc<Challenges> {
        Arc::clone(&self.challenges)
    }

    /// Goes on with what new settings order.
    pub(crate) fn take(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let orders = orders(settings)?;
        let domains = orders.iter().flat_map(|order| order.acme.domains.clone()).collect();
        self.challenges.serve(domains);
        let idle = orders.is_empty();
        self.orders.send_replace(orders);
        if idle || self.thread.is_some() {
            return Ok(());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ordered, sound) = (self.orders.subscribe(), self.sound.clone());
        let challenges = self.challenges();
        let work = move || runtime.block_on(keep(ordered, &challenges, &sound));
        self.thread = Some(std::thread::Builder::new().name("acme".to_owned()).spawn(work)?);
        Ok(())
    }
}

/// The certificates that the settings order.
fn orders(settings: &Settings) -> anyhow::Result<Vec<Order>> {
    let mut orders = Vec::new();
    for acme in ordered(&settings.document) {
        let ca = match &acme.ca {
            None => None,
            Some(name) => {
                let path = settings.base.join(&name.value);
                let shown = path.display().to_string();
                let bytes =
                    std::fs::read(&path).map_err(|e| anyhow!("cannot read {shown}: {e}"))?;
                Some(File { name: shown, bytes })
            }
        };
        let connector = Connector::new(UpstreamMaterial { ca, ..UpstreamMaterial::default() })?;
        let shelf = Shelf::of(&settings.document, &settings.base, acme);
        orders.push(Order { acme: acme.clone(), shelf, connector: Arc::new(connector) });
    }
    Ok(orders)
}

/// What a settings file orders.
pub(crate) fn ordered(document: &Document) -> impl Iterator<Item = &Acme> {
    let tls = document.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    tls.filter_map(|tls| match &tls.source {
        CertificateSource::Acme(acme) => Some(acme),
        CertificateSource::Files(_) => None,
    })
}

/// Orders what is due, until nobody wants anything any more.
async fn keep(mut orders: watch::Receiver<Vec<Order>>, challenges: &Challenges, sound: &Gauge) {
    let mut pauses: BTreeMap<PathBuf, Pause> = BTreeMap::new();
    loop {
        let wanted = orders.borrow_and_update().clone();
        let mut rest = LOOK;
        for order in &wanted {
            let pause = pauses.entry(order.shelf.certificate().to_owned()).or_default();
            rest = rest.min(look(order, challenges, pause).await);
        }
        let failing = pauses.values().any(|pause| pause.failures > 0);
        sound.set(i64::from(!failing));
        let ended = tokio::select! {
            changed = orders.changed() => changed.is_err(),
            () = tokio::time::sleep(rest) => false,
        };
        if ended {
            return;
        }
    }
}

/// Looks after one certificate. Returns for how long that is enough.
async fn look(order: &Order, challenges: &Challenges, pause: &mut Pause) -> Duration {
    let due = order.shelf.due_in(&order.acme.domains, SystemTime::now());
    let left = pause.left();
    if !due.is_zero() || !left.is_zero() {
        return due.max(left).max(MOMENT);
    }
    let names = order.acme.domains.join(", ");
    match issue::issue(order, challenges).await {
        Ok(()) => {
            tracing::info!("a certificate for {names} was issued");
            *pause = Pause::default();
        }
        Err(failure) => {
            let wait = pause.fail(&failure);
            let (wait, error) = (wait.as_secs(), failure.error());
            tracing::warn!("no certificate for {names}: {error}; next try in {wait} s");
        }
    }
    order.shelf.due_in(&order.acme.domains, SystemTime::now()).max(pause.left()).max(MOMENT)
}

/// The shortest sleep: what is due now is done in the next round.
const MOMENT: Duration = Duration::from_millis(100);

/// How long an order rests after failures.
#[derive(Debug, Default)]
struct Pause {
    failures: u32,
    /// What the last one was.
    refused: bool,
    until: Option<std::time::Instant>,
}

impl Pause {
    fn left(&self) -> Duration {
        let now = std::time::Instant::now();
        self.until.map(|until| until.saturating_duration_since(now)).unwrap_or_default()
    }

    /// Twice as long each time for failures of one kind, and up to a quarter less by chance, so
    /// that many gateways that failed together do not come back together.
    fn fail(&mut self, failure: &issue::Failure) -> Duration {
        let refused = matches!(failure, issue::Failure::Refused(_));
        if refused != self.refused {
            self.failures = 0;
        }
        let first = if refused { REFUSED } else { UNREACHABLE };
        let whole = first.saturating_mul(1 << self.failures.min(16)).min(PAUSE_MAX);
        let mut chance = [0; 1];
        // without randomness all of it
        getrandom::fill(&mut chance).ok();
        let wait = whole - whole / 4 * u32::from(chance[0]) / 255;
        self.failures += 1;
        self.refused = refused;
        self.until = Some(std::time::Instant::now() + wait);
        wait
    }
}

/// Where ordered certificates are kept: beside the database.
pub(crate) fn directory(document: &Document, base: &Path) -> PathBuf {
    let database = crate::settings::database_file(document, base);
    database.parent().unwrap_or(base).join("acme")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_differ() {
        let mut ran = 0;
        for (failure, first) in [
            (issue::Failure::Unreachable("x".to_owned()), UNREACHABLE),
            (issue::Failure::Refused("x".to_owned()), REFUSED),
        ] {
            let mut pause = Pause::default();
            assert_eq!(pause.left(), Duration::ZERO);
            let waits: Vec<Duration> = (0..40).map(|_| pause.fail(&failure)).collect();
            assert!(waits[0] <= first && waits[0] >= first * 3 / 4, "{waits:?}");
            assert!(waits[39] <= PAUSE_MAX && waits[39] >= PAUSE_MAX * 3 / 4, "{waits:?}");
            assert!(pause.left() > PAUSE_MAX / 2);
            ran += 1;
        }
        assert_eq!(ran, 2);
    }
}
