//! The only forms in which a value from traffic leaves the core: keyed hashes and classes.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;

/// Something that stands for a value from traffic without being it. Only this module makes one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// What stands for the value.
    pub const fn get(&self) -> &T {
        &self.0
    }
}

/// A keyed 64-bit hash of a value: equal values have equal pseudonyms under one key, and nobody
/// without the key can test a guess. Printed as `h:` and 16 hexadecimal digits.
pub type Pseudonym = Redacted<u64>;

impl Pseudonym {
    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("h:")?;
        (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok().map(Redacted))?
    }
}

impl fmt::Display for Redacted<u64> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "h:{:016x}", self.0)
    }
}

/// Turns values into pseudonyms. The key is secret and handed in by the shell.
#[derive(Clone)]
pub struct Pseudonymizer(SipHasher24);

impl Pseudonymizer {
    /// A pseudonymizer under this key.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(key))
    }

    /// The pseudonym of `value`. `domain` keeps values of different meaning apart, so that a
    /// customer number and an order number that happen to be equal do not look related.
    #[must_use]
    pub fn of(&self, domain: &str, value: &[u8]) -> Pseudonym {
        let mut hasher = self.0;
        hasher.write(domain.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(value);
        Redacted(hasher.finish())
    }
}

impl fmt::Debug for Pseudonymizer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pseudonymizer(<key withheld>)")
    }
}
