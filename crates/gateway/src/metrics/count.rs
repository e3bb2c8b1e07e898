//! The cells in which one worker counts. Each has one writer, so counting is a load and a store.

use std::sync::atomic::{AtomicU64, Ordering};

use exchange::decision::Disposition;
use exchange::observation::Observation;
use exchange::phase::Phase;
use exchange::rule::Family;
use exchange::signal::Location;
use policy::Mode;
use wire::Refusal;

use crate::cache::Outcome;
use crate::tls::HandshakeCounts;

/// Upper bounds of the duration buckets in seconds: OpenTelemetry's for HTTP durations.
pub(crate) const BUCKETS_S: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

const BUCKETS_US: [u64; 14] = [
    5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

/// The kinds of place in which a contract can be violated, in the words of [`Location::place`].
pub(crate) const PLACES: [&str; 6] = ["body", "cookie", "exchange", "header", "path", "query"];

/// The directions of a violation.
pub(crate) const DIRECTIONS: [&str; 2] = ["request", "response"];

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.store(self.get().wrapping_add(count), Ordering::Relaxed);
    }
}

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    buckets: [Cell; BUCKETS_US.len() + 1],
    sum_us: Cell,
}

impl Durations {
    pub(crate) fn observe(&self, micros: u64) {
        let bucket = BUCKETS_US.iter().position(|bound| micros <= *bound);
        self.buckets[bucket.unwrap_or(BUCKETS_US.len())].add(1);
        self.sum_us.add(micros);
    }

    /// Adds these to `buckets`, and the sum of seconds to what is returned.
    pub(crate) fn add_to(&self, buckets: &mut [(f64, u64)]) -> f64 {
        for (cell, (_, count)) in self.buckets.iter().zip(buckets) {
            *count += cell.get();
        }
        self.sum_us.get() as f64 / 1e6
    }
}

/// Why an exchange, or a part of it, was not inspected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Skipped {
    BodyTooLarge,
    Disabled,
    Panic,
}

impl Skipped {
    pub(crate) const ALL: [Self; 3] = [Self::BodyTooLarge, Self::Disabled, Self::Panic];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BodyTooLarge => "body_too_large",
            Self::Disabled => "disabled",
            Self::Panic => "panic",
        }
    }
}

/// What one worker counts regardless of service.
#[derive(Debug)]
pub(crate) struct WorkerCounts {
    /// In the order of [`Refusal::all`].
    refusals: Vec<(&'static str, Cell)>,
    skipped: [Cell; Skipped::ALL.len()],
    /// Connections turned away because there were too many.
    pub(crate) overloads: Cell,
    /// Client connections that are open now.
    pub(crate) connections: Cell,
    /// How TLS handshakes ended.
    pub(crate) handshakes: HandshakeCounts,
}

impl Default for WorkerCounts {
    fn default() -> Self {
        Self {
            refusals: Refusal::all().map(|refusal| (refusal.code(), Cell::default())).collect(),
            skipped: Default::default(),
            overloads: Cell::default(),
            connections: Cell::default(),
            handshakes: HandshakeCounts::default(),
        }
    }
}

impl WorkerCounts {
    pub(crate) fn refused(&self, refusal: Refusal) {
        if let Some((_, cell)) = self.refusals.iter().find(|(code, _)| *code == refusal.code()) {
            cell.add(1);
        }
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.refusals.iter().map(|(code, cell)| (*code, cell.get()))
    }

    pub(crate) fn skip(&self, why: Skipped) {
        self.skipped[why as usize].add(1);
    }

    pub(crate) fn skipped(&self, why: Skipped) -> u64 {
        self.skipped[why as usize].get()
    }
}

/// What one worker counts of one service.
#[derive(Debug, Default)]
pub(crate) struct ServiceCounts {
    exchanges: [[Cell; Disposition::ALL.len()]; Mode::ALL.len()],
    violations: [[Cell; PLACES.len()]; DIRECTIONS.len()],
    cached: [Cell; Outcome::ALL.len()],
    /// Answers that were stored.
    pub(crate) stored: Cell,
    pub(crate) durations: Durations,
    pub(crate) upstream_durations: Durations,
}

impl ServiceCounts {
    pub(crate) fn exchange(&self, mode: Mode, disposition: Disposition, micros: u64) {
        self.exchanges[mode as usize][disposition as usize].add(1);
        self.durations.observe(micros);
    }

    pub(crate) fn exchanges(&self, mode: Mode, disposition: Disposition) -> u64 {
        self.exchanges[mode as usize][disposition as usize].get()
    }

    /// Counts how a request for a cacheable answer ended.
    pub(crate) fn cached(&self, outcome: Outcome) {
        self.cached[outcome as usize].add(1);
    }

    pub(crate) fn cached_so(&self, outcome: Outcome) -> u64 {
        self.cached[outcome as usize].get()
    }

    /// Counts the violations of the contract that an observation tells of.
    pub(crate) fn violations_of(&self, observation: &Observation) {
        for signal in &observation.signals {
            if signal.rule.family() != Family::Spec {
                continue;
            }
            let direction = match signal.phase {
                Phase::RequestHead | Phase::RequestBody => 0,
                Phase::ResponseHead | Phase::ResponseBody => 1,
            };
            self.violations[direction][place(&signal.location)].add(1);
        }
    }

    pub(crate) fn violations(&self, direction: usize, place: usize) -> u64 {
        self.violations[direction][place].get()
    }
}

fn place(location: &Location) -> usize {
    match location {
        Location::Body(_) => 0,
        Location::Cookie(_) => 1,
        Location::Exchange => 2,
        Location::Header(_) => 3,
        Location::Path(_) => 4,
        Location::Query(_) => 5,
    }
}
