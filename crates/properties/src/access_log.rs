//! Access logs, in text and as JSON by line.

/// Checks one input.
pub fn check(bytes: &[u8]) {
    crate::recording::check(bytes, "recording.log");
}
