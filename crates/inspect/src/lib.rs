//! One exchange in, one Decision and one Observation out.
//!
//! [`Inspector`] is a policy made ready for use; [`Inspection`] is one exchange under it. The
//! shell makes five calls and obeys the [`Step`]s. Everything that can be decided within one
//! exchange is decided here, for every door alike; nothing is remembered between exchanges.

mod decide;
mod decode;
pub mod detector;
mod gather;
mod identify;
mod inspection;
mod inspector;
mod parse;
mod recognize;
mod step;
mod view;

pub use inspection::Inspection;
pub use inspector::Inspector;
pub use step::{Step, Want};
pub use view::View;
