//! What the console asks of whoever owns the analyst and the store.

use analysis::findings::Fingerprint;
use store::{HistoryEntry, Triage};
use tokio::sync::oneshot;

/// Something asked, with where the answer goes. An error is a sentence for the operator.
#[derive(Debug)]
pub enum Command {
    /// What became of a finding.
    History {
        /// Which.
        fingerprint: Fingerprint,
        /// Oldest first.
        reply: oneshot::Sender<Result<Vec<HistoryEntry>, String>>,
    },
    /// Somebody gives a finding another status.
    Triage {
        /// The decision.
        triage: Triage,
        /// Answered when it is kept; `false`: there is no such finding.
        reply: oneshot::Sender<Result<bool, String>>,
    },
}
