//! What the operator wants done: the settings file's grammar, and the policy that it means.
//!
//! [`document::Document`] is the file as written, read with places so that every mistake can be
//! shown where it stands. [`Policy`] is what it means, sound by construction: compiling an
//! inspector from it cannot fail.

pub mod document;
pub mod error;
mod mode;
mod resolve;
mod revision;
mod section;

pub use mode::Mode;
pub use resolve::{Policy, Service};
pub use revision::Revision;
pub use section::Placed;
