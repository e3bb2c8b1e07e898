//! How handshakes end, as a closed list that is counted.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::Error;

/// Why a handshake came to nothing.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// The client went away.
    Closed,
    /// It took longer than a handshake may take.
    Late,
    /// What came is not TLS, or breaks its rules.
    Malformed,
    /// No version, cipher suite or protocol in common.
    NothingInCommon,
    /// A certificate was needed and none came, or the one that came is not believed.
    ClientCertificate,
    /// No certificate is configured for the name that was asked for.
    UnknownName,
    /// The client told us that it does not go on, for example because it does not trust us.
    Refused,
    /// Too many others were under way.
    TooMany,
}

impl Fault {
    /// All, in the order of their counters.
    pub const ALL: [Self; 8] = [
        Self::Closed,
        Self::Late,
        Self::Malformed,
        Self::NothingInCommon,
        Self::ClientCertificate,
        Self::UnknownName,
        Self::Refused,
        Self::TooMany,
    ];

    /// The word for it in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Late => "late",
            Self::Malformed => "malformed",
            Self::NothingInCommon => "nothing_in_common",
            Self::ClientCertificate => "client_certificate",
            Self::UnknownName => "unknown_name",
            Self::Refused => "refused",
            Self::TooMany => "too_many",
        }
    }

    /// What an error of the TLS library means.
    pub(super) fn of(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        match inner {
            None => Self::Closed,
            Some(Error::AlertReceived(_)) => Self::Refused,
            Some(Error::PeerIncompatible(_) | Error::NoApplicationProtocol) => {
                Self::NothingInCommon
            }
            Some(
                Error::NoCertificatesPresented
                | Error::InvalidCertificate(_)
                | Error::InvalidCertRevocationList(_),
            ) => Self::ClientCertificate,
            Some(_) => Self::Malformed,
        }
    }
}

/// Handshakes of one worker, by how they ended.
#[derive(Debug, Default)]
pub struct HandshakeCounts {
    done: AtomicU64,
    faults: [AtomicU64; Fault::ALL.len()],
}

impl HandshakeCounts {
    /// One came to its end.
    pub fn done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// One came to nothing.
    pub fn fault(&self, fault: Fault) {
        self.faults[fault as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// All counts, with the word for each.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let faults = Fault::ALL.iter().zip(&self.faults);
        std::iter::once(("done", self.done.load(Ordering::Relaxed)))
            .chain(faults.map(|(fault, count)| (fault.as_str(), count.load(Ordering::Relaxed))))
    }
}
