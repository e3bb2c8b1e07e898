//! What the store promises, tried from outside: through its API, files and processes.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

mod fixture;
mod formats;
mod keeping;
mod killed;
mod refusing;
mod retention;
