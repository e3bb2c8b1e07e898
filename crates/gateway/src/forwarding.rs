//! How a request is forwarded, by itself and without sockets: for tests that hand what goes
//! upstream to other readers of HTTP.

use exchange::message::Scheme;
use policy::Mode;
use wire::{NameSet, Refusal, RequestHead};

use crate::proxy;

/// Appends a request's head as it goes upstream from a client at `address` that nobody trusts.
pub fn request_head(head: &RequestHead, mode: Mode, address: &str, out: &mut Vec<u8>) {
    let identity = &NameSet::new(&[]);
    let scheme = Scheme::Http;
    let client = proxy::forward::Client { address, trusted: false, identity, scheme, marks: None };
    proxy::forward::request(head, mode, client, out);
}

/// Appends the head of a request over HTTP/2 in the form in which it is read, as HTTP/1.1.
///
/// # Errors
/// What says two things at once.
pub fn http2_head(
    parts: &http::request::Parts,
    bodiless: bool,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    proxy::h2::head::write(parts, bodiless, out)
}

/// Appends a piece of a body as it goes upstream.
pub fn body_data(data: &[u8], chunked: bool, out: &mut Vec<u8>) {
    proxy::hold::write_data(data, chunked, out);
}
