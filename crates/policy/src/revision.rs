//! Which policy is in force: a content hash, the same for the same settings and contracts.

use std::fmt;

use sha2::{Digest, Sha256};

/// The first 8 bytes of the SHA-256 of everything that makes up a policy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Revision([u8; 8]);

impl Revision {
    /// The revision of these texts, in this order.
    #[must_use]
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut hasher = Sha256::new();
        for text in texts {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        Self(first)
    }
}

/// 16 hexadecimal digits.
impl fmt::Display for Revision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
