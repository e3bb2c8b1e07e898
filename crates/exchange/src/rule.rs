//! The names of rules: `PAL-<FAMILY>-<NNN>`, stable for ever.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The family a rule belongs to.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Family {
    /// Authentication.
    Auth,
    /// Access to functions.
    Bfla,
    /// Access to objects.
    Bola,
    /// Configuration.
    Conf,
    /// Data that leaves, or comes in where it should not.
    Data,
    /// Injection.
    Inj,
    /// The Model Context Protocol.
    Mcp,
    /// Volume.
    Rate,
    /// Order of calls.
    Seq,
    /// Agreement with the contract.
    Spec,
    /// Bytes on the wire.
    Wire,
}

impl Family {
    const NAMES: [(Self, &'static str); 11] = [
        (Self::Auth, "AUTH"),
        (Self::Bfla, "BFLA"),
        (Self::Bola, "BOLA"),
        (Self::Conf, "CONF"),
        (Self::Data, "DATA"),
        (Self::Inj, "INJ"),
        (Self::Mcp, "MCP"),
        (Self::Rate, "RATE"),
        (Self::Seq, "SEQ"),
        (Self::Spec, "SPEC"),
        (Self::Wire, "WIRE"),
    ];

    /// The family's part of the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(family, _)| *family == self).map_or("", |(_, name)| name)
    }
}

/// A rule's name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(into = "String", try_from = "String")]
pub struct RuleId {
    family: Family,
    number: u16,
}

impl RuleId {
    /// `PAL-<family>-<number>`.
    #[must_use]
    pub const fn new(family: Family, number: u16) -> Self {
        Self { family, number }
    }

    /// The family.
    #[must_use]
    pub const fn family(self) -> Family {
        self.family
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PAL-{}-{:03}", self.family.as_str(), self.number)
    }
}

/// The text is not of the form `PAL-<FAMILY>-<NNN>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotARule(String);

impl fmt::Display for NotARule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not a rule: expected the form PAL-AUTH-001", self.0)
    }
}

impl std::error::Error for NotARule {}

impl FromStr for RuleId {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        let wrong = || NotARule(text.to_owned());
        let upper = text.to_ascii_uppercase();
        let rest = upper.strip_prefix("PAL-").ok_or_else(wrong)?;
        let (family, number) = rest.split_once('-').ok_or_else(wrong)?;
        let (family, _) =
            Family::NAMES.iter().find(|(_, name)| *name == family).ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        Ok(Self { family: *family, number })
    }
}

impl From<RuleId> for String {
    fn from(rule: RuleId) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for RuleId {
    type Error = NotARule;

    fn try_from(text: String) -> Result<Self, NotARule> {
        text.parse()
    }
}

/// How bad it is if it is true.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A weakness by itself harmless.
    Low,
    /// To be mended in time.
    Medium,
    /// To be mended now.
    High,
    /// Being exploited, or free for all.
    Critical,
}

impl Severity {
    /// All, mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it, in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// What is known of a rule before it ever fires; detectors and posture checks each carry one.
#[derive(Clone, Copy, Debug)]
pub struct RuleCard {
    /// The name.
    pub id: RuleId,
    /// The name in words, as in `missing-authentication`.
    pub name: &'static str,
    /// One line for lists.
    pub title: &'static str,
    /// Severity unless the grounds say otherwise.
    pub severity: Severity,
    /// Category of the OWASP API Security Top 10, such as `API2:2023`; empty where none fits.
    pub owasp: &'static str,
    /// Weaknesses of the Common Weakness Enumeration.
    pub cwe: &'static [u16],
    /// The rule's page: manual and test in one.
    pub page: &'static str,
}
