//! One exchange's inspection, made safe for the shell: a panic costs one inspection, and every
//! exchange is finished, whatever becomes of its connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use exchange::body::Why;
use exchange::decision::{Action, Decision, Denial, Disposition, Problem};
use exchange::message::{RequestHead, ResponseHead, Scheme};
use exchange::moment::Moment;
use exchange::peer::Peer;
use exchange::phase::Phase;
use inspect::{Inspection, Step, Want};
use policy::Mode;
use wire::{Framing, Query, Refusal};

use crate::access_log::{Draft, Told};
use crate::metrics::Skipped;
use crate::tls::Secured;
use crate::tls::agreement::{self, Turned};
use crate::worker::{Lane, Table, Worker};

/// An exchange under inspection, to be finished once. Dropping it finishes it as
/// [`Disposition::Dropped`].
pub(crate) struct Inspected {
    worker: Rc<Worker>,
    lane: Rc<Lane>,
    service: Option<usize>,
    inspection: Option<Inspection>,
    begun: Moment,
    started: Instant,
    /// When the upstream's answer had passed: reading a clock twice tells nothing new.
    relayed: Option<Instant>,
    finished: bool,
    hands_in_request: bool,
    hands_in_response: bool,
    /// What the access log will tell of it.
    draft: Option<Box<Draft>>,
}

impl Inspected {
    /// The head of a request is complete.
    pub(crate) fn begin(
        worker: &Rc<Worker>,
        table: &Table,
        head: &wire::RequestHead,
        scheme: Scheme,
        peer: &Peer,
    ) -> (Self, Step) {
        let begun = wall_clock();
        let view = RequestHead {
            method: exchange::endpoint::Method::parse(head.method().as_bytes()),
            scheme,
            host: head.authority().map_or("", |authority| authority.host()),
            path: head.path(),
            path_oddities: head.path_oddities(),
            query: head.query().unwrap_or(Query::new(b"")),
            fields: head.fields(),
        };
        let inspector = table.arrangement.inspector();
        let began = catch_unwind(AssertUnwindSafe(|| inspector.begin(&view, peer, begun)));
        let (inspection, step) = match began {
            Ok((inspection, step)) => (Some(inspection), step),
            Err(_) => (None, Step::Continue(Want::Nothing)),
        };
        let service = match &inspection {
            Some(inspection) => inspection.service(),
            None => inspector.policy().service_for(view.host),
        };
        let mut inspected = Self {
            worker: Rc::clone(worker),
            lane: table.lane(service),
            service,
            inspection,
            begun,
            started: Instant::now(),
            relayed: None,
            finished: false,
            hands_in_request: false,
            hands_in_response: false,
            draft: None,
        };
        let step = match (&inspected.inspection, service) {
            (None, Some(_)) => inspected.failed(),
            (_, None) if !matches!(step, Step::Stop(_)) => stop(Problem::UnknownHost),
            _ => step,
        };
        if let Step::Stop(Decision { denial: Some(denial), .. }) = &step {
            denial.refusal.into_iter().for_each(|refusal| worker.counts.refused(refusal));
        }
        inspected.note_request_want(&step, head.framing());
        (inspected, step)
    }

    fn note_request_want(&mut self, step: &Step, framing: Framing) {
        let Step::Continue(want) = step else { return };
        self.hands_in_request = *want != Want::Nothing;
        let has_body = !matches!(framing, Framing::None | Framing::Length(0));
        if has_body
            && !self.hands_in_request
            && let Some(inspection) = &mut self.inspection
        {
            inspection.request_body_absent(Why::NotInspected);
        }
    }

    /// Whether the connection's handshake is enough for the service; if not, that is the answer.
    pub(crate) fn admitted(&self, table: &Table, secured: Option<&Secured>, step: Step) -> Step {
        let Some(service) = self.service else { return step };
        let policy = table.arrangement.inspector().policy();
        match agreement::admits(policy, secured, service) {
            Ok(()) => step,
            Err(Turned::Misdirected) => stop(Problem::UnknownHost),
            Err(Turned::Stranger) => stop(Problem::ClientCertificate),
        }
    }

    /// The access log is to tell of it.
    pub(crate) fn drafted(&mut self, mut draft: Draft) {
        let policy = self.lane.mode;
        draft.entry.at = self.begun;
        draft.entry.mode = self.service.map(|_| policy);
        self.draft = Some(Box::new(draft));
    }

    /// What the client was told, at the end.
    pub(crate) fn told(&mut self, told: Told) {
        if let Some(draft) = &mut self.draft {
            draft.entry.told = told;
        }
    }

    /// The service's part of the table.
    pub(crate) fn lane(&self) -> &Rc<Lane> {
        &self.lane
    }

    /// A piece of the request's body. A body that somebody began to look at is handed in to its
    /// end, so that its size is known even where it outgrew the limit.
    pub(crate) fn request_body(&mut self, chunk: &[u8], end: bool) -> Step {
        if !self.hands_in_request {
            return Step::Continue(Want::Nothing);
        }
        self.call(|inspection| inspection.request_body(chunk, end))
    }

    /// The head of the response is complete.
    pub(crate) fn response_head(&mut self, head: &wire::ResponseHead) -> Step {
        let view = ResponseHead { status: head.status(), fields: head.fields() };
        let step = self.call(|inspection| inspection.response_head(&view));
        self.hands_in_response = matches!(step, Step::Continue(Want::Hold | Want::Tee));
        if !self.hands_in_response
            && !matches!(head.framing(), Framing::None | Framing::Length(0))
            && let Some(inspection) = &mut self.inspection
        {
            inspection.response_body_absent(Why::NotInspected);
        }
        step
    }

    /// A piece of the response's body.
    pub(crate) fn response_body(&mut self, chunk: &[u8], end: bool) -> Step {
        if !self.hands_in_response {
            return Step::Continue(Want::Nothing);
        }
        self.call(|inspection| inspection.response_body(chunk, end))
    }

    /// The bytes of the request's body were refused.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        self.worker.counts.refused(refusal);
        if let Some(draft) = &mut self.draft {
            draft.entry.reason = Some(refusal.code());
        }
        if let Some(inspection) = &mut self.inspection {
            inspection.refused(refusal, Phase::RequestBody);
        }
    }

    /// Counts that a body was larger than inspection looks at, and lets the service's settings
    /// decide, for an inspection that did not.
    pub(crate) fn overflow(&mut self) -> Step {
        self.worker.counts.skip(Skipped::BodyTooLarge);
        if self.lane.on_overflow == Mode::Block {
            stop(Problem::BodyTooLarge)
        } else {
            Step::Continue(Want::Nothing)
        }
    }

    /// Makes one of the calls. After a panic there is no inspection any more, and the service's
    /// settings say whether the exchange may pass without one.
    fn call(&mut self, call: impl FnOnce(&mut Inspection) -> Step) -> Step {
        let Some(inspection) = self.inspection.as_mut() else {
            return Step::Continue(Want::Nothing);
        };
        match catch_unwind(AssertUnwindSafe(|| call(inspection))) {
            Ok(step) => step,
            Err(_) => self.failed(),
        }
    }

    fn failed(&mut self) -> Step {
        self.worker.counts.skip(Skipped::Panic);
        (self.hands_in_request, self.hands_in_response) = (false, false);
        let broken = self.inspection.take();
        // what a panic left behind may panic again when it is dropped
        drop(catch_unwind(AssertUnwindSafe(|| drop(broken))));
        if self.lane.on_overflow == Mode::Block {
            stop(Problem::InspectionFailed)
        } else {
            Step::Continue(Want::Nothing)
        }
    }

    /// All of the upstream's answer has passed; nothing else takes time in this exchange.
    pub(crate) fn relayed(&mut self, at: Instant) {
        self.relayed = Some(at);
    }

    /// The exchange is over.
    pub(crate) fn finish(&mut self, disposition: Disposition) {
        if std::mem::replace(&mut self.finished, true) {
            return;
        }
        let ended = self.relayed.unwrap_or_else(Instant::now);
        let elapsed = ended.saturating_duration_since(self.started).as_micros();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        let now = self.begun.plus_micros(i64::try_from(elapsed).unwrap_or(i64::MAX));
        let mut really = disposition;
        let mut draft = self.draft.take();
        if let Some(inspection) = self.inspection.take() {
            let finish = || inspection.finish(disposition, now);
            match catch_unwind(AssertUnwindSafe(finish)) {
                Ok(observation) => {
                    really = observation.disposition;
                    self.lane.counts.violations_of(&observation);
                    if let Some(draft) = draft.take() {
                        draft.finish(Some(&observation), elapsed);
                    }
                    if self.lane.mode == Mode::Disabled {
                        self.worker.counts.skip(Skipped::Disabled);
                    } else {
                        self.worker.outlet.send(observation);
                    }
                }
                Err(_) => self.worker.counts.skip(Skipped::Panic),
            }
        }
        // an inspection that failed leaves no observation
        if let Some(draft) = draft {
            draft.finish(None, elapsed);
        }
        self.lane.counts.exchange(self.lane.mode, really, elapsed);
    }
}

impl Drop for Inspected {
    fn drop(&mut self) {
        self.finish(Disposition::Dropped);
    }
}

/// The wall clock.
pub(crate) fn wall_clock() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

fn stop(problem: Problem) -> Step {
    Step::Stop(Decision { action: Action::Deny, denial: Some(Denial::of(problem)) })
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::sync::Arc;

    use exchange::redact::Pseudonymizer;
    use inspect::Inspector;
    use policy::document::Document;
    use policy::{Policy, Revision};
    use wire::{HeadLimits, Profile};

    use super::*;
    use crate::limits::Timeouts;
    use crate::metrics::Metrics;
    use crate::outlet::{LaneState, Outlet, outlet};
    use crate::reload::{Arrangement, Slot};
    use crate::ticker::Ticker;
    use crate::ulid::Ulids;
    use crate::upstream::Seat;

    fn worker(on_overflow: &str, outlet: Outlet) -> Rc<Worker> {
        let text = format!(
            "[services.shop]\nupstreams = [\"http://127.0.0.1:1\"]\n\
             limits = {{ on_overflow = \"{on_overflow}\" }}"
        );
        let document = Document::read(&text).unwrap();
        let policy =
            Policy::resolve(&document, &Default::default(), Revision::of(["test"])).unwrap();
        let inspector = Inspector::compile(Arc::new(policy), Pseudonymizer::new(&[0; 16]));
        let upstreams = document.services[0].upstreams.clone();
        let arrangement = Arrangement::new(Arc::new(inspector), vec![upstreams]).unwrap();
        let metrics = Arc::new(Metrics::new(outlet.clone()));
        let seat = Seat { number: 0, workers: 1 };
        let slot = Arc::new(Slot::new(arrangement));
        let table =
            Table::new(Arc::clone(&slot.load()), None, &metrics, (seat, Timeouts::default()));
        Rc::new(Worker {
            seat,
            ticker: Rc::new(Ticker::default()),
            outlet,
            counts: metrics.worker(),
            timeouts: Timeouts::default(),
            draining: Cell::new(false),
            closing_idle: Cell::new(false),
            memory: Arc::default(),
            challenges: Arc::default(),
            connections_max: 1,
            connections: Cell::new(0),
            handshakes: Rc::new(()),
            ulids: RefCell::new(Ulids::new().unwrap()),
            slot,
            metrics,
            table: RefCell::new(Rc::new(table)),
        })
    }

    fn begin(worker: &Rc<Worker>) -> (Inspected, Step) {
        let mut head = wire::RequestHead::new();
        let bytes = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
        let limits = HeadLimits::request();
        wire::request::parse_head(bytes, &limits, Profile::Observe, &mut head).unwrap();
        Inspected::begin(worker, &worker.table(), &head, Scheme::Http, &Peer::default())
    }

    #[test]
    fn a_panic_fails_one_exchange_as_its_service_says() {
        let mut ran = 0;
        for on_overflow in ["block", "observe"] {
            let (outlet, _reader) = outlet();
            let worker = worker(on_overflow, outlet.clone());
            let (mut inspected, _) = begin(&worker);
            let step = inspected.call(|_| panic!("a defect of a detector"));
            match step {
                Step::Stop(decision) if on_overflow == "block" => {
                    assert_eq!(decision.denial.unwrap().problem, Problem::InspectionFailed);
                }
                other => assert_eq!((on_overflow, other), ("observe", PASS)),
            }
            assert_eq!(inspected.call(|_| panic!("there is nothing left to call")), PASS);
            inspected.finish(Disposition::Allowed);
            assert_eq!(worker.counts.skipped(Skipped::Panic), 1);
            assert_eq!(outlet.plain(), LaneState { dropped: 0, length: 0 });
            ran += 1;
        }
        assert_eq!(ran, 2);
    }

    #[test]
    fn an_exchange_that_is_given_up_is_finished_once() {
        let (outlet, _reader) = outlet();
        let worker = worker("observe", outlet.clone());
        let (mut finished, _) = begin(&worker);
        finished.finish(Disposition::Allowed);
        drop(finished);
        let (given_up, _) = begin(&worker);
        drop(given_up);
        assert_eq!(outlet.plain().length + outlet.signalled().length, 2);
        let lane = worker.table().lane(Some(0));
        assert_eq!(lane.counts.exchanges(Mode::Observe, Disposition::Dropped), 1);
        assert_eq!(lane.counts.exchanges(Mode::Observe, Disposition::Allowed), 1);
    }

    const PASS: Step = Step::Continue(Want::Nothing);
}
