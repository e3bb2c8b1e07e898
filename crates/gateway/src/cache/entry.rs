//! A stored answer: its head as it is written again, its body in one piece, and how long it lasts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use wire::serialize::{line, status_line};
use wire::{Fields, RequestHead, ResponseHead};

use super::directive::Asks;
use super::freshness::Freshness;
use super::key::{Hash, variant};
use crate::limits::{
    CACHE_ENTRY_BYTES, CACHE_HEAD_BYTES_MAX, CACHE_HEAD_FIELDS_MAX, CACHE_VARY_FIELDS_MAX,
};

/// Fields of a stored answer that a 304 carries (RFC 9110 §15.4.5).
const NOT_MODIFIED_FIELDS: [&str; 7] =
    ["cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"];

/// Fields that are made anew each time an answer is used, or concern one client only.
const NOT_STORED: [&str; 3] = ["age", "content-length", "proxy-authentication-info"];

/// Fields that describe the body, which a 304 leaves as it is (RFC 9111 §3.2).
const OF_THE_BODY: [&str; 4] =
    ["content-encoding", "content-length", "content-range", "content-type"];

/// The head of an answer that may be stored.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) reason: Box<[u8]>,
    pub(crate) fields: Fields,
    pub(crate) freshness: Freshness,
    pub(crate) vary: Box<[Box<str>]>,
}

/// A stored answer.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    /// When it was asked for: its age counts from there (RFC 9111 §4.2.3).
    pub(crate) since: Instant,
    /// What its request said in the fields that `Vary` names.
    pub(crate) variant: Hash,
    /// Used since eviction last looked at it.
    pub(crate) used: AtomicBool,
}

/// What is sent of a stored answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// All of it, or its head if the request was HEAD.
    Whole,
    /// The client has it: 304.
    NotModified,
}

impl Head {
    /// The head as it is stored; `None` if it is too large, or its `Vary` too wide.
    pub(crate) fn of(head: &ResponseHead, freshness: Freshness) -> Option<Self> {
        let fields = kept(head.fields())?;
        let vary = vary(head.fields())?;
        let reason = head.reason().into();
        Some(Self { status: head.status(), reason, fields, freshness, vary })
    }

    /// The validators: entity tag and date.
    pub(crate) fn validators(&self) -> (Option<&[u8]>, Option<&[u8]>) {
        (self.fields.get("etag"), self.fields.get("last-modified"))
    }

    /// The fields after a 304 with these (RFC 9111 §3.2); `None` if it is about another answer, or
    /// they became too large.
    pub(crate) fn updated(&self, news: &Fields) -> Option<Fields> {
        let (etag, modified) = self.validators();
        let same = |old: Option<&[u8]>, new: Option<&[u8]>| match (old, new) {
            (Some(old), Some(new)) => weak(old) == weak(new),
            (None, Some(_)) => false,
            (_, None) => true,
        };
        if !same(etag, news.get("etag"))
            || etag.is_none() && !same(modified, news.get("last-modified"))
        {
            return None;
        }
        let news = kept(news)?;
        let is_of_body = |name: &[u8]| is_one_of(name, &OF_THE_BODY);
        let mut fields = Fields::new();
        for (name, value) in self.fields.iter() {
            let replaced = news.iter().any(|(new, _)| new.eq_ignore_ascii_case(name));
            if !replaced || is_of_body(name) {
                fields.push(name, value);
            }
        }
        for (name, value) in news.iter().filter(|(name, _)| !is_of_body(name)) {
            fields.push(name, value);
        }
        kept(&fields)
    }
}

/// The fields that are stored.
fn kept(fields: &Fields) -> Option<Fields> {
    let mut kept = Fields::new();
    let mut bytes = 0;
    for (name, value) in fields.end_to_end().filter(|(name, _)| !is_one_of(name, &NOT_STORED)) {
        bytes += name.len() + value.len() + 4;
        kept.push(name, value);
    }
    (bytes <= CACHE_HEAD_BYTES_MAX && kept.len() <= CACHE_HEAD_FIELDS_MAX).then_some(kept)
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// The names in `Vary`, each once and in order; `None` for `*`, or for too many.
fn vary(fields: &Fields) -> Option<Box<[Box<str>]>> {
    let mut names: Vec<Box<str>> = Vec::new();
    for value in fields.get_all("vary") {
        for name in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            if !name.is_empty() {
                names.push(std::str::from_utf8(name).ok()?.to_ascii_lowercase().into());
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    let fits = names.len() <= CACHE_VARY_FIELDS_MAX && !names.iter().any(|name| &**name == "*");
    fits.then(|| names.into())
}

/// A tag without its mark of weakness.
fn weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

impl Entry {
    /// Bytes of memory, about.
    pub(crate) fn weight(&self) -> usize {
        let fields: usize =
            self.head.fields.iter().map(|(name, value)| name.len() + value.len() + 36).sum();
        let vary: usize = self.head.vary.iter().map(|name| name.len() + 16).sum();
        CACHE_ENTRY_BYTES + self.body.len() + fields + vary
    }

    /// Whether it answers a request with these fields.
    pub(crate) fn answers(&self, fields: &Fields) -> bool {
        self.head.vary.is_empty() || self.variant == variant(&self.head.vary, fields)
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        self.head.freshness.initial_age + now.saturating_duration_since(self.since)
    }

    /// Whether a request that asks so may have it without another word from upstream
    /// (RFC 9111 §4.2 and §5.2.1).
    pub(crate) fn suffices(&self, asks: &Asks, now: Instant) -> bool {
        let age = self.age(now);
        let lifetime = self.head.freshness.lifetime;
        let left = lifetime.saturating_sub(age);
        if asks.no_cache
            || asks.max_age.is_some_and(|most| age > most)
            || asks.min_fresh.is_some_and(|least| left < least)
        {
            return false;
        }
        let stale = age.saturating_sub(lifetime);
        let tolerated = || asks.max_stale.is_some_and(|most| stale <= most);
        age < lifetime || !self.head.freshness.strict && tolerated()
    }

    /// Whether it may stand in for an error of the upstream's.
    pub(crate) fn stands_in(&self, now: Instant) -> bool {
        let Freshness { lifetime, strict, stale_if_error, .. } = self.head.freshness;
        !strict && self.age(now).saturating_sub(lifetime) < stale_if_error
    }

    /// Whether the client has it already (RFC 9110 §13.1).
    pub(crate) fn part(&self, request: &RequestHead) -> Part {
        if self.head.status != 200 {
            return Part::Whole;
        }
        let (etag, modified) = self.head.validators();
        let mut tags = request.fields().get_all("if-none-match").peekable();
        let known = if tags.peek().is_some() {
            { tags }
                .flat_map(tags_of)
                .any(|tag| tag == b"*" || etag.is_some_and(|etag| weak(etag) == weak(tag)))
        } else {
            let since = request.fields().get("if-modified-since");
            since.zip(modified).is_some_and(|(since, modified)| is_no_later(modified, since))
        };
        if known { Part::NotModified } else { Part::Whole }
    }

    /// The head as an upstream would send it. `status` is what RFC 9211 says of how it was found.
    pub(crate) fn render(&self, part: Part, status: &str, now: Instant) -> Vec<u8> {
        let mut out = Vec::with_capacity(1_024);
        match part {
            Part::Whole => status_line(self.head.status, &self.head.reason, &mut out),
            Part::NotModified => status_line(304, b"Not Modified", &mut out),
        }
        for (name, value) in self.head.fields.iter() {
            if part == Part::Whole || is_one_of(name, &NOT_MODIFIED_FIELDS) {
                line(name, value, &mut out);
            }
        }
        let age = self.age(now);
        line(b"Age", age.as_secs().to_string().as_bytes(), &mut out);
        let lifetime = self.head.freshness.lifetime;
        let left = i128::from(lifetime.as_secs()) - i128::from(age.as_secs());
        line(b"Cache-Status", format!("palisade; {status}; ttl={left}").as_bytes(), &mut out);
        if part == Part::Whole && self.head.status != 204 {
            line(b"Content-Length", self.body.len().to_string().as_bytes(), &mut out);
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    pub(crate) fn use_it(&self) {
        self.used.store(true, Ordering::Relaxed);
    }
}

/// Whether a date is no later than another; dates that cannot be read must be the same.
fn is_no_later(one: &[u8], other: &[u8]) -> bool {
    match (date(one), date(other)) {
        (Some(one), Some(other)) => one <= other,
        _ => one == other,
    }
}

/// A date of RFC 9110 §5.6.7 in its preferred form, in the order in which dates compare.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Date<'v> {
    year: &'v [u8],
    month: usize,
    day: &'v [u8],
    time: &'v [u8],
}

fn date(value: &[u8]) -> Option<Date<'_>> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let digits = |part: &&[u8]| part.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    if value.len() != b"Sun, 06 Nov 1994 08:49:37 GMT".len() || !value.ends_with(b" GMT") {
        return None;
    }
    let month = value.get(8..11)?;
    Some(Date {
        year: value.get(12..16).filter(digits)?,
        month: MONTHS.iter().position(|name| *name == month)?,
        day: value.get(5..7).filter(digits)?,
        time: value.get(17..25).filter(digits)?,
    })
}

/// The entity tags of a list. Commas may stand within a tag.
fn tags_of(list: &[u8]) -> Vec<&[u8]> {
    let mut tags = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, byte) in list.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                tags.push(list.get(start..at).unwrap_or_default().trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    tags.push(list.get(start..).unwrap_or_default().trim_ascii());
    tags
}
