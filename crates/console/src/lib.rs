//! People and their tools: web pages, a JSON API and live updates, on a listener of their own.
//!
//! The console shows what it is handed, a [`View`] about once a second, and asks for what it wants
//! done by [`Command`]; it keeps nothing but sessions. Pages are rendered here and readable
//! without script. Every text that can come from traffic passes through `shown` and is escaped
//! by the templates; nothing in this crate marks text as safe.

mod api;
mod asset;
mod command;
mod error;
mod filter;
mod guard;
mod live;
mod page;
mod server;
mod session;
mod shown;
mod view;

pub use command::Command;
pub use error::ConsoleError;
pub use server::{Console, Settings};
pub use view::{Health, Queue, ServiceView, Sink, Skipped, View};
