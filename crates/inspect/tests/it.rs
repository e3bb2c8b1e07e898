//! Everything about one exchange, from outside: pages of detectors, cuts, modes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod case;
mod modes;
mod pages;
