//! The circuit breaker of one upstream: an upstream that does not answer is left alone for a
//! while, and then tried with one request (M. Nygard, "Release It!", 2007).
//!
//! Only requests without any usable answer count, so that what an upstream says, an error of its
//! own included, is never replaced by an answer of ours.

/// When the circuit opens, and for how long; periods are ticks of the worker's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) error_percent: u32,
    pub(crate) requests_min: u32,
    pub(crate) window: u32,
    pub(crate) open_for: u32,
}

/// What is known of one upstream's answers within the present window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Circuit {
    state: State,
    begun: u32,
    requests: u32,
    errors: u32,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Closed,
    /// Nothing is sent before this tick.
    Open(u32),
    /// One request tries.
    HalfOpen,
}

impl Circuit {
    /// Whether a request may be sent.
    pub(crate) fn admits(&self, now: u32) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(until) => until <= now,
            State::HalfOpen => false,
        }
    }

    /// Ticks until a request may be sent; none when one may be, or is trying.
    pub(crate) fn opens_in(&self, now: u32) -> u32 {
        match self.state {
            State::Open(until) => until.saturating_sub(now),
            State::Closed | State::HalfOpen => 0,
        }
    }

    /// A request is sent. Returns whether it is the one that tries.
    pub(crate) fn sent(&mut self) -> bool {
        let tries = self.state != State::Closed;
        if tries {
            self.state = State::HalfOpen;
        }
        tries
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, tries: bool, now: u32, bounds: &Bounds) {
        if tries {
            *self = Self { begun: now, ..Self::default() };
        }
        self.count(false, now, bounds);
    }

    /// No answer came. Returns whether that opened the circuit.
    pub(crate) fn failed(&mut self, tries: bool, now: u32, bounds: &Bounds) -> bool {
        self.count(true, now, bounds);
        let share = u64::from(self.errors) * 100;
        let sick = self.requests >= bounds.requests_min
            && share >= u64::from(self.requests) * u64::from(bounds.error_percent);
        let opens = tries || (self.state == State::Closed && sick);
        if opens {
            let until = now.saturating_add(bounds.open_for);
            *self = Self { state: State::Open(until), begun: now, requests: 0, errors: 0 };
        }
        opens
    }

    /// It is not known what became of the request: another one may try.
    pub(crate) fn lost(&mut self, tries: bool, now: u32) {
        if tries {
            self.state = State::Open(now);
        }
    }

    fn count(&mut self, error: bool, now: u32, bounds: &Bounds) {
        if now.saturating_sub(self.begun) >= bounds.window {
            *self = Self { begun: now, requests: 0, errors: 0, ..*self };
        }
        self.requests = self.requests.saturating_add(1);
        self.errors = self.errors.saturating_add(u32::from(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { error_percent: 50, requests_min: 4, window: 40, open_for: 20 };

    fn opened_at(now: u32) -> Circuit {
        let mut circuit = Circuit::default();
        let opened = (0..4).map(|_| circuit.failed(false, now, &BOUNDS)).filter(|open| *open);
        assert_eq!(opened.count(), 1);
        circuit
    }

    #[test]
    fn half_of_enough_requests_open_it() {
        let mut circuit = Circuit::default();
        assert!(!circuit.failed(false, 0, &BOUNDS));
        circuit.answered(false, 0, &BOUNDS);
        circuit.answered(false, 0, &BOUNDS);
        assert!(circuit.admits(0));
        assert!(circuit.failed(false, 1, &BOUNDS), "two of four");
        assert!(!circuit.admits(1) && !circuit.admits(20));
        assert_eq!(circuit.opens_in(1), 20);
        assert!(circuit.admits(21));
    }

    #[test]
    fn few_requests_and_old_ones_do_not() {
        let mut circuit = Circuit::default();
        for now in [0, 1, 2, 50, 51, 52, 100] {
            assert!(!circuit.failed(false, now, &BOUNDS));
        }
        for _ in 0..6 {
            circuit.answered(false, 200, &BOUNDS);
        }
        for _ in 0..5 {
            assert!(!circuit.failed(false, 200, &BOUNDS), "less than half");
        }
    }

    #[test]
    fn one_request_tries_and_decides() {
        let mut circuit = opened_at(0);
        assert!(circuit.admits(20) && circuit.sent());
        assert!(!circuit.admits(20) && !circuit.admits(1_000), "only one tries");
        assert!(circuit.failed(true, 30, &BOUNDS));
        assert!(!circuit.admits(49) && circuit.admits(50));
        assert!(circuit.sent());
        circuit.answered(true, 60, &BOUNDS);
        assert!(circuit.admits(60) && !circuit.sent());
    }

    #[test]
    fn a_trial_that_nobody_waited_for_leaves_room_for_another() {
        let mut circuit = opened_at(0);
        assert!(circuit.sent());
        circuit.lost(true, 25);
        assert!(circuit.admits(25) && circuit.sent());
    }

    #[test]
    fn what_was_sent_before_it_opened_changes_nothing() {
        let mut circuit = opened_at(0);
        assert!(!circuit.failed(false, 3, &BOUNDS), "it is open already");
        circuit.answered(false, 3, &BOUNDS);
        circuit.lost(false, 3);
        assert_eq!(circuit.opens_in(3), 17);
    }
}
