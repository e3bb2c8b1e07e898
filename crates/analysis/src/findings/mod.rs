//! Findings: what a person should look at, where, since when, how sure and how bad.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

use exchange::endpoint::{EndpointId, Method, PathTemplate, TemplateSegment};
use exchange::moment::Moment;
use exchange::redact::Pseudonym;
use exchange::rule::{RuleId, Severity};
use exchange::signal::Location;
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

pub(crate) mod correlate;
pub(crate) mod draft;
pub(crate) mod lifecycle;

/// A finding's identity: a hash of rule, host, method, template and location that survives
/// restarts, rewordings and renamed parameters. Printed as 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(pub u64);

impl Fingerprint {
    /// The identity of what `rule` found at this place. Where there is no host, as with what is
    /// declared only, the service stands for it.
    #[must_use]
    pub fn of(
        rule: RuleId,
        host: &str,
        method: Method,
        template: &PathTemplate,
        location: &Location,
    ) -> Self {
        let mut hasher = SipHasher13::new();
        hasher.write(rule.to_string().as_bytes());
        hasher.write_u8(0xff);
        hasher.write(host.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(method.as_str().as_bytes());
        for segment in &template.0 {
            hasher.write_u8(b'/');
            match segment {
                TemplateSegment::Literal(text) => hasher.write(text.as_bytes()),
                TemplateSegment::Parameter(_) => hasher.write(b"{}"),
            }
        }
        hasher.write_u8(0xff);
        hasher.write(location.place().as_bytes());
        hasher.write_u8(0xff);
        hasher.write(location.name().as_bytes());
        Self(hasher.finish())
    }

    /// Reads 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// Where a finding is in its life.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody has looked at it.
    #[default]
    New,
    /// Somebody is at it.
    InProgress,
    /// Somebody decided that it may stay; new evidence does not bring it back.
    Suppressed,
    /// Mended, or its grounds are gone; new evidence reopens it.
    Resolved,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::New => "new",
            Self::Resolved => "resolved",
            Self::Suppressed => "suppressed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// One piece of evidence: a number or words from closed sets, never a value from traffic.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EvidenceValue {
    /// A count.
    Count(u64),
    /// A share or a mean.
    Number(f64),
    /// A word.
    Word(Box<str>),
    /// Words, sorted.
    Words(Vec<Box<str>>),
}

/// What shows that a finding is true, by name.
pub type Evidence = BTreeMap<Box<str>, EvidenceValue>;

/// What to do about a finding.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// A change of the settings that would have stopped it.
    Policy {
        /// The change, in the grammar of `palisade.toml`.
        policy: String,
        /// Why this helps, with numbers.
        grounds: String,
    },
    /// No setting of today's grammar stops it.
    NoPolicy {
        /// Why not, and what helps instead.
        why: String,
    },
}

/// Something a person should look at.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// The rule.
    pub rule: RuleId,
    /// One line for lists, without values.
    pub title: String,
    /// How bad, if it is true.
    pub severity: Severity,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// Category of the OWASP API Security Top 10; empty where none fits.
    pub owasp: Box<str>,
    /// Weaknesses of the Common Weakness Enumeration.
    pub cwe: Vec<u16>,
    /// The endpoint; `None` for what was noticed where no endpoint is.
    pub endpoint: Option<EndpointId>,
    /// The service.
    pub service: Arc<str>,
    /// The host; empty where the finding is about a declaration only.
    pub host: Arc<str>,
    /// The method.
    pub method: Method,
    /// The template; empty (printed `/`) where no endpoint is.
    pub template: PathTemplate,
    /// The place within the exchange.
    pub location: Location,
    /// Some of the principals, at most [`exchange::limits::FINDING_PRINCIPALS_MAX`].
    pub principals: Vec<Pseudonym>,
    /// How many there are, estimated beyond [`exchange::limits::PRINCIPALS_EXACT_MAX`].
    pub principals_total: u64,
    /// Exchanges that show it.
    pub exchanges: u64,
    /// The first of them.
    pub first_seen: Moment,
    /// The last of them.
    pub last_seen: Moment,
    /// The one that tipped the scale.
    pub detected_at: Moment,
    /// What shows that it is true.
    pub evidence: Evidence,
    /// What to do about it.
    pub recommendation: Recommendation,
    /// Where it is in its life.
    pub status: Status,
}
