//! A floor under the rate at which a client sends its body. Who trickles keeps a place that others
//! need, and never stands still long enough to be late.

use crate::limits::{BODY_GRACE, BODY_RATE_MIN, TICK};

const GRACE_MS: u64 = BODY_GRACE.as_millis() as u64;
const TICK_MS: u64 = TICK.as_millis() as u64;

/// A client's credit of time: waiting for it uses the credit up, and what it sends restores it.
#[derive(Debug)]
pub(crate) struct Pace {
    credit_ms: u64,
}

/// Whether a client keeps up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kept {
    Pace,
    TooSlow,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self { credit_ms: GRACE_MS }
    }

    /// The client has been waited for and has sent so many bytes. Only waiting counts: a client is
    /// not slow because an upstream is.
    pub(crate) fn sent(&mut self, waited_ticks: u32, bytes: usize) -> Kept {
        let earned = (bytes as u64).saturating_mul(1_000) / BODY_RATE_MIN;
        let waited = u64::from(waited_ticks) * TICK_MS;
        match self.credit_ms.saturating_add(earned).checked_sub(waited) {
            Some(left) => {
                self.credit_ms = left.min(GRACE_MS);
                Kept::Pace
            }
            None => Kept::TooSlow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u32 = (1_000 / TICK_MS) as u32;

    /// Seconds until a client that sends so many bytes each second is too slow, of a minute.
    fn lasts(bytes: usize) -> Option<u32> {
        let mut pace = Pace::new();
        (1..=60).find(|_| pace.sent(SECOND, bytes) == Kept::TooSlow)
    }

    #[test]
    fn sl_02_below_the_floor_there_is_only_the_grace() {
        let cases = [(0, Some(6)), (10, Some(6)), (512, Some(11)), (1_024, None), (1 << 20, None)];
        for (bytes, expected) in cases {
            assert_eq!(lasts(bytes), expected, "{bytes} B/s");
        }
        assert_eq!(cases.len(), 5);
    }

    #[test]
    fn a_fast_start_buys_no_slow_end_and_a_pause_is_forgiven() {
        let mut pace = Pace::new();
        assert_eq!(pace.sent(0, 100 << 20), Kept::Pace);
        assert_eq!(pace.sent(6 * SECOND, 10), Kept::TooSlow);
        let mut pace = Pace::new();
        assert_eq!(pace.sent(20 * SECOND, 64 << 10), Kept::Pace);
    }
}
