//! What is remembered of the exchanges of one endpoint, or of one path that may become part of
//! one. Tallies merge: associatively, commutatively, with the empty tally as identity.

use exchange::decision::Disposition;
use exchange::observation::Observation;
use serde::{Deserialize, Serialize};

use crate::findings::correlate::SignalsTally;
use crate::inventory::authentication::AuthenticationTally;
use crate::inventory::media::Media;
use crate::inventory::parameter::ParametersTally;
use crate::inventory::sensitivity::SensitivityTally;
use crate::inventory::shape::ShapeTally;
use crate::sketch::{Counts, Distinct, Span};

/// What is remembered of some exchanges.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct Tally {
    /// How many.
    pub(crate) exchanges: u64,
    /// From when to when.
    pub(crate) span: Span,
    /// On whose behalf.
    pub(crate) principals: Distinct,
    /// Statuses of the responses.
    pub(crate) statuses: Counts<u16>,
    /// Media of the 2xx responses.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) media: Counts<Media>,
    /// Media of the requests.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) request_media: Counts<Media>,
    /// How callers proved themselves.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) authentication: AuthenticationTally,
    /// Sensitive data.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) sensitivity: SensitivityTally,
    /// Parameters of query and form.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) parameters: ParametersTally,
    /// Bodies of accepted requests.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) request: Option<Box<ShapeTally>>,
    /// Bodies of responses by class of status: 2 for 2xx and so on.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) responses: Vec<(u8, ShapeTally)>,
    /// What detectors noticed.
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) signals: SignalsTally,
}

/// Tallies are many, and most parts of most of them are empty.
fn is_empty<T: Default + PartialEq>(part: &T) -> bool {
    *part == T::default()
}

/// What counts as an answer that shows that an endpoint exists: success, an unchanged
/// representation, an accepted upgrade; and after a request that is meant to change something,
/// the usual redirects to what came of it. Other redirects are given for anything.
pub(crate) fn shows_endpoint(observation: &Observation) -> bool {
    use exchange::endpoint::Method::{Get, Head};
    if observation.disposition == Disposition::Blocked {
        return false;
    }
    let asks = matches!(observation.method, Get | Head);
    match observation.status {
        Some(101 | 200..=299 | 304) => true,
        Some(302 | 303) => !asks,
        _ => false,
    }
}

impl Tally {
    /// Adds one exchange.
    pub(crate) fn absorb(&mut self, observation: &Observation) {
        let passed = observation.disposition != Disposition::Blocked;
        let accepted = passed && matches!(observation.status, Some(200..=299));
        self.exchanges += 1;
        self.span.insert(observation.at);
        if let Some(id) = observation.principal.id {
            self.principals.insert(id);
        }
        if let Some(status) = observation.status {
            self.statuses.add(status, 1);
        }
        self.authentication.absorb(observation, accepted);
        self.sensitivity.absorb(observation, accepted);
        self.signals.absorb(observation);
        if accepted {
            self.media.add(Media::of(&observation.response.media), 1);
        }
        // what was refused, or should have been, teaches nothing about what is asked for
        if passed && observation.disposition != Disposition::Detected {
            self.learn(observation, accepted);
        }
    }

    fn learn(&mut self, observation: &Observation, accepted: bool) {
        if accepted {
            self.parameters.absorb(&observation.parameters);
            if !observation.request.media.is_empty() {
                self.request_media.add(Media::of(&observation.request.media), 1);
            }
            if let Some(shape) = &observation.request.shape {
                self.request.get_or_insert_default().absorb(shape);
            }
        }
        let Some(status) = observation.status else { return };
        if let Some(shape) = &observation.response.shape {
            self.response_mut((status / 100) as u8).absorb(shape);
        }
    }

    /// All exchanges of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.span.merge(other.span);
        self.principals.merge(&other.principals);
        self.statuses.merge(&other.statuses);
        self.media.merge(&other.media);
        self.request_media.merge(&other.request_media);
        self.authentication.merge(&other.authentication);
        self.sensitivity.merge(&other.sensitivity);
        self.parameters.merge(&other.parameters);
        self.signals.merge(&other.signals);
        if let Some(theirs) = &other.request {
            self.request.get_or_insert_default().merge(theirs);
        }
        for (class, theirs) in &other.responses {
            self.response_mut(*class).merge(theirs);
        }
    }

    /// Exchanges whose status lies in this hundred.
    pub(crate) fn of_class(&self, class: u16) -> u64 {
        let all = self.statuses.as_slice().iter();
        all.filter(|(status, _)| status / 100 == class).map(|(_, count)| count).sum()
    }

    /// Bodies of responses of this class of status.
    pub(crate) fn response(&self, class: u8) -> Option<&ShapeTally> {
        self.responses.iter().find(|(known, _)| *known == class).map(|(_, shape)| shape)
    }

    fn response_mut(&mut self, class: u8) -> &mut ShapeTally {
        let at = match self.responses.binary_search_by_key(&class, |(known, _)| *known) {
            Ok(at) => at,
            Err(at) => {
                self.responses.insert(at, (class, ShapeTally::default()));
                at
            }
        };
        &mut self.responses[at].1
    }
}
