//! HAR documents and HAR entries by line.

/// Checks one input.
pub fn check(bytes: &[u8]) {
    crate::recording::check(bytes, "recording.har");
}
