//! Our own form of recordings.

/// Checks one input.
pub fn check(bytes: &[u8]) {
    crate::recording::check(bytes, "recording.ndjson");
}
