//! A policy made ready for use: immutable, shared by all workers.

use std::net::IpAddr;
use std::sync::Arc;

use exchange::body::Why;
use exchange::data_class::DataClasses;
use exchange::decision::{Action, Decision, Denial, Disposition, Problem};
use exchange::endpoint::{Method, SeenPath};
use exchange::message::RequestHead;
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation};
use exchange::peer::Peer;
use exchange::phase::Phase;
use exchange::principal::{Principal, Proof};
use exchange::redact::{Pseudonym, Pseudonymizer};
use policy::{Policy, Service};
use wire::{Refusal, Sender};

use crate::detector::{CATALOG, Detector, signal_of};
use crate::inspection::Inspection;
use crate::step::Step;

/// The media types that most bodies have, so that naming one costs no allocation.
const COMMON_MEDIA: [&str; 8] = [
    "",
    "application/json",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/html",
    "text/plain",
    "application/octet-stream",
];

/// A policy made ready for use.
#[derive(Debug)]
pub struct Inspector {
    policy: Arc<Policy>,
    pseudonymizer: Pseudonymizer,
    media: [Arc<str>; COMMON_MEDIA.len()],
    unknown_service: Arc<str>,
    /// By the phase at whose end they look.
    detectors: [Vec<&'static dyn Detector>; Phase::ALL.len()],
}

impl Inspector {
    /// Makes a policy ready for use. `pseudonymizer` decides what principals and objects are
    /// called in observations.
    #[must_use]
    pub fn compile(policy: Arc<Policy>, pseudonymizer: Pseudonymizer) -> Self {
        Self {
            policy,
            pseudonymizer,
            media: COMMON_MEDIA.map(Arc::from),
            unknown_service: Arc::from(""),
            detectors: Phase::ALL.map(|phase| {
                let looks = |one: &&&dyn Detector| one.phases().contains(&phase);
                CATALOG.iter().filter(looks).copied().collect()
            }),
        }
    }

    /// Adds a detector that is not in the catalogue: by it, a test learns what a defect in one
    /// does to the shell.
    #[must_use]
    pub fn with_detector(mut self, detector: &'static dyn Detector) -> Self {
        for phase in detector.phases() {
            self.detectors[*phase as usize].push(detector);
        }
        self
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The request's head is complete. `now` is the shell's clock, or the record's time.
    pub fn begin(
        self: &Arc<Self>,
        head: &RequestHead<'_>,
        peer: &Peer,
        now: Moment,
    ) -> (Inspection, Step) {
        let service = self.policy.service_for(head.host);
        let mut inspection = Inspection::new(Arc::clone(self), service, head, peer, now);
        let step = match service {
            Some(_) => inspection.request_head(head),
            None => {
                let denial = Denial::of(Problem::UnknownHost);
                Step::Stop(Decision { action: Action::Deny, denial: Some(denial) })
            }
        };
        (inspection, step)
    }

    /// What remains of a request whose bytes were refused before there was an exchange; `host` and
    /// `method` as far as they are beyond doubt. `None` where the bytes show a mistake only.
    #[must_use]
    pub fn refused(
        &self,
        refusal: Refusal,
        host: &str,
        method: Method,
        peer: &Peer,
        now: Moment,
    ) -> Option<Observation> {
        let signal = signal_of(refusal, Phase::RequestHead)?;
        let client = peer.address.map(|address| address_pseudonym(address, &self.pseudonymizer));
        let service = self.policy.service_for(host);
        Some(Observation {
            at: now,
            duration_us: 0,
            service: self.service_name(service),
            host: Arc::from(if service.is_some() { host } else { "" }),
            method,
            path: SeenPath(Vec::new()),
            operation: None,
            principal: Principal { id: client, proof: Proof::None },
            client,
            parameters: Vec::new(),
            status: refusal.status(Sender::Client),
            request: BodySeen::default(),
            response: BodySeen::default(),
            signals: vec![signal],
            disposition: Disposition::Blocked,
        })
    }

    /// The detectors that look at the end of a phase, in the order of the catalogue.
    pub(crate) fn detectors(&self, phase: Phase) -> &[&'static dyn Detector] {
        &self.detectors[phase as usize]
    }

    pub(crate) fn service(&self, index: Option<usize>) -> Option<&Service> {
        self.policy.services.get(index?)
    }

    pub(crate) fn service_name(&self, index: Option<usize>) -> Arc<str> {
        Arc::clone(self.service(index).map_or(&self.unknown_service, |service| &service.name))
    }

    pub(crate) fn pseudonymizer(&self) -> &Pseudonymizer {
        &self.pseudonymizer
    }

    /// What is known of a body before anything is: it is not there, and nobody has named a type.
    pub(crate) fn nothing_seen(&self) -> BodySeen {
        let [unnamed, ..] = &self.media;
        BodySeen {
            bytes: 0,
            media: Arc::clone(unnamed),
            shape: None,
            missing: Some(Why::Empty),
            data: DataClasses::NONE,
        }
    }

    /// The media type in lower case.
    pub(crate) fn media(&self, text: &[u8]) -> Arc<str> {
        match self.media.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(text)) {
            Some(known) => Arc::clone(known),
            None => Arc::from(String::from_utf8_lossy(&text[..text.len().min(100)]).to_lowercase()),
        }
    }
}

/// Stands for a client's address.
pub(crate) fn address_pseudonym(address: IpAddr, pseudonymizer: &Pseudonymizer) -> Pseudonym {
    match address {
        IpAddr::V4(address) => pseudonymizer.of("address", &address.octets()),
        IpAddr::V6(address) => pseudonymizer.of("address", &address.octets()),
    }
}
