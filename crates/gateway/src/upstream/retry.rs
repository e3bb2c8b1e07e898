//! How many requests may be sent a second time: a share of all, so that a sick upstream is not
//! given twice the work.

use std::cell::Cell;

use crate::limits::{RETRIES_FREE, RETRIES_PERCENT, RETRIES_WINDOW};
use crate::ticker::ticks;

/// The requests of one service within the present window, and how many were sent again.
#[derive(Debug, Default)]
pub(crate) struct RetryBudget {
    begun: Cell<u32>,
    requests: Cell<u32>,
    retries: Cell<u32>,
}

impl RetryBudget {
    /// A request is sent for the first time.
    pub(crate) fn request(&self, now: u32) {
        if now.saturating_sub(self.begun.get()) >= ticks(RETRIES_WINDOW) {
            self.begun.set(now);
            self.requests.set(0);
            self.retries.set(0);
        }
        self.requests.set(self.requests.get().saturating_add(1));
    }

    /// Takes one from the budget; false if nothing is left.
    pub(crate) fn take(&self) -> bool {
        let share = u64::from(self.requests.get()) * u64::from(RETRIES_PERCENT) / 100;
        let allowed = u64::from(self.retries.get()) < share + u64::from(RETRIES_FREE);
        if allowed {
            self.retries.set(self.retries.get() + 1);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_the_requests_may_be_repeated_and_a_few_always() {
        let budget = RetryBudget::default();
        let mut taken = 0;
        for _ in 0..1_000 {
            budget.request(3);
            taken += u32::from(budget.take());
        }
        assert_eq!(taken, 1_000 * RETRIES_PERCENT / 100 + RETRIES_FREE);
        budget.request(3 + ticks(RETRIES_WINDOW));
        assert_eq!((0..100).filter(|_| budget.take()).count(), RETRIES_FREE as usize);
    }
}
