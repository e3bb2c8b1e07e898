//! Counts over everything absorbed, and the traffic of each hour.

use std::collections::BTreeMap;

use exchange::body::Why;
use exchange::decision::Disposition;
use exchange::limits;
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation};
use serde::{Deserialize, Serialize};

use crate::sketch::{Counts, Distinct, Span};
use crate::snapshot::{Coverage, TrafficHour};

const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// How many bodies there were, and how many were looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Bodies {
    there: u64,
    seen: u64,
}

impl Bodies {
    fn absorb(&mut self, body: &BodySeen) {
        if body.missing != Some(Why::Empty) {
            self.there += 1;
            self.seen += u64::from(body.missing.is_none());
        }
    }

    fn merge(&mut self, other: Self) {
        self.there += other.there;
        self.seen += other.seen;
    }

    fn share(self) -> f64 {
        if self.there == 0 { 1.0 } else { self.seen as f64 / self.there as f64 }
    }
}

/// Counts over everything absorbed.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Traffic {
    pub(crate) exchanges: u64,
    dispositions: Counts<Disposition>,
    pub(crate) principals: Distinct,
    pub(crate) span: Span,
    requests: Bodies,
    responses: Bodies,
    /// By number of the hour since the epoch: the latest [`limits::TRAFFIC_HOURS_MAX`].
    hours: BTreeMap<i64, TrafficHour>,
}

impl Traffic {
    /// Adds one exchange.
    pub(crate) fn absorb(&mut self, observation: &Observation) {
        self.exchanges += 1;
        self.dispositions.add(observation.disposition, 1);
        self.span.insert(observation.at);
        if let Some(id) = observation.principal.id {
            self.principals.insert(id);
        }
        self.requests.absorb(&observation.request);
        if observation.status.is_some() {
            self.responses.absorb(&observation.response);
        }
        let number = observation.at.micros().div_euclid(MICROS_PER_HOUR);
        if let Some(hour) = self.hour(number) {
            hour.exchanges += 1;
            match observation.status {
                Some(400..=499) => hour.client_errors += 1,
                Some(500..) | None => hour.server_errors += 1,
                Some(_) => {}
            }
            hour.blocked += u64::from(observation.disposition == Disposition::Blocked);
            hour.detected += u64::from(observation.disposition == Disposition::Detected);
        }
    }

    /// The hour's counts; `None` when it is older than all that are kept.
    fn hour(&mut self, number: i64) -> Option<&mut TrafficHour> {
        if !self.hours.contains_key(&number) && self.hours.len() >= limits::TRAFFIC_HOURS_MAX {
            let (oldest, _) = self.hours.first_key_value()?;
            if number < *oldest {
                return None;
            }
            self.hours.pop_first();
        }
        let hour = Moment::from_micros(number.saturating_mul(MICROS_PER_HOUR));
        Some(self.hours.entry(number).or_insert(TrafficHour { hour, ..TrafficHour::default() }))
    }

    /// All exchanges of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.dispositions.merge(&other.dispositions);
        self.principals.merge(&other.principals);
        self.span.merge(other.span);
        self.requests.merge(other.requests);
        self.responses.merge(other.responses);
        // latest first, so that no hour is let in only to be put out again
        for (number, theirs) in other.hours.iter().rev() {
            if let Some(mine) = self.hour(*number) {
                mine.exchanges += theirs.exchanges;
                mine.client_errors += theirs.client_errors;
                mine.server_errors += theirs.server_errors;
                mine.blocked += theirs.blocked;
                mine.detected += theirs.detected;
            }
        }
    }

    /// Share of the bodies that were looked at.
    pub(crate) fn coverage(&self) -> Coverage {
        Coverage { request_bodies: self.requests.share(), response_bodies: self.responses.share() }
    }

    /// Exchanges by what happened to them, zeros included.
    pub(crate) fn dispositions(&self) -> Vec<(Disposition, u64)> {
        Disposition::ALL.iter().map(|one| (*one, self.dispositions.get(*one))).collect()
    }

    /// The hours, oldest first.
    pub(crate) fn hours(&self) -> Vec<TrafficHour> {
        self.hours.values().copied().collect()
    }
}
