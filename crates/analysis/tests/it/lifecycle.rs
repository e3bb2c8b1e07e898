//! What an assessment reports, and what becomes of findings.

use analysis::change::Change;
use analysis::findings::{Finding, Recommendation, Status};
use analysis::{Analyst, state};
use exchange::moment::Moment;

use super::observe::{START, declare, line};

fn names(changes: &[Change]) -> Vec<&'static str> {
    let name = |change: &Change| match change {
        Change::EndpointDiscovered { .. } => "endpoint discovered",
        Change::EndpointUpdated { .. } => "endpoint updated",
        Change::EndpointRetired { .. } => "endpoint retired",
        Change::FindingOpened { .. } => "finding opened",
        Change::FindingUpdated { .. } => "finding updated",
        Change::FindingReopened { .. } => "finding reopened",
        Change::FindingResolved { .. } => "finding resolved",
    };
    changes.iter().map(name).collect()
}

fn later(days: i64) -> Moment {
    START.plus_micros(days * 86_400_000_000)
}

const SHADOW: &str = "GET /internal/debug none 200 x3";

fn analyst() -> Analyst {
    let mut analyst = Analyst::new(vec![declare(&["GET /v1/orders required"])]);
    let templates = [exchange::endpoint::PathTemplate::parse("/v1/orders")];
    for text in ["GET /v1/orders jwt 200 x5", SHADOW] {
        line(text, &templates, 0).iter().for_each(|one| analyst.absorb(one));
    }
    analyst
}

fn only(analyst: &Analyst, now: Moment) -> Finding {
    let mut findings = analyst.snapshot(now).findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

#[test]
fn what_is_new_is_reported_once() {
    let mut analyst = analyst();
    let first = analyst.assess(later(1));
    assert_eq!(names(&first), ["endpoint discovered", "endpoint discovered", "finding opened"]);
    assert!(analyst.assess(later(2)).is_empty());
    let finding = only(&analyst, later(2));
    assert_eq!((finding.exchanges, finding.status), (3, Status::New));
    assert_eq!(finding.fingerprint.to_string().len(), 16);
    let Recommendation::Policy { policy, .. } = &finding.recommendation else {
        panic!("{:?}", finding.recommendation)
    };
    assert_eq!(policy, "[services.shop]\nundocumented = \"block\"\n");
}

#[test]
fn new_evidence_reopens_what_was_resolved_and_not_what_was_suppressed() {
    for (status, expected) in
        [(Status::Resolved, Status::New), (Status::Suppressed, Status::Suppressed)]
    {
        let mut analyst = analyst();
        analyst.assess(later(1));
        let mark = only(&analyst, later(1)).fingerprint;
        assert!(analyst.set_status(mark, status, later(2)).is_some());
        assert_eq!(only(&analyst, later(2)).status, status);
        assert!(analyst.assess(later(3)).is_empty());
        let again = format!("{SHADOW} days=5");
        line(&again, &[], 0).iter().for_each(|one| analyst.absorb(one));
        let reported = analyst.assess(later(6));
        let reopened = names(&reported).contains(&"finding reopened");
        assert_eq!(reopened, status == Status::Resolved, "{reported:?}");
        let restored = state::restore(&state::save(&analyst), Vec::new()).unwrap();
        assert_eq!(only(&analyst, later(6)).status, expected);
        drop(restored);
    }
}

#[test]
fn findings_are_resolved_when_their_grounds_are_gone() {
    let service = declare(&["GET /v1/orders required", "GET /v1/reports required"]);
    let mut analyst = Analyst::new(vec![service]);
    let templates = ["/v1/orders", "/v1/reports"].map(exchange::endpoint::PathTemplate::parse);
    let absorb = |analyst: &mut Analyst, text: &str| {
        line(text, &templates, 0).iter().for_each(|one| analyst.absorb(one));
    };
    absorb(&mut analyst, "GET /v1/orders jwt 200 x9");
    let changes = names(&analyst.assess(START));
    assert!(changes.contains(&"finding opened"), "{changes:?}");
    absorb(&mut analyst, "GET /v1/reports jwt 200");
    let changes = names(&analyst.assess(later(1)));
    assert!(changes.contains(&"finding resolved"), "{changes:?}");
    assert_eq!(only(&analyst, later(1)).status, Status::Resolved);
}

#[test]
fn signals_at_one_place_are_one_finding() {
    let mut analyst = Analyst::new(Vec::new());
    let lines = [
        "GET /v1/search none 500 x9 principals=4 signal=PAL-CONF-001,exchange,,django",
        "GET /v1/search none 200 x9",
        "POST /v1/login none 200 x9 sent=password signal=PAL-DATA-003,body,/token,jwt",
        "GET /v1/config none 200 x9 signal=PAL-DATA-003,body,/key,aws_access_key",
    ];
    for text in lines {
        line(text, &[], 0).iter().for_each(|one| analyst.absorb(one));
    }
    let findings = analyst.snapshot(START).findings;
    let mut found: Vec<String> = findings
        .iter()
        .map(|one| format!("{} {} {}", one.rule, one.template, one.exchanges))
        .collect();
    found.sort();
    assert_eq!(found, ["PAL-CONF-001 /v1/search 9", "PAL-DATA-003 /v1/config 9"]);
    let error = findings.iter().find(|one| one.rule.to_string() == "PAL-CONF-001").unwrap();
    assert_eq!((error.principals.len(), error.principals_total), (4, 4));
    assert_eq!((error.first_seen, error.detected_at), (START, START));
    assert_eq!(error.last_seen, START.plus_micros(8_000_000));
}

#[test]
fn states_that_cannot_be_read_say_what_to_do() {
    let newer = state::restore(br#"{"version":99}"#, Vec::new()).unwrap_err().to_string();
    assert!(newer.contains("version 99") && newer.contains("expected 1"), "{newer}");
    let damaged = state::restore(b"{", Vec::new()).unwrap_err().to_string();
    assert!(damaged.contains("remove it"), "{damaged}");
}

#[test]
fn a_review_is_an_assessment_and_what_it_leaves() {
    let mut analysts = [analyst(), analyst()];
    let mut changed = 0;
    for days in 1..5 {
        let at = later(days);
        let [reviewed, assessed] = &mut analysts;
        let (changes, snapshot) = reviewed.review(at);
        assert_eq!(names(&changes), names(&assessed.assess(at)));
        assert_eq!(format!("{snapshot:?}"), format!("{:?}", assessed.snapshot(at)));
        changed += changes.len();
        // somebody says that it is mended; later it is seen again
        for analyst in &mut analysts {
            if days == 2 {
                let mark = only(analyst, at).fingerprint;
                analyst.set_status(mark, Status::Resolved, at).unwrap();
            }
            if days == 3 {
                let templates = [exchange::endpoint::PathTemplate::parse("/v1/orders")];
                let again = line(SHADOW, &templates, 4 * 86_400_000_000);
                again.iter().for_each(|one| analyst.absorb(one));
            }
        }
    }
    assert!(changed > 3, "{changed} changes");
}
