//! A request on its way to an upstream that speaks HTTP/2.

use bytes::Bytes;
use h2::SendStream;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, TE};
use http::{HeaderMap, Method, Request, Uri};
use policy::document::Upstream;
use policy::document::upstreams::Scheme;
use wire::limits::{FIELDS, HEAD_BYTES};
use wire::request::{self, RequestHead};
use wire::{HeadLimits, Parsed, Profile};

/// The request whose head has been written for HTTP/1.1: what goes out is decided in one place,
/// whatever the upstream speaks. None if it cannot be said in HTTP/2.
pub(crate) fn request(written: &[u8], target: &Upstream) -> Option<Request<()>> {
    // what was let in has grown by the fields that are ours
    let limits =
        HeadLimits { fields: 2 * FIELDS, head_bytes: 2 * HEAD_BYTES, ..HeadLimits::response() };
    let mut head = RequestHead::new();
    let parsed = request::parse_head(written, &limits, Profile::Observe, &mut head);
    if parsed != Ok(Parsed::Complete { head_len: written.len() }) {
        return None;
    }
    let scheme = match target.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    let path = std::str::from_utf8(head.raw_target()).ok()?;
    let uri =
        Uri::builder().scheme(scheme).authority(authority(&head, target)).path_and_query(path);
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(head.method().as_bytes()).ok()?;
    *request.uri_mut() = uri.build().ok()?;
    *request.headers_mut() = headers(&head)?;
    Some(request)
}

/// The host that is asked as its client wrote it; a request of HTTP/1.0 may have none.
fn authority(head: &RequestHead, target: &Upstream) -> Vec<u8> {
    match head.fields().get("host") {
        Some(host) if !host.is_empty() => host.to_vec(),
        _ if target.host.contains(':') => format!("[{}]:{}", target.host, target.port).into(),
        _ => format!("{}:{}", target.host, target.port).into(),
    }
}

fn headers(head: &RequestHead) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(head.fields().len());
    for (name, value) in head.fields().end_to_end() {
        let name = HeaderName::from_bytes(name).ok()?;
        if name != HOST {
            headers.append(name, HeaderValue::from_bytes(value).ok()?);
        }
    }
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    if media.is_some_and(|media| media.starts_with(b"application/grpc")) {
        // gRPC servers refuse who might drop their trailers
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Some(headers)
}

/// The body of a request on its way out; nothing once it has been ended.
#[derive(Debug)]
pub(crate) struct Outflow(Option<SendStream<Bytes>>);

impl Outflow {
    /// The body behind a head that has been sent; `None` if the head was all.
    pub(crate) fn new(stream: Option<SendStream<Bytes>>) -> Self {
        Self(stream)
    }

    /// Sends as much of `bytes` as the upstream lets us, and says how much.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<Result<usize, h2::Error>> {
        let Some(stream) = &mut self.0 else { return std::task::Poll::Ready(Ok(0)) };
        stream.reserve_capacity(bytes.len());
        let room = match std::task::ready!(stream.poll_capacity(context)) {
            Some(room) => room?.min(bytes.len()),
            None => 0,
        };
        let piece = bytes.get(..room).unwrap_or_default();
        if !piece.is_empty() {
            stream.send_data(Bytes::copy_from_slice(piece), false)?;
        }
        std::task::Poll::Ready(Ok(room))
    }

    /// The message has been written.
    pub(crate) fn end(&mut self, trailers: Option<HeaderMap>) {
        let Some(mut stream) = self.0.take() else { return };
        // a stream that has been closed from the other side needs no end
        let _ = match trailers {
            Some(trailers) => stream.send_trailers(trailers),
            None => stream.send_data(Bytes::new(), true),
        };
    }
}

#[cfg(test)]
mod tests {
    use policy::document::upstreams::Protocol;

    use super::*;

    fn shop() -> Upstream {
        let (scheme, protocol) = (Scheme::Https, Protocol::Http2);
        Upstream { scheme, protocol, host: "::1".to_owned(), port: 81 }
    }

    #[test]
    fn says_the_same_in_the_other_version() {
        let written = b"POST /shop.Cart/Add?a=b HTTP/1.1\r\nHost: shop:82\r\nTE: trailers\r\n\
            Content-Type: application/grpc\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n";
        let request = request(written, &shop()).unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "https://shop:82/shop.Cart/Add?a=b");
        let names: Vec<&str> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["content-type", "x-a", "te"]);
    }

    #[test]
    fn a_request_without_a_host_asks_the_upstream() {
        let request = request(b"GET /a HTTP/1.0\r\nX-A: b\r\n\r\n", &shop()).unwrap();
        assert_eq!(request.uri(), "https://[::1]:81/a");
    }

    #[test]
    fn what_cannot_be_said_is_no_request() {
        let table: [&[u8]; 3] = [
            b"GET / HTTP/1.1\r\nHost: shop\r\n",
            b"GET / HTTP/1.1\r\nHost: shop\r\n\r\nmore",
            b"GET /\\\x80 HTTP/1.1\r\nHost: shop\r\n\r\n",
        ];
        assert_eq!(table.iter().filter(|head| request(head, &shop()).is_none()).count(), 3);
    }
}
