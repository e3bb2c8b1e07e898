//! HTTP/1.1 bytes to messages and back: strict, without IO, canonical on the way out.
//!
//! A gateway is only as safe as its reading of a message: if it and the server behind it can read
//! the same bytes differently, whatever it decided was decided about another request. So this
//! crate has one reading, and refuses what could have two:
//!
//! - **Heads** ([`request::parse_head`], [`response::parse_head`]): one pass over a buffer, one
//!   copy, no allocation per field. Every doubt is a [`Refusal`].
//! - **Targets** ([`CanonicalPath`], [`Query`], [`Authority`]): parsed once; decided on and
//!   forwarded in the same canonical form. For recordings, and where nothing is enforced,
//!   [`CanonicalPath::read`] never fails and names its doubts as [`PathOddity`].
//! - **Bodies** ([`BodyReader`]): exactly one framing in, exactly one out.
//! - **PROXY headers** ([`proxy_protocol`]): whose connection it is, where a balancer says so.
//! - **The way out** ([`serialize`]): fields in their original order and case, without those that
//!   belong to the connection, with framing that is our own.
//!
//! Nothing here reads a socket, a clock or the environment; nothing panics on any input. What is
//! refused and with which status is listed in [`Refusal`]; what bounds it all, in [`limits`].

pub mod authority;
pub mod body;
pub mod doubt;
mod end_to_end;
pub mod field;
pub mod framing;
mod head;
pub mod limits;
pub mod oddity;
pub mod proxy_protocol;
pub mod query;
pub mod refusal;
pub mod request;
pub mod response;
mod scan;
pub mod serialize;
pub mod target;

pub use authority::Authority;
pub use body::BodyReader;
pub use field::{Fields, NameSet};
pub use framing::{Framing, Upgrade, Version};
pub use head::Parsed;
pub use limits::{BodyLimits, HeadLimits};
pub use oddity::{PathOddities, PathOddity};
pub use query::Query;
pub use refusal::{Refusal, Sender};
pub use request::{RequestHead, TargetForm};
pub use response::{Asked, ResponseHead};
pub use target::{CanonicalPath, Profile};
