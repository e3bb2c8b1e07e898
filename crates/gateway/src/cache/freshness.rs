//! May an answer be stored, and for how long is it fresh? `http-cache-semantics` says so, of fields
//! that are made safe for it first.

use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri};
use http_cache_semantics::{CacheOptions, CachePolicy, RequestLike, ResponseLike};
use wire::Fields;

use super::directive::{directives, seconds};

/// How long an answer may be used, and under which conditions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Freshness {
    /// From the moment it was made; zero: it must be validated each time.
    pub(crate) lifetime: Duration,
    /// How old it was when it came.
    pub(crate) initial_age: Duration,
    /// It is never used stale: `must-revalidate`, `no-cache` or a kind of them.
    pub(crate) strict: bool,
    /// How long behind its lifetime it may stand in for an error (RFC 5861 §4).
    pub(crate) stale_if_error: Duration,
}

/// A request as far as storing its answer depends on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// It shows who the caller is, by `Authorization`, a cookie or a key.
    pub(crate) credentials: bool,
    /// It says `no-store`.
    pub(crate) no_store: bool,
}

struct Request {
    method: Method,
    fields: HeaderMap,
}

struct Response {
    status: StatusCode,
    fields: HeaderMap,
}

impl RequestLike for Request {
    fn uri(&self) -> Uri {
        Uri::default()
    }

    fn is_same_uri(&self, _: &Uri) -> bool {
        true
    }

    fn method(&self) -> &Method {
        &self.method
    }

    fn headers(&self) -> &HeaderMap {
        &self.fields
    }
}

impl ResponseLike for Response {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.fields
    }
}

/// What may be done with the answer to a GET; `None`: it must not be stored.
pub(crate) fn judge(asked: Asked, status: u16, fields: &Fields) -> Option<Freshness> {
    let control = directives(fields);
    let has = |name: &str| control.iter().any(|(known, _)| known == name.as_bytes());
    // RFC 6265 leaves it to the cache: one caller's cookie must not become another's
    if fields.get("set-cookie").is_some() && !has("public") {
        return None;
    }
    let request = request(asked);
    let response = Response {
        status: StatusCode::from_u16(status).ok()?,
        fields: response_fields(fields, &control),
    };
    // no guesses: an answer that does not say how long it is fresh is not
    let options = CacheOptions {
        shared: true,
        cache_heuristic: 0.0,
        immutable_min_time_to_live: Duration::ZERO,
        ignore_cargo_cult: false,
    };
    let now = SystemTime::now();
    let policy = CachePolicy::new_options(&request, &response, now, options);
    if !policy.is_storable() {
        return None;
    }
    let value = |name: &str| {
        let found = control.iter().find(|(known, _)| known == name.as_bytes());
        found.and_then(|(_, value)| seconds(value))
    };
    // RFC 9111 §5.2.2: s-maxage includes what proxy-revalidate says
    let strict = ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage"];
    Some(Freshness {
        lifetime: policy.time_to_live(now),
        initial_age: age(fields),
        strict: strict.iter().any(|name| has(name)),
        stale_if_error: value("stale-if-error").unwrap_or_default(),
    })
}

fn request(asked: Asked) -> Request {
    let mut fields = HeaderMap::new();
    if asked.credentials {
        fields.insert(http::header::AUTHORIZATION, HeaderValue::from_static("shown"));
    }
    if asked.no_store {
        fields.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Request { method: Method::GET, fields }
}

/// The fields that a policy reads. `Age` is left out: it is added to what the policy says, with a
/// bound.
fn response_fields(fields: &Fields, control: &[(Vec<u8>, Vec<u8>)]) -> HeaderMap {
    const READ: [HeaderName; 5] = [
        http::header::PRAGMA,
        http::header::EXPIRES,
        http::header::DATE,
        http::header::VARY,
        http::header::SET_COOKIE,
    ];
    let mut read = HeaderMap::new();
    for name in READ {
        for value in fields.get_all(name.as_str()) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                read.append(name.clone(), value);
            }
        }
    }
    // of two Expires, neither can be believed (RFC 9111 §4.2.1)
    if read.get_all(http::header::EXPIRES).iter().count() > 1 {
        read.insert(http::header::EXPIRES, HeaderValue::from_static("0"));
    }
    for (name, value) in control {
        let duration = matches!(name.as_slice(), b"max-age" | b"s-maxage");
        let plain = match (duration, seconds(value)) {
            (true, Some(value)) => [name, b"=".as_slice(), &decimal(value)].concat(),
            (true, None) => [name, b"=0".as_slice()].concat(),
            (false, _) => name.clone(),
        };
        if let Ok(value) = HeaderValue::from_bytes(&plain) {
            read.append(http::header::CACHE_CONTROL, value);
        }
    }
    read
}

fn decimal(duration: Duration) -> Vec<u8> {
    duration.as_secs().to_string().into_bytes()
}

/// `Age`; of several, the first. One that cannot be read says nothing.
fn age(fields: &Fields) -> Duration {
    match fields.get("age") {
        None => Duration::ZERO,
        Some(value) => {
            let first = value.split(|byte| *byte == b',').next().unwrap_or_default();
            seconds(first.trim_ascii()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::directive::SECONDS_MAX;
    use super::*;

    fn judged(status: u16, credentials: bool, response: &[(&str, &str)]) -> Option<u64> {
        let mut fields = Fields::new();
        for (name, value) in response {
            fields.push(name.as_bytes(), value.as_bytes());
        }
        let asked = Asked { credentials, no_store: false };
        judge(asked, status, &fields).map(|freshness| freshness.lifetime.as_secs())
    }

    /// (status, credentials shown, response fields, seconds of freshness if it may be stored)
    type Case = (u16, bool, &'static [(&'static str, &'static str)], Option<u64>);

    const DATE: (&str, &str) = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");

    const CASES: &[Case] = &[
        (200, false, &[("Cache-Control", "max-age=60")], Some(60)),
        (200, false, &[("cache-control", "MAX-AGE=60")], Some(60)),
        (200, false, &[("Cache-Control", "max-age=\"60\"")], Some(60)),
        (200, false, &[("Cache-Control", "max-age=60, s-maxage=5")], Some(5)),
        (200, false, &[("Cache-Control", "max-age=-1")], Some(0)),
        (200, false, &[("Cache-Control", "max-age=1.5")], Some(0)),
        (200, false, &[("Cache-Control", "max-age=99999999999999999999")], Some(SECONDS_MAX)),
        (200, false, &[("Cache-Control", "max-age=60, max-age=90")], Some(60)),
        (200, false, &[("Cache-Control", "no-cache, max-age=60")], Some(0)),
        (200, false, &[("Cache-Control", "no-store, max-age=60")], None),
        (200, false, &[("Cache-Control", "private, max-age=60")], None),
        (200, false, &[("Cache-Control", "Private=\"x, y\", max-age=60")], None),
        (200, false, &[("Pragma", "no-cache")], Some(0)),
        (200, false, &[], Some(0)),
        (200, false, &[DATE, ("Expires", "Sun, 06 Nov 1994 08:50:37 GMT")], Some(60)),
        (200, false, &[DATE, ("Expires", "Sun, 06 Nov 1994 08:48:37 GMT")], Some(0)),
        (200, false, &[DATE, ("Expires", "0")], Some(0)),
        (200, false, &[("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(0)),
        (200, false, &[("Cache-Control", "max-age=60"), ("Set-Cookie", "a=b")], None),
        (200, false, &[("Cache-Control", "public, max-age=60"), ("Set-Cookie", "a=b")], Some(60)),
        (200, true, &[("Cache-Control", "max-age=60")], None),
        (200, true, &[("Cache-Control", "public, max-age=60")], Some(60)),
        (200, true, &[("Cache-Control", "s-maxage=60")], Some(60)),
        (200, true, &[("Cache-Control", "must-revalidate, max-age=60")], Some(60)),
        (206, false, &[("Cache-Control", "max-age=60")], None),
        (404, false, &[("Cache-Control", "max-age=60")], Some(60)),
        (302, false, &[("Cache-Control", "max-age=60")], Some(60)),
        (302, false, &[], None),
        (500, false, &[("Cache-Control", "max-age=60")], None),
        (599, false, &[("Cache-Control", "max-age=60")], None),
    ];

    #[test]
    fn answers_are_judged_as_rfc_9111_says() {
        let mut ran = 0;
        for (status, credentials, response, expected) in CASES {
            let lifetime = judged(*status, *credentials, response);
            assert_eq!(lifetime, *expected, "{status} {credentials} {response:?}");
            ran += 1;
        }
        assert_eq!(ran, 30);
    }

    #[test]
    fn no_value_of_an_upstream_is_too_large() {
        let mut fields = Fields::new();
        fields.push(b"Cache-Control", b"max-age=18446744073709551615, stale-if-error=1");
        fields.push(b"Age", b"18446744073709551615");
        let asked = Asked { credentials: false, no_store: false };
        let freshness = judge(asked, 200, &fields).unwrap();
        assert_eq!(freshness.initial_age, Duration::from_secs(SECONDS_MAX));
        assert_eq!(freshness.stale_if_error, Duration::from_secs(1));
        assert!(judge(Asked { no_store: true, ..asked }, 200, &fields).is_none());
    }
}
