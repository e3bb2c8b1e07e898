//! A defect inside inspection costs one exchange, as the service says, and nothing else (FA-26).

use exchange::body::Body;
use exchange::decision::Disposition;
use exchange::phase::Phase;
use exchange::rule::RuleCard;
use exchange::signal::Signal;
use inspect::View;
use inspect::detector::{Detector, framing};

use crate::harness::{Fixture, Message, Upstream, settings};

/// Fails at the end of the phase that a field of the head or the body names.
#[derive(Debug)]
struct Defect;

impl Detector for Defect {
    fn card(&self) -> &'static RuleCard {
        &framing::CARD
    }

    fn phases(&self) -> &'static [Phase] {
        &Phase::ALL
    }

    fn examine(&self, phase: Phase, view: &View<'_>, _: &mut Vec<Signal>) {
        let name = name(phase).as_bytes();
        let in_head = view.head.is_some_and(|head| head.fields.get("x-fails") == Some(name));
        let in_body = match view.body {
            Body::Whole(text) => text.windows(name.len()).any(|part| part == name),
            Body::Absent(_) | Body::Partial(_) => false,
        };
        let asked = in_head || in_body;
        assert!(!asked, "a defect of a detector");
    }
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::RequestHead => "request_head",
        Phase::RequestBody => "request_body",
        Phase::ResponseHead => "response_head",
        Phase::ResponseBody => "response_body",
    }
}

/// Phases at whose end detectors look; the head of a response is looked at with its body.
const PHASES: [Phase; 3] = [Phase::RequestHead, Phase::RequestBody, Phase::ResponseBody];

fn request(fails: &str) -> Vec<u8> {
    let body = format!("{{\"name\":\"{fails}\"}}");
    let length = body.len();
    format!(
        "POST /items HTTP/1.1\r\nHost: shop\r\nX-Fails: {fails}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An upstream that sends back the body that it gets.
fn echo() -> Upstream {
    Upstream::start(|request, wire| {
        let length = request.body.len();
        let head = format!(
            "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        wire.send(&[head.as_bytes(), &request.body].concat());
        true
    })
}

/// Asks with a defect in each phase, and each time asks again without one on the same connection.
fn ask_all(mode: &str, extra: &str, held: impl Fn(Phase, &Message)) -> u64 {
    let upstream = echo();
    let mut fixture = Fixture::detecting(&settings(mode, upstream.address, extra), &Defect);
    let mut client = fixture.client();
    let mut ran = 0;
    for phase in PHASES {
        held(phase, &client.ask(&request(name(phase))));
        ran += 1;
        let skipped = "palisade_inspection_skipped_total{reason=\"panic\"}";
        fixture.wait_for(skipped, ran);
        let next = client.ask(&request("plain"));
        assert_eq!((next.status(), next.truncated), (201, false), "{phase:?}");
        assert_eq!(fixture.metric(skipped), ran);
    }
    // what failed left no observation
    let seen = fixture.observations(PHASES.len());
    let dispositions: Vec<Disposition> = seen.iter().map(|one| one.disposition).collect();
    assert_eq!(dispositions, [Disposition::Allowed; PHASES.len()]);
    assert_eq!(fixture.metric("palisade_queue_length"), 0);
    ran
}

#[test]
fn where_the_service_observes_the_exchange_passes() {
    let ran = ask_all("observe", "", |phase, answer| {
        assert_eq!((answer.status(), answer.truncated), (201, false), "{phase:?}");
    });
    assert_eq!(ran, 3);
}

#[test]
fn where_the_service_blocks_the_exchange_is_refused() {
    let ran = ask_all("block", "", |phase, answer| {
        assert_eq!(answer.status(), 503, "{phase:?}");
        let kind = answer.problem()["type"].as_str().unwrap_or_default().to_owned();
        assert!(kind.ends_with("inspection-failed"), "{phase:?}: {kind}");
    });
    assert_eq!(ran, 3);
}

#[test]
fn what_is_declared_for_failures_goes_before_the_mode() {
    let extra = "limits = { on_overflow = \"observe\" }";
    let ran =
        ask_all("block", extra, |phase, answer| assert_eq!(answer.status(), 201, "{phase:?}"));
    assert_eq!(ran, 3);
}
