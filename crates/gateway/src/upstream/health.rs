//! What is known of an upstream's health: passively, from what became of requests, by each worker
//! for itself; actively, from the checks of the one prober, by all.

use std::sync::atomic::{AtomicBool, Ordering};

use policy::document::upstreams::HealthCheck;

use crate::limits::{
    UPSTREAM_DOWN, UPSTREAM_DOWN_FORGOTTEN, UPSTREAM_DOWN_MAX, UPSTREAM_FAILURES_MAX,
};
use crate::ticker::ticks;

/// What requests have shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passive {
    failures: u32,
    out_until: u32,
    times: u32,
    forgotten_at: u32,
}

impl Passive {
    /// Whether the upstream is to be passed over.
    pub(crate) fn is_out(&self, now: u32) -> bool {
        self.out_until > now
    }

    /// The tick at which it comes back; in the past if it is not out.
    pub(crate) fn out_until(&self) -> u32 {
        self.out_until
    }

    /// It answered.
    pub(crate) fn answered(&mut self) {
        self.failures = 0;
        self.out_until = 0;
    }

    /// It did not answer, or said that it cannot. Returns whether that takes it out, which it only
    /// does if it `may`.
    pub(crate) fn failed(&mut self, may: bool, now: u32) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= UPSTREAM_FAILURES_MAX && may && self.take_out(now)
    }

    /// It could not be connected to, which leaves no doubt. Returns whether that takes it out.
    pub(crate) fn unreachable(&mut self, now: u32) -> bool {
        self.take_out(now)
    }

    /// Each time within a while takes twice as long as the one before. Requests that were under
    /// way together count as one time.
    fn take_out(&mut self, now: u32) -> bool {
        if self.is_out(now) {
            return false;
        }
        if self.forgotten_at <= now {
            self.times = 0;
        }
        let period = UPSTREAM_DOWN.saturating_mul(1 << self.times.min(16)).min(UPSTREAM_DOWN_MAX);
        self.out_until = now.saturating_add(ticks(period));
        self.times = self.times.saturating_add(1);
        self.forgotten_at = self.out_until.saturating_add(ticks(UPSTREAM_DOWN_FORGOTTEN));
        // when it comes back, one more failure is enough
        self.failures = UPSTREAM_FAILURES_MAX - 1;
        true
    }
}

/// Whether the prober thinks an upstream well: it writes, workers read.
#[derive(Debug)]
pub(crate) struct Probed(AtomicBool);

impl Default for Probed {
    /// Nobody has been asked yet.
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Probed {
    pub(crate) fn is_well(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, well: bool) {
        self.0.store(well, Ordering::Relaxed);
    }
}

/// The checks of one upstream in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checked {
    well: bool,
    against: u32,
}

impl From<bool> for Checked {
    /// What was known of it before.
    fn from(well: bool) -> Self {
        Self { well, against: 0 }
    }
}

impl Checked {
    /// What a check says. Returns what the upstream is from now on: as many checks in a row as the
    /// settings want make it something else.
    pub(crate) fn note(&mut self, well: bool, check: &HealthCheck) -> bool {
        if well == self.well {
            self.against = 0;
            return self.well;
        }
        self.against += 1;
        let needed = if self.well { check.unhealthy_after } else { check.healthy_after };
        if self.against >= needed {
            *self = Self { well, against: 0 };
        }
        self.well
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn failures_in_a_row_take_it_out_for_longer_each_time() {
        let mut passive = Passive::default();
        let mut now = 1_000;
        let mut periods = Vec::new();
        for _ in 0..6 {
            while !passive.failed(true, now) {
                assert!(!passive.is_out(now));
            }
            periods.push((passive.out_until() - now) / ticks(UPSTREAM_DOWN));
            now = passive.out_until();
        }
        assert_eq!(periods, [1, 2, 4, 8, 12, 12]);
        passive.answered();
        now += ticks(UPSTREAM_DOWN_FORGOTTEN);
        assert!((1..UPSTREAM_FAILURES_MAX).all(|_| !passive.failed(true, now)));
        assert!(passive.failed(true, now));
        assert_eq!(passive.out_until() - now, ticks(UPSTREAM_DOWN));
    }

    #[test]
    fn answers_between_failures_keep_it_in() {
        let mut passive = Passive::default();
        for _ in 0..100 {
            assert!((1..UPSTREAM_FAILURES_MAX).all(|_| !passive.failed(true, 9)));
            passive.answered();
        }
        assert!(!passive.is_out(9));
    }

    #[test]
    fn who_may_not_go_stays() {
        let mut passive = Passive::default();
        assert!((0..100).all(|_| !passive.failed(false, 9)));
        assert!(passive.unreachable(9), "but who cannot be reached is out at once");
        assert!(!passive.unreachable(9), "and once is enough");
        passive.answered();
        assert!(!passive.is_out(9));
    }

    #[test]
    fn checks_in_a_row_decide() {
        let check = HealthCheck {
            path: "/".to_owned(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            unhealthy_after: 3,
            healthy_after: 2,
        };
        let mut checked = Checked::from(true);
        let said = [false, false, true, false, false, false, true, false, true, true];
        let told: Vec<bool> = said.iter().map(|well| checked.note(*well, &check)).collect();
        assert_eq!(
            told,
            [true, true, true, true, true, false, false, false, false, true],
            "{said:?}"
        );
    }
}
