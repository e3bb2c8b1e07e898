//! The one hash of texts that is not an identity anybody sees: fixed, so that states merge.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Hashes text, one after the other, with borders between them.
#[derive(Clone)]
pub(crate) struct TextHash(SipHasher13);

impl TextHash {
    /// A hash of nothing yet; `domain` keeps hashes of different meaning apart.
    pub(crate) fn new(domain: u8) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write_u8(domain);
        Self(hasher)
    }

    /// Adds a text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.write(text.as_bytes());
        self.0.write_u8(0xff);
        self
    }

    /// Adds a byte that is no text.
    pub(crate) fn mark(mut self, mark: u8) -> Self {
        self.0.write_u8(0xfe);
        self.0.write_u8(mark);
        self
    }

    /// The hash of what was added.
    pub(crate) fn finish(self) -> u64 {
        self.0.finish()
    }
}
