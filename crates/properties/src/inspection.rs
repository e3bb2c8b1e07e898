//! Inspection: a request and its answer, bodies in any pieces, lead to the same decision and the
//! same observation (P9); forms, cookies, queries and JSON are read on the way.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

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
use wire::{Asked, HeadLimits, Parsed, Profile, Query, request, response};

use crate::input::Input;

/// The contract of the service that is asked.
const CONTRACT: &str = "\
openapi: 3.1.0
info: {title: shop, version: '1'}
paths:
  /v1/orders:
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 100}}
        - {name: session, in: cookie, schema: {type: string, maxLength: 20}}
      responses: {'200': {description: some}}
    post:
      requestBody:
        content:
          application/json:
            schema: {type: object, required: [item], properties: {item: {type: string}}}
          application/x-www-form-urlencoded:
            schema: {type: object, properties: {item: {type: string, maxLength: 9}}}
      responses: {'201': {description: made}}
";

/// Inspectors that watch and that block.
static INSPECTORS: LazyLock<[Arc<Inspector>; 2]> =
    LazyLock::new(|| [Mode::Observe, Mode::Block].map(inspector));

fn inspector(mode: Mode) -> Arc<Inspector> {
    let document = SourceDocument { name: "openapi.yaml".to_owned(), text: CONTRACT.to_owned() };
    let contract = Contract::from_documents(&[document]).expect("the contract above is sound");
    let mut policy = Policy::for_recordings(Some(Arc::new(contract)));
    for service in &mut policy.services {
        (service.mode, service.undocumented, service.on_overflow) = (mode, mode, mode);
        service.request_body_bytes_max = 4_096;
    }
    Arc::new(Inspector::compile(Arc::new(policy), Pseudonymizer::new(&[7; 16])))
}

/// Checks one input: a request's head and body, and behind a NUL a response's.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    let inspector = &INSPECTORS[usize::from(input.choice & 1)];
    let whole = run(inspector, &input, usize::MAX);
    let in_pieces = run(inspector, &input, input.piece());
    assert_eq!(in_pieces, whole, "in pieces of {}", input.piece());
    if let Some((observation, _)) = whole {
        let told = serde_json::to_string(&observation).expect("an observation is plain data");
        let again: Observation = serde_json::from_str(&told).expect("what was told can be read");
        assert_eq!(again, observation);
    }
}

type Outcome = (Observation, Option<Decision>);

/// Puts the exchange through the five calls; nothing if its heads cannot be read.
fn run(inspector: &Arc<Inspector>, input: &Input<'_>, piece: usize) -> Option<Outcome> {
    let mut parts = input.bytes.splitn(2, |&byte| byte == 0);
    let (asked, answered) = (parts.next()?, parts.next().unwrap_or_default());
    let mut head = wire::RequestHead::new();
    let limits = HeadLimits::request();
    let parsed = request::parse_head(asked, &limits, Profile::Observe, &mut head);
    let Ok(Parsed::Complete { head_len }) = parsed else { return None };
    let seen = RequestHead {
        method: Method::parse(head.method().as_bytes()),
        scheme: Scheme::Http,
        host: head.authority().map(wire::Authority::host).unwrap_or_default(),
        path: head.path(),
        path_oddities: head.path_oddities(),
        query: head.query().unwrap_or(Query::new(&[])),
        fields: head.fields(),
    };
    let peer = Peer { address: Some(IpAddr::from([10, 0, 0, 1])), ..Peer::default() };
    let now = Moment::from_micros(1_768_467_600_000_000);
    let (mut inspection, step) = inspector.begin(&seen, &peer, now);
    let body = asked.get(head_len..).unwrap_or_default();
    let mut stopped = decision(step)
        .or_else(|| pieces(body, piece, |part, end| inspection.request_body(part, end)));
    if stopped.is_none() {
        let mut head = wire::ResponseHead::new();
        let limits = HeadLimits::response();
        let parsed = response::parse_head(answered, &limits, Asked::Plain, &mut head);
        if let Ok(Parsed::Complete { head_len }) = parsed {
            let seen = ResponseHead { status: head.status(), fields: head.fields() };
            let body = answered.get(head_len..).unwrap_or_default();
            stopped = decision(inspection.response_head(&seen))
                .or_else(|| pieces(body, piece, |part, end| inspection.response_body(part, end)));
        }
    }
    let disposition = if stopped.is_some() { Disposition::Blocked } else { Disposition::Allowed };
    Some((inspection.finish(disposition, now.plus_micros(1_500)), stopped))
}

fn pieces(
    body: &[u8],
    piece: usize,
    mut call: impl FnMut(&[u8], bool) -> Step,
) -> Option<Decision> {
    let mut rest = body;
    loop {
        let (part, later) = rest.split_at(piece.min(rest.len()));
        rest = later;
        let stop = decision(call(part, rest.is_empty()));
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
