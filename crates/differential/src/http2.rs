//! Requests that come over HTTP/2: names and values that `h2` lets pass, in the HTTP/1.1 form in
//! which the gateway reads them. What the form must keep is checked here; what becomes of it
//! upstream, by the readers.

use http::{HeaderName, HeaderValue, Method, Request, Uri};
use wire::body::{encode_chunk_head, encode_last_chunk};
use wire::{Framing, HeadLimits, Parsed, Profile, RequestHead};

use crate::grammar::Corpus;
use crate::random::Random;

/// Fields of a connection, which `h2` refuses by itself (RFC 9113 §8.2.2); it also holds
/// `content-length` against what comes, so that the one below is right.
const REFUSED: [&str; 6] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// The bytes in which the gateway would read a request over HTTP/2; nothing where the frames or
/// the gateway refuse it.
pub(crate) fn request(corpus: &Corpus, random: &mut Random) -> Option<Vec<u8>> {
    let (request, body) = made(corpus, random)?;
    let (parts, ()) = request.into_parts();
    let mut bytes = Vec::new();
    gateway::forwarding::http2_head(&parts, body.is_none(), &mut bytes).ok()?;
    let mut head = RequestHead::new();
    let limits = HeadLimits::request();
    match wire::request::parse_head(&bytes, &limits, Profile::Observe, &mut head) {
        Ok(Parsed::Complete { head_len }) => assert_eq!(head_len, bytes.len(), "all is one head"),
        Ok(Parsed::Partial) => panic!("no end: {}", bytes.escape_ascii()),
        Err(_) => return None,
    }
    keeps(&parts, &head);
    let body = body.unwrap_or_default();
    match head.framing() {
        Framing::Chunked => {
            if !body.is_empty() {
                encode_chunk_head(body.len(), &mut bytes);
                bytes.extend_from_slice(body);
                bytes.extend_from_slice(wire::body::CHUNK_END);
            }
            encode_last_chunk(None, &mut bytes);
        }
        Framing::Length(length) => {
            assert_eq!(length, body.len() as u64);
            bytes.extend_from_slice(body);
        }
        _ => assert!(body.is_empty()),
    }
    Some(bytes)
}

/// The head says what the frames said, and has no field that they had not.
fn keeps(parts: &http::request::Parts, head: &RequestHead) {
    assert_eq!(head.method(), parts.method.as_str());
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    assert_eq!(head.raw_target(), target.as_bytes());
    for (name, value) in head.fields().iter() {
        let known = name == b"host" || name == b"transfer-encoding" || name == b"cookie";
        let same = |other: &HeaderValue| other.as_bytes().trim_ascii() == value;
        let name = std::str::from_utf8(name).unwrap_or_default();
        assert!(known || parts.headers.get_all(name).iter().any(same), "{name} is new");
    }
}

type Made = (Request<()>, Option<&'static [u8]>);

fn made(corpus: &Corpus, random: &mut Random) -> Option<Made> {
    let (method, target, host) = corpus.line(random);
    let mut uri = b"https://".to_vec();
    uri.extend_from_slice(&host);
    uri.extend_from_slice(&target);
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(&method).ok()?;
    *request.uri_mut() = Uri::try_from(uri).ok()?;
    let headers = request.headers_mut();
    for _ in 0..random.below(5) {
        let line = corpus.field(random);
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
        let (name, value) = line.split_at(colon);
        let name = HeaderName::from_bytes(&name.to_ascii_lowercase());
        let value = HeaderValue::from_bytes(value.get(1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value)
            && !REFUSED.contains(&name.as_str())
            && (name != "te" || value == "trailers")
        {
            headers.append(name, value);
        }
    }
    let body = random.once_in(2).then(|| corpus.data(random));
    if let Some(body) = body.filter(|_| random.once_in(2)) {
        headers.insert(http::header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    Some((request, body))
}
