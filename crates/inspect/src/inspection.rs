//! One exchange under inspection: the five calls, and what they leave behind.

use std::sync::Arc;

use contract::{BodyPlan, Operation, Routed, Violation};
use exchange::body::{Body, Why};
use exchange::decision::{Action, Decision, Disposition};
use exchange::endpoint::Method;
use exchange::limits;
use exchange::message::{RequestHead, ResponseHead, media_type};
use exchange::moment::Moment;
use exchange::observation::{BodySeen, Observation, OperationIndex, ParameterPlace, ParameterSeen};
use exchange::peer::Peer;
use exchange::phase::Phase;
use exchange::principal::Principal;
use exchange::redact::Pseudonym;
use exchange::shape::Shape;
use exchange::signal::Signal;
use policy::{Mode, Service};
use wire::doubt::{doubt, names_fields};
use wire::{Profile, Query, Refusal};

use crate::decide::{self, Grounds};
use crate::detector;
use crate::gather::Gather;
use crate::identify::identify;
use crate::inspector::{Inspector, address_pseudonym};
use crate::parse;
use crate::recognize;
use crate::step::{Step, Want};
use crate::view::View;

/// One exchange under inspection. Owns everything it needs, so the shell may use its buffers
/// again between the calls.
#[derive(Debug)]
pub struct Inspection {
    inspector: Arc<Inspector>,
    service: Option<usize>,
    at: Moment,
    host: Arc<str>,
    method: Method,
    path: exchange::endpoint::SeenPath,
    trusted: bool,
    doubt: Option<Refusal>,
    routed: Option<Routed>,
    near_miss: bool,
    principal: Principal,
    client: Option<Pseudonym>,
    parameters: Vec<ParameterSeen>,
    violations: Vec<Violation>,
    signals: Vec<Signal>,
    request: BodySeen,
    request_gather: Gather,
    request_encoding: Option<Box<[u8]>>,
    content_type: Box<[u8]>,
    status: Option<u16>,
    response: BodySeen,
    response_gather: Gather,
    response_encoding: Option<Box<[u8]>>,
    would_deny: bool,
}

impl Inspection {
    pub(crate) fn new(
        inspector: Arc<Inspector>,
        service: Option<usize>,
        head: &RequestHead<'_>,
        peer: &Peer,
        now: Moment,
    ) -> Self {
        let pseudonymizer = inspector.pseudonymizer();
        let trusted = &inspector.policy().trusted;
        let address = peer.client(head.fields, |hop| trusted.iter().any(|net| net.contains(&hop)));
        let client = address.map(|address| address_pseudonym(address, pseudonymizer));
        let principal = identify(head, client, peer, pseudonymizer);
        let path = parse::path::seen(head.path, pseudonymizer);
        Self {
            service,
            at: now,
            host: Arc::from(head.host),
            method: head.method,
            path,
            trusted: peer.trusted,
            doubt: None,
            routed: None,
            near_miss: false,
            principal,
            client,
            parameters: Vec::new(),
            violations: Vec::new(),
            signals: Vec::new(),
            request: inspector.nothing_seen(),
            request_gather: Gather::default(),
            request_encoding: None,
            content_type: Box::default(),
            status: None,
            response: inspector.nothing_seen(),
            response_gather: Gather::default(),
            response_encoding: None,
            would_deny: false,
            inspector,
        }
    }

    /// Index of the service in the policy; `None` when none answers for the host.
    #[must_use]
    pub fn service(&self) -> Option<usize> {
        self.service
    }

    /// True when something was noticed that `block` would have refused.
    #[must_use]
    pub fn would_deny(&self) -> bool {
        self.would_deny
    }

    /// The end of the request's head.
    pub(crate) fn request_head(&mut self, head: &RequestHead<'_>) -> Step {
        let inspector = Arc::clone(&self.inspector);
        let Some(service) = inspector.service(self.service) else {
            return Step::Continue(Want::Nothing);
        };
        self.request.media = inspector.media(media_type(head.fields));
        if self.is_disabled(service) {
            return Step::Continue(Want::Nothing);
        }
        if !head.query.is_empty() {
            parse::form::parameters(head.query, ParameterPlace::Query, &mut self.parameters);
        }
        let names_fields = service.profile == Profile::Strict && names_fields(head.fields);
        self.doubt = doubt(service.profile, head.path_oddities, head.query, names_fields);
        let mut plan = BodyPlan::Unchecked;
        if let Some(contract) = &service.contract {
            let routed = contract.route(head.method, head.path);
            if let Routed::Operation(index) = &routed
                && let Some(operation) = contract.operations().get(index.0 as usize)
            {
                operation.check_request_head(head, &mut self.violations);
                plan = operation.request_body_plan(media_type(head.fields));
            }
            self.near_miss =
                routed == Routed::NotDeclared && contract.declares_in_other_case(head.path);
            self.routed = Some(routed);
        }
        self.examine(Phase::RequestHead, Some(head), Body::Absent(Why::Empty), None);
        if let Some(stop) = self.settle(service) {
            return stop;
        }
        let content_type = head.fields.get("content-type").unwrap_or_default();
        if self.operation_of(service).is_some() {
            self.content_type = content_type.into();
        }
        self.request_encoding = head.fields.get("content-encoding").map(Into::into);
        let checked = matches!(plan, BodyPlan::Check);
        let limit = service.request_body_bytes_max;
        if checked || is_readable(&self.request.media) || content_type.is_empty() {
            self.request_gather = Gather::up_to(limit);
        } else {
            self.request_gather = Gather::nothing();
            return Step::Continue(Want::Nothing);
        }
        let hold = checked && service.mode == Mode::Block;
        Step::Continue(if hold { Want::Hold } else { Want::Tee })
    }

    /// A piece of the request's body; `end` with the last one, which may be empty. A request
    /// without a body ends with an empty piece, too: that one is required may be part of the
    /// contract.
    pub fn request_body(&mut self, chunk: &[u8], end: bool) -> Step {
        let inspector = Arc::clone(&self.inspector);
        let Some(service) = inspector.service(self.service) else {
            return Step::Continue(Want::Nothing);
        };
        let mut gather = std::mem::take(&mut self.request_gather);
        let was_over = gather.is_over();
        let gathered = gather.take(chunk, end);
        if end {
            self.request_body_end(service, gathered.as_body(chunk));
        }
        self.request.bytes = gather.bytes();
        if gather.is_over() && !was_over && self.must_check(service) {
            let decision = decide::overflow(service);
            if let Some(stop) = self.note(decision) {
                return stop;
            }
        }
        if end {
            return self.settle(service).unwrap_or(Step::Continue(Want::Nothing));
        }
        let want = self.want_after(&gather, service);
        self.request_gather = gather;
        Step::Continue(want)
    }

    fn request_body_end(&mut self, service: &Service, body: Body<'_>) {
        if self.is_disabled(service) {
            return;
        }
        let Read { seen, text } = read(body, self.request_encoding.as_deref(), &mut self.request);
        let before = self.violations.len();
        if let Some(operation) = self.operation_of(service) {
            let body = match body {
                Body::Whole(_) => text.as_ref().map_or(body, |text| Body::Whole(text)),
                other => other,
            };
            operation.check_request_body(&self.content_type, body, &mut self.violations);
        }
        if &*self.request.media == "application/x-www-form-urlencoded"
            && let Some(text) = &text
        {
            let form = Query::new(text);
            parse::form::parameters(form, ParameterPlace::Form, &mut self.parameters);
        }
        let seen_body = text.as_ref().map_or(body, |text| Body::Whole(text));
        // violations of the head have been told at its own end
        let told: Vec<Violation> = self.violations.drain(..before).collect();
        self.examine(Phase::RequestBody, None, seen_body, seen);
        self.violations.splice(..0, told);
    }

    /// The end of the response's head.
    pub fn response_head(&mut self, head: &ResponseHead<'_>) -> Step {
        self.status = Some(head.status);
        self.response.media = self.inspector.media(media_type(head.fields));
        let inspector = Arc::clone(&self.inspector);
        let Some(service) = inspector.service(self.service) else {
            return Step::Continue(Want::Nothing);
        };
        if self.is_disabled(service) || !is_readable(&self.response.media) {
            self.response_gather = Gather::nothing();
            return Step::Continue(Want::Nothing);
        }
        self.response_encoding = head.fields.get("content-encoding").map(Into::into);
        self.response_gather = Gather::up_to(service.response_body_bytes_max);
        Step::Continue(Want::Tee)
    }

    /// A piece of the response's body; `end` with the last one, which may be empty.
    pub fn response_body(&mut self, chunk: &[u8], end: bool) -> Step {
        let mut gather = std::mem::take(&mut self.response_gather);
        self.response.bytes = gather.bytes().saturating_add(chunk.len() as u64);
        let gathered = gather.take(chunk, end);
        if !end {
            let want = if gather.is_over() { Want::Nothing } else { Want::Tee };
            self.response_gather = gather;
            return Step::Continue(want);
        }
        let body = gathered.as_body(chunk);
        let Read { seen, text } = read(body, self.response_encoding.as_deref(), &mut self.response);
        let body = text.as_ref().map_or(body, |text| Body::Whole(text));
        self.examine(Phase::ResponseBody, None, body, seen);
        Step::Continue(Want::Nothing)
    }

    /// The exchange is over, one way or another. [`Disposition::Allowed`] becomes
    /// [`Disposition::Detected`] where `block` would have refused.
    #[must_use]
    pub fn finish(mut self, disposition: Disposition, now: Moment) -> Observation {
        self.signals.truncate(limits::SIGNALS_MAX);
        let disposition = match disposition {
            Disposition::Allowed if self.would_deny => Disposition::Detected,
            other => other,
        };
        Observation {
            at: self.at,
            duration_us: u64::try_from(now.micros_since(self.at)).unwrap_or(0),
            service: self.inspector.service_name(self.service),
            host: self.host,
            method: self.method,
            path: self.path,
            operation: match &self.routed {
                Some(Routed::Operation(index)) => Some(OperationIndex(index.0)),
                _ => None,
            },
            principal: self.principal,
            client: self.client,
            parameters: self.parameters,
            status: self.status,
            request: self.request,
            response: self.response,
            signals: self.signals,
            disposition,
        }
    }

    /// The gateway refused the bytes of the exchange itself; `phase` is the one they belong to.
    pub fn refused(&mut self, refusal: Refusal, phase: Phase) {
        let Some(signal) = detector::signal_of(refusal, phase) else { return };
        // what a detector has noticed of the same bytes says the same
        let known = |other: &Signal| other.rule == signal.rule && other.detail == signal.detail;
        if !self.signals.iter().any(known) {
            self.signals.push(signal);
        }
    }

    /// Says of a recording why a body is not there.
    pub fn request_body_absent(&mut self, why: Why) {
        self.request.missing = Some(why);
    }

    /// Says of a recording why a body is not there.
    pub fn response_body_absent(&mut self, why: Why) {
        self.response.missing = Some(why);
    }

    fn is_disabled(&self, service: &Service) -> bool {
        service.mode == Mode::Disabled
    }

    /// True when the request's body is what the decision rests on.
    fn must_check(&self, service: &Service) -> bool {
        service.mode != Mode::Disabled && self.operation_of(service).is_some()
    }

    fn operation_of<'s>(&self, service: &'s Service) -> Option<&'s Operation> {
        match (&self.routed, &service.contract) {
            (Some(Routed::Operation(index)), Some(contract)) => {
                contract.operations().get(index.0 as usize)
            }
            _ => None,
        }
    }

    fn want_after(&self, gather: &Gather, service: &Service) -> Want {
        if gather.is_over() {
            return Want::Nothing;
        }
        let hold = service.mode == Mode::Block && self.operation_of(service).is_some();
        if hold { Want::Hold } else { Want::Tee }
    }

    fn examine(
        &mut self,
        phase: Phase,
        head: Option<&RequestHead<'_>>,
        body: Body<'_>,
        seen: Option<Shape>,
    ) {
        let target = match phase {
            Phase::RequestHead | Phase::RequestBody => &self.request,
            Phase::ResponseHead | Phase::ResponseBody => &self.response,
        };
        let view = View {
            method: self.method,
            principal: &self.principal,
            trusted: self.trusted,
            head,
            parameters: &self.parameters,
            violations: &self.violations,
            near_miss: self.near_miss,
            status: self.status.unwrap_or(0),
            media: &target.media,
            body,
            shape: seen.as_ref(),
            data: target.data,
        };
        for detector in self.inspector.detectors(phase) {
            if self.signals.len() < limits::SIGNALS_MAX {
                detector.examine(phase, &view, &mut self.signals);
            }
        }
        match phase {
            Phase::RequestHead | Phase::RequestBody => self.request.shape = seen,
            Phase::ResponseHead | Phase::ResponseBody => self.response.shape = seen,
        }
    }

    /// What policy says of the request as far as it has come; `None`: go on.
    fn settle(&mut self, service: &Service) -> Option<Step> {
        let decision = decide::request(&Grounds {
            service,
            doubt: self.doubt,
            routed: self.routed.as_ref(),
            violations: &self.violations,
        });
        self.note(decision)
    }

    fn note(&mut self, decision: Decision) -> Option<Step> {
        match decision.action {
            Action::Allow => None,
            Action::Observe => {
                self.would_deny = true;
                None
            }
            Action::Deny => {
                let refusal = decision.denial.as_ref().and_then(|denial| denial.refusal);
                refusal.into_iter().for_each(|refusal| self.refused(refusal, Phase::RequestHead));
                Some(Step::Stop(decision))
            }
        }
    }
}

/// What a body gave: its shape, and its text where it could be read.
struct Read<'b> {
    seen: Option<Shape>,
    text: Option<std::borrow::Cow<'b, [u8]>>,
}

/// Decompresses and reads a body; notes in `target` what is missing and what is sensitive.
fn read<'b>(body: Body<'b>, encoding: Option<&[u8]>, target: &mut BodySeen) -> Read<'b> {
    let raw = match body {
        Body::Absent(why) => {
            target.missing = Some(why);
            return Read { seen: None, text: None };
        }
        Body::Partial(_) => {
            target.missing = Some(Why::OverLimit);
            return Read { seen: None, text: None };
        }
        Body::Whole([]) => {
            target.missing = Some(Why::Empty);
            return Read { seen: None, text: None };
        }
        Body::Whole(raw) => raw,
    };
    let text = match crate::decode::content(encoding, raw) {
        Ok(text) => text,
        Err(why) => {
            target.missing = Some(why);
            return Read { seen: None, text: None };
        }
    };
    target.missing = None;
    if is_json(&target.media) || target.media.is_empty() && looks_like_json(&text) {
        let reading = parse::shape::read(&text);
        target.data = reading.data;
        if reading.fault.is_some() {
            // half a body would teach the inventory that the other half is optional
            target.missing = Some(Why::Malformed);
            return Read { seen: None, text: Some(text) };
        }
        return Read { seen: Some(reading.shape), text: Some(text) };
    }
    if is_readable(&target.media) {
        target.data = recognize::scan_text(&text);
    }
    Read { seen: None, text: Some(text) }
}

fn is_json(media: &str) -> bool {
    media == "application/json" || media.ends_with("+json") || media == "text/json"
}

fn looks_like_json(text: &[u8]) -> bool {
    matches!(text.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Media types that hold text in which something can be recognised.
fn is_readable(media: &str) -> bool {
    is_json(media)
        || media.starts_with("text/")
        || matches!(
            media,
            "" | "application/x-www-form-urlencoded" | "application/xml" | "application/x-ndjson"
        )
        || media.ends_with("+xml")
}
