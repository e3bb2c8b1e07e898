//! Identities of exchanges: ULIDs, which sort by time and say nothing else.

use exchange::moment::Moment;

use crate::error::GatewayError;

/// Makes ULIDs for one worker: the time, then random bits that count upwards, so that two of the
/// same millisecond differ and no system call is needed for each.
#[derive(Debug)]
pub(crate) struct Ulids {
    random: u128,
}

const RANDOM_BITS: u32 = 80;
const RANDOM_MASK: u128 = (1 << RANDOM_BITS) - 1;

impl Ulids {
    /// A maker with random bits of its own.
    pub(crate) fn new() -> Result<Self, GatewayError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(GatewayError::Randomness)?;
        Ok(Self { random: u128::from_le_bytes(bytes) & RANDOM_MASK })
    }

    /// The identity of an exchange that began at `now`: 26 digits of Crockford's base 32.
    pub(crate) fn next(&mut self, now: Moment) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        self.random = self.random.wrapping_add(1) & RANDOM_MASK;
        let millis = u128::try_from(now.micros() / 1_000).unwrap_or(0) & ((1 << 48) - 1);
        let number = millis << RANDOM_BITS | self.random;
        (0..26)
            .rev()
            .map(|place| char::from(DIGITS[(number >> (place * 5) & 31) as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn are_26_digits_and_sort_by_time_and_order() {
        let mut ulids = Ulids { random: 7 };
        // the example of the ULID specification: 01ARYZ6S41 is 1469918176385 ms
        let at = Moment::from_micros(1_469_918_176_385_000);
        let (first, second) = (ulids.next(at), ulids.next(at));
        assert_eq!(first.len(), 26);
        assert!(first.starts_with("01ARYZ6S41"), "{first}");
        assert!(first < second);
        assert!(second < ulids.next(at.plus_micros(1_000)));
    }
}
