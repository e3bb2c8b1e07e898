//! An exchange written down as text, and how it is put through the five calls.

use std::net::IpAddr;
use std::sync::Arc;

use contract::{Contract, SourceDocument};
use exchange::decision::{Decision, Disposition};
use exchange::endpoint::Method;
use exchange::message::{RequestHead, ResponseHead, Scheme};
use exchange::moment::Moment;
use exchange::observation::Observation;
use exchange::peer::Peer;
use exchange::redact::Pseudonymizer;
use inspect::{Inspector, Step};
use policy::{Mode, Policy};
use wire::{CanonicalPath, Fields, Query};

/// An exchange as it stands on a page.
#[derive(Debug, Default)]
pub(crate) struct Case {
    method: String,
    target: String,
    request_fields: Fields,
    request_body: Vec<u8>,
    status: u16,
    response_fields: Fields,
    response_body: Vec<u8>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) observation: Observation,
    pub(crate) stopped: Option<Decision>,
}

impl Case {
    /// Reads a request and, after a line that begins with `HTTP/1.1`, a response.
    pub(crate) fn parse(text: &str) -> Self {
        let (request, response) = match text.split_once("\nHTTP/1.1 ") {
            Some((request, response)) => (request, response),
            None => (text, "200 OK\n\n"),
        };
        let mut case = Self::default();
        let (line, rest) = request.split_once('\n').unwrap_or((request, ""));
        let mut words = line.split(' ');
        case.method = words.next().unwrap().to_owned();
        case.target = words.next().unwrap().to_owned();
        case.request_body = fields_and_body(rest, &mut case.request_fields);
        let (line, rest) = response.split_once('\n').unwrap();
        case.status = line.split(' ').next().unwrap().parse().unwrap();
        case.response_body = fields_and_body(rest, &mut case.response_fields);
        case
    }

    /// Puts it through the five calls, bodies in pieces of `cut` bytes.
    pub(crate) fn run(&self, inspector: &Arc<Inspector>, cut: usize) -> Outcome {
        let (path, query) = wire::target::split_query(self.target.as_bytes());
        let (path, oddities) = CanonicalPath::read(path);
        let host = self.request_fields.get("host").unwrap_or_default();
        let head = RequestHead {
            method: Method::parse(self.method.as_bytes()),
            scheme: Scheme::Http,
            host: std::str::from_utf8(host).unwrap(),
            path: &path,
            path_oddities: oddities,
            query: Query::new(query.unwrap_or_default()),
            fields: &self.request_fields,
        };
        let peer = Peer { address: Some(IpAddr::from([10, 0, 0, 1])), ..Peer::default() };
        let now = Moment::from_micros(1_768_467_600_000_000);
        let (mut inspection, step) = inspector.begin(&head, &peer, now);
        let mut stopped = decision(step);
        let mut disposition = Disposition::Allowed;
        if stopped.is_none() {
            stopped =
                pieces(&self.request_body, cut, |piece, end| inspection.request_body(piece, end));
        }
        if stopped.is_some() {
            disposition = Disposition::Blocked;
        } else {
            let head = ResponseHead { status: self.status, fields: &self.response_fields };
            assert_eq!(decision(inspection.response_head(&head)), None);
            let stop =
                pieces(&self.response_body, cut, |piece, end| inspection.response_body(piece, end));
            assert_eq!(stop, None);
        }
        Outcome { observation: inspection.finish(disposition, now.plus_micros(1_500)), stopped }
    }
}

fn pieces(body: &[u8], cut: usize, mut call: impl FnMut(&[u8], bool) -> Step) -> Option<Decision> {
    let mut rest = body;
    loop {
        let (piece, later) = rest.split_at(cut.min(rest.len()));
        rest = later;
        let stop = decision(call(piece, rest.is_empty()));
        if stop.is_some() || rest.is_empty() {
            return stop;
        }
    }
}

fn decision(step: Step) -> Option<Decision> {
    match step {
        Step::Continue(_) => None,
        Step::Stop(decision) => Some(decision),
    }
}

fn fields_and_body(text: &str, fields: &mut Fields) -> Vec<u8> {
    let (head, body) = match text.split_once("\n\n") {
        Some((head, body)) => (head, body.trim_end_matches('\n')),
        None => (text.trim_end_matches('\n'), ""),
    };
    for line in head.lines().filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        assert!(fields.push(name.as_bytes(), value.as_bytes()));
    }
    body.as_bytes().to_vec()
}

/// An inspector over one service for every host.
pub(crate) fn inspector(contract: Option<&str>, mode: Mode, undocumented: Mode) -> Arc<Inspector> {
    let contract = contract.map(|text| {
        let document = SourceDocument { name: "openapi.yaml".to_owned(), text: text.to_owned() };
        Arc::new(Contract::from_documents(&[document]).unwrap())
    });
    let mut policy = Policy::for_recordings(contract);
    let service = &mut policy.services[0];
    service.mode = mode;
    service.undocumented = undocumented;
    service.on_overflow = mode;
    service.request_body_bytes_max = 4_096;
    Arc::new(Inspector::compile(Arc::new(policy), Pseudonymizer::new(&[7; 16])))
}
