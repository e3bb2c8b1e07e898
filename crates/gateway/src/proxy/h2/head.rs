//! The head of an HTTP/2 request, written as HTTP/1.1 would write it.

use http::header::{COOKIE, HOST};
use http::request::Parts;
use wire::Refusal;
use wire::limits::FIELDS;
use wire::serialize::line;

/// Appends the request's head. What `h2` lets pass can still say two things at once; that is
/// refused here, before the difference is lost (RFC 9113 §8.3).
pub(crate) fn write(parts: &Parts, bodiless: bool, out: &mut Vec<u8>) -> Result<(), Refusal> {
    // each crumb of a cookie counts, or one connection could hold any number of them
    if parts.headers.len() > FIELDS {
        return Err(Refusal::TooManyFields);
    }
    if !matches!(parts.uri.scheme_str(), Some("http" | "https")) {
        return Err(Refusal::TargetForm);
    }
    let target = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    for piece in [parts.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(piece.as_bytes());
    }
    host(parts, out)?;
    let mut has_length = false;
    for (name, value) in &parts.headers {
        if name == HOST || name == COOKIE {
            continue;
        }
        has_length |= name == http::header::CONTENT_LENGTH;
        line(name.as_ref(), value.as_bytes(), out);
    }
    cookies(parts, out);
    if !bodiless && !has_length {
        line(b"transfer-encoding", b"chunked", out);
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// `:authority` and `Host` must not name two places (RFC 9113 §8.3.1).
fn host(parts: &Parts, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = parts.headers.get_all(HOST).iter().map(http::HeaderValue::as_bytes);
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return Err(Refusal::HostRepeated);
    }
    let place = match (authority, host) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(Refusal::HostMismatch);
        }
        (Some(place), _) | (None, Some(place)) => place,
        (None, None) => return Err(Refusal::HostMissing),
    };
    line(b"host", place, out);
    Ok(())
}

/// Cookies may come in crumbs, and are one field in HTTP/1.1 (RFC 9113 §8.2.3).
fn cookies(parts: &Parts, out: &mut Vec<u8>) {
    let mut crumbs = parts.headers.get_all(COOKIE).iter();
    let Some(first) = crumbs.next() else { return };
    out.extend_from_slice(b"cookie: ");
    out.extend_from_slice(first.as_bytes());
    for crumb in crumbs {
        out.extend_from_slice(b"; ");
        out.extend_from_slice(crumb.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn written(request: http::request::Builder, bodiless: bool) -> Result<String, Refusal> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        write(&parts, bodiless, &mut out).map(|()| String::from_utf8(out).unwrap())
    }

    fn get(uri: &str) -> http::request::Builder {
        Request::builder().uri(uri)
    }

    #[test]
    fn says_the_same_in_the_other_version() {
        let request = get("https://shop/a?b=c").header("cookie", "a=1").header("x-id", "7");
        assert_eq!(
            written(request.header("cookie", "b=2"), true).unwrap(),
            "GET /a?b=c HTTP/1.1\r\nhost: shop\r\nx-id: 7\r\ncookie: a=1; b=2\r\n\r\n"
        );
        let request = get("https://shop/").method("POST").header("host", "SHOP");
        assert_eq!(
            written(request, false).unwrap(),
            "POST / HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let request = get("https://shop/").method("PUT").header("content-length", "3");
        assert_eq!(
            written(request, false).unwrap(),
            "PUT / HTTP/1.1\r\nhost: shop\r\ncontent-length: 3\r\n\r\n"
        );
    }

    #[test]
    fn refuses_what_says_two_things() {
        let many = (0..=FIELDS).fold(get("https://shop/"), |r, _| r.header("cookie", "a=1"));
        let table = [
            (get("https://shop/").header("host", "other"), Refusal::HostMismatch),
            (get("https://a/").header("host", "a").header("host", "a"), Refusal::HostRepeated),
            (get("/path"), Refusal::TargetForm),
            (get("ftp://shop/"), Refusal::TargetForm),
            (many, Refusal::TooManyFields),
        ];
        let mut ran = 0;
        for (request, refusal) in table {
            assert_eq!(written(request, true), Err(refusal));
            ran += 1;
        }
        assert_eq!(ran, 5);
    }
}
