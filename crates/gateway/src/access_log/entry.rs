//! What a line tells of one exchange.

use std::net::IpAddr;
use std::sync::Arc;

use exchange::decision::Disposition;
use exchange::endpoint::SeenSegment;
use exchange::message::Scheme;
use exchange::moment::Moment;
use exchange::observation::{Observation, ParameterPlace};
use policy::Mode;
use policy::document::access_log::LogPaths;
use wire::RequestHead;

use super::AccessLog;
use crate::correlation::Traced;
use crate::limits::{
    ACCESS_LOG_AGENT_BYTES_MAX, ACCESS_LOG_PARAMETERS_MAX, ACCESS_LOG_PATH_BYTES_MAX,
};

/// One exchange, or an attempt at one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// When the request's head was complete.
    pub(crate) at: Moment,
    pub(crate) duration_us: u64,
    /// The identity of the exchange: that of problem documents.
    pub(crate) id: String,
    pub(crate) client: Option<IpAddr>,
    pub(crate) scheme: Scheme,
    /// The version of HTTP that the client speaks.
    pub(crate) version: &'static str,
    /// Empty if there was no sound head.
    pub(crate) method: String,
    pub(crate) host: String,
    /// Printable ASCII; empty if there was no sound head.
    pub(crate) path: String,
    /// Names of the query's parameters.
    pub(crate) parameters: Vec<Box<str>>,
    pub(crate) user_agent: Option<String>,
    pub(crate) traced: Traced,
    pub(crate) service: Option<Arc<str>>,
    pub(crate) mode: Option<Mode>,
    pub(crate) told: Told,
    pub(crate) disposition: Option<Disposition>,
    /// Why bytes were refused.
    pub(crate) reason: Option<&'static str>,
    /// What detectors noticed.
    pub(crate) rules: Vec<String>,
}

/// What the client was told.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Told {
    /// The status; `None` if the client went away before.
    pub(crate) status: Option<u16>,
    /// Bytes of the answer's body, before any framing.
    pub(crate) bytes: u64,
    /// Why it was an answer of ours.
    pub(crate) problem: Option<&'static str>,
}

/// An entry that waits for the end of its exchange.
#[derive(Debug)]
pub(crate) struct Draft {
    log: Arc<AccessLog>,
    pub(crate) entry: Entry,
}

impl Draft {
    /// For an exchange whose head is known.
    pub(crate) fn new(log: Arc<AccessLog>, head: &RequestHead, entry: Entry) -> Self {
        let path = match log.settings().paths {
            LogPaths::Raw => raw_path(head.raw_target()),
            LogPaths::Redacted => String::new(),
        };
        let user_agent = head.fields().get("user-agent").map(capped);
        let host = head.authority().map_or("", |authority| authority.host()).to_owned();
        let method = head.method().to_owned();
        Self { log, entry: Entry { path, user_agent, host, method, ..entry } }
    }

    /// The exchange is over.
    pub(crate) fn finish(mut self, observation: Option<&Observation>, duration_us: u64) {
        let entry = &mut self.entry;
        entry.duration_us = duration_us;
        if let Some(observation) = observation {
            entry.service = Some(Arc::clone(&observation.service));
            entry.disposition = Some(observation.disposition);
            entry.rules =
                observation.signals.iter().map(|signal| signal.rule.to_string()).collect();
            entry.rules.dedup();
            let asked = observation.parameters.iter();
            let asked = asked.filter(|one| one.place == ParameterPlace::Query);
            let names = asked.map(|one| one.name.clone());
            entry.parameters = names.take(ACCESS_LOG_PARAMETERS_MAX).collect();
            if self.log.settings().paths == LogPaths::Redacted {
                entry.path = redacted_path(&observation.path.0);
            }
        }
        self.log.send(self.entry);
    }
}

impl AccessLog {
    /// Writes of an attempt that did not become an exchange.
    pub(crate) fn attempt(&self, entry: Entry) {
        self.send(entry);
    }
}

fn redacted_path(segments: &[SeenSegment]) -> String {
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        match segment {
            SeenSegment::Word(word) => encode(word.as_bytes(), &mut path),
            SeenSegment::Value(_, pseudonym) => path.push_str(&pseudonym.to_string()),
        }
        if path.len() > ACCESS_LOG_PATH_BYTES_MAX {
            path.push_str("...");
            break;
        }
    }
    if path.is_empty() { "/".to_owned() } else { path }
}

/// The path of a target, without its query.
fn raw_path(target: &[u8]) -> String {
    let path = match target.first() {
        Some(b'/') | None => target,
        // scheme and authority stand before it; the host is told beside it
        Some(_) => {
            let rest = target.windows(3).position(|part| part == b"://").map_or(0, |at| at + 3);
            let rest = target.get(rest..).unwrap_or_default();
            let root = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            rest.get(root..).unwrap_or_default()
        }
    };
    let ends = path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
    let kept = path.get(..ends.min(ACCESS_LOG_PATH_BYTES_MAX)).unwrap_or_default();
    let mut out = String::with_capacity(kept.len());
    encode(kept, &mut out);
    if ends > kept.len() {
        out.push_str(&format!("...({ends} bytes)"));
    }
    if out.is_empty() { "/".to_owned() } else { out }
}

/// Appends what can stand in a target as it is, and the rest percent-encoded.
fn encode(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x20 | 0x7f.. => out.push_str(&format!("%{byte:02X}")),
            plain => out.push(char::from(*plain)),
        }
    }
}

/// The beginning of a value that clients may make as long as they like.
fn capped(value: &[u8]) -> String {
    let kept = value.get(..ACCESS_LOG_AGENT_BYTES_MAX).unwrap_or(value);
    let mut text = String::from_utf8_lossy(kept).into_owned();
    if kept.len() < value.len() {
        text.push_str(&format!("...({} bytes)", value.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_without_queries_and_printable() {
        let long = [b"/".as_slice(), &[b'a'; 3_000]].concat();
        let table: [(&[u8], &str); 7] = [
            (b"/v1/orders/7?token=secret", "/v1/orders/7"),
            (b"/a\"b\\c", "/a%22b%5Cc"),
            (b"/a\x1b[31m\xe2\x80\xa8", "/a%1B[31m%E2%80%A8"),
            (b"http://shop/x?y", "/x"),
            (b"http://shop", "/"),
            (b"/#secret", "/"),
            (b"", "/"),
        ];
        let mut ran = 0;
        for (target, path) in table {
            assert_eq!(raw_path(target), path);
            ran += 1;
        }
        assert_eq!(ran, 7);
        assert!(raw_path(&long).ends_with("aaa...(3001 bytes)"));
    }

    #[test]
    fn long_agents_are_cut_and_say_so() {
        assert_eq!(capped(b"curl/8"), "curl/8");
        let long = capped(&[b'x'; 10_240]);
        assert!(long.ends_with("x...(10240 bytes)") && long.len() < 300, "{long}");
    }
}
