//! What an assessment found to be different from the one before.

use exchange::endpoint::EndpointId;
use exchange::moment::Moment;
use serde::{Deserialize, Serialize};

use crate::findings::Finding;
use crate::snapshot::Endpoint;

/// One difference since the assessment before. Whoever keeps the inventory can apply these in
/// order and arrives at what [`crate::Analyst::snapshot`] shows, up to counts that merely grew.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// An endpoint that was not in the inventory, with the time of the assessment.
    EndpointDiscovered {
        /// When it was assessed.
        at: Moment,
        /// As it is now.
        endpoint: Box<Endpoint>,
    },
    /// An endpoint whose facts changed: its state, credentials, data classes, parameters, fields
    /// or the order of magnitude of its use.
    EndpointUpdated {
        /// When it was assessed.
        at: Moment,
        /// As it is now.
        endpoint: Box<Endpoint>,
    },
    /// An endpoint that is no longer told apart: its template was merged into another, or became
    /// declared.
    EndpointRetired {
        /// When it was assessed.
        at: Moment,
        /// The identity that is no more.
        id: EndpointId,
    },
    /// A finding that did not exist.
    FindingOpened {
        /// When it was assessed.
        at: Moment,
        /// As it is now.
        finding: Box<Finding>,
    },
    /// A finding with more exchanges, another severity or other grounds than before.
    FindingUpdated {
        /// When it was assessed.
        at: Moment,
        /// As it is now.
        finding: Box<Finding>,
    },
    /// A resolved finding for which there is new evidence.
    FindingReopened {
        /// When it was assessed.
        at: Moment,
        /// As it is now.
        finding: Box<Finding>,
    },
    /// A finding whose grounds are gone: an unused operation that came into use, for example.
    FindingResolved {
        /// When it was assessed.
        at: Moment,
        /// As it was last, with the new status.
        finding: Box<Finding>,
    },
}
