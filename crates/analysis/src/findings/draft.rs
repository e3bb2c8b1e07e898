//! What a rule says of an endpoint, and the finding that comes of it.

use exchange::limits;
use exchange::moment::Moment;
use exchange::rule::{RuleCard, RuleId, Severity};
use exchange::signal::Location;

use super::correlate::SignalTally;
use super::{Evidence, EvidenceValue, Finding, Fingerprint, Recommendation, Status};
use crate::inventory::assemble::Known;
use crate::recommend;
use crate::sketch::Witness;

/// What a rule says of an endpoint.
pub(crate) struct Draft<'a> {
    pub(crate) rule: RuleId,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) confidence: f32,
    pub(crate) owasp: &'static str,
    pub(crate) cwe: &'static [u16],
    pub(crate) location: Location,
    /// The exchanges that show it; `None` for what shows by their absence.
    pub(crate) witness: Option<&'a Witness>,
    /// How many of them it took.
    pub(crate) tipped_by: u64,
    pub(crate) evidence: Evidence,
}

impl<'a> Draft<'a> {
    /// What a rule with a card says by default, on the strength of these exchanges.
    pub(crate) fn of(card: &RuleCard, confidence: f32, witness: Option<&'a Witness>) -> Self {
        Self {
            rule: card.id,
            title: card.title.to_owned(),
            severity: card.severity,
            confidence,
            owasp: card.owasp,
            cwe: card.cwe,
            location: Location::Exchange,
            witness,
            tipped_by: 1,
            evidence: Evidence::new(),
        }
    }

    /// What a detector noticed again and again. `card` is the detector's, where it is known.
    pub(crate) fn of_signal(signal: &'a SignalTally, card: Option<&RuleCard>) -> Self {
        let rule = signal.rule;
        let name = signal.location.name();
        let place = match signal.location.place() {
            "exchange" => String::new(),
            place if name.is_empty() => format!(" ({place})"),
            place => format!(" ({place} `{name}`)"),
        };
        let title = card.map_or_else(|| rule.to_string(), |card| card.title.to_owned()) + &place;
        let mut draft = Self {
            rule,
            title,
            severity: signal.severity,
            confidence: signal.confidence,
            owasp: card.map_or("", |card| card.owasp),
            cwe: card.map_or(&[], |card| card.cwe),
            location: signal.location.clone(),
            witness: Some(&signal.witness),
            tipped_by: 1,
            evidence: Evidence::new(),
        };
        draft.count("accepted", signal.accepted);
        draft.count("blocked", signal.blocked);
        if !signal.words.is_empty() {
            draft.evidence.insert("noticed".into(), EvidenceValue::Words(signal.words.clone()));
        }
        draft
    }

    /// Adds a number to the evidence.
    pub(crate) fn count(&mut self, name: &str, count: u64) {
        self.evidence.insert(name.into(), EvidenceValue::Count(count));
    }

    /// Adds words to the evidence.
    pub(crate) fn words<'w>(&mut self, name: &str, words: impl Iterator<Item = &'w str>) {
        let mut words: Vec<Box<str>> = words.map(Into::into).collect();
        words.sort_unstable();
        self.evidence.insert(name.into(), EvidenceValue::Words(words));
    }

    /// The finding about this endpoint; `now` stands in where no exchange shows it.
    pub(crate) fn finding(self, known: &Known<'_>, now: Moment) -> Finding {
        let recommendation = recommend::for_finding(self.rule, known, &self.evidence);
        let mut finding = self.at(known, recommendation, now);
        finding.endpoint = Some(known.id);
        finding
    }

    /// The finding where no endpoint is; `known` has the service and host only.
    pub(crate) fn stray(self, known: &Known<'_>, now: Moment) -> Finding {
        let why = "Requests that belong to no endpoint are answered with an error already.";
        self.at(known, Recommendation::NoPolicy { why: why.to_owned() }, now)
    }

    fn at(self, known: &Known<'_>, recommendation: Recommendation, now: Moment) -> Finding {
        let (host, method, template) = (&known.host, known.method, &known.template);
        let named = if host.is_empty() { &known.service } else { host };
        let span = self.witness.map(|witness| witness.span);
        let principals = self
            .witness
            .map_or(&[][..], |witness| witness.principals.sample(limits::FINDING_PRINCIPALS_MAX));
        Finding {
            fingerprint: Fingerprint::of(self.rule, named, method, template, &self.location),
            rule: self.rule,
            title: self.title,
            severity: self.severity,
            confidence: self.confidence,
            owasp: self.owasp.into(),
            cwe: self.cwe.to_vec(),
            endpoint: None,
            service: known.service.clone(),
            host: host.clone(),
            method,
            template: template.clone(),
            location: self.location,
            principals: principals.to_vec(),
            principals_total: self.witness.map_or(0, |witness| {
                // an estimate may overshoot
                witness.principals.estimate().min(witness.exchanges)
            }),
            exchanges: self.witness.map_or(0, |witness| witness.exchanges),
            first_seen: span.and_then(|span| span.first()).unwrap_or(now),
            last_seen: span.and_then(|span| span.last()).unwrap_or(now),
            detected_at: self.witness.map_or(now, |witness| witness.nth(self.tipped_by)),
            evidence: self.evidence,
            recommendation,
            status: Status::New,
        }
    }
}

/// How sure a share of `held` among `tried` makes: the lower end of Wilson's interval at 95 %.
pub(crate) fn wilson(held: u64, tried: u64) -> f32 {
    if tried == 0 {
        return 0.0;
    }
    let (n, z) = (tried as f64, 1.96_f64);
    let share = held as f64 / n;
    let centre = share + z * z / (2.0 * n);
    let margin = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (((centre - margin) / (1.0 + z * z / n)) as f32).clamp(0.0, 1.0)
}
