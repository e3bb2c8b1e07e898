//! On whose behalf an exchange happens, and how that was shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::redact::Pseudonym;

/// How the caller proved who it is. Whether the proof was *checked* is another matter: until an
/// `[auth]` section verifies it, every proof but [`Proof::Certificate`] is a claim.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A key in a header such as `X-Api-Key`, or in the query.
    ApiKey,
    /// `Authorization: Basic`.
    Basic,
    /// `Authorization: Bearer` with a token that is not a JWT.
    Bearer,
    /// A certificate in the handshake; the only proof that has been verified.
    Certificate,
    /// A JSON Web Token.
    Jwt,
    /// Nothing.
    None,
    /// Another scheme of `Authorization`.
    Other,
    /// A session cookie.
    Session,
}

impl Proof {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Jwt,
        Self::Bearer,
        Self::Basic,
        Self::ApiKey,
        Self::Session,
        Self::Certificate,
        Self::Other,
    ];

    /// The word for it, as in the `authentication` object of an analysis.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Certificate => "certificate",
            Self::Jwt => "jwt",
            Self::None => "none",
            Self::Other => "other",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A caller: the subject of its credential, or its address where it showed none.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Principal {
    /// Stands for the subject, or for the address when `proof` is [`Proof::None`]; `None` when
    /// neither is known, as in a recording without addresses.
    pub id: Option<Pseudonym>,
    /// How it was shown.
    pub proof: Proof,
}
