//! The console, tried over its socket as browsers and tools use it.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod api;
mod browser;
mod client;
mod fixture;
mod guarding;
mod live;
mod pages;
mod running;
mod templates;
mod triage;
