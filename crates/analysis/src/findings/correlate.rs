//! Signals over hours and days to one finding: what the same detector noticed at the same place
//! of the same endpoint is one thing to look at, however often and by whomever.

use exchange::decision::Disposition;
use exchange::limits;
use exchange::observation::Observation;
use exchange::rule::{RuleId, Severity};
use exchange::signal::{Detail, Location, Signal};
use serde::{Deserialize, Serialize};

use crate::sketch::Witness;

/// What one detector noticed at one place of one endpoint.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct SignalTally {
    /// The rule.
    pub(crate) rule: RuleId,
    /// The place.
    pub(crate) location: Location,
    /// The exchanges.
    pub(crate) witness: Witness,
    /// The worst of the severities.
    pub(crate) severity: Severity,
    /// The highest confidence.
    pub(crate) confidence: f32,
    /// The detectors' words, sorted: classes of data, keywords of contracts.
    pub(crate) words: Vec<Box<str>>,
    /// Exchanges that were refused.
    pub(crate) blocked: u64,
    /// Exchanges that were answered 2xx.
    pub(crate) accepted: u64,
}

/// What detectors noticed at one endpoint, sorted by rule and place.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct SignalsTally {
    known: Vec<SignalTally>,
    /// Signals for which there was no room.
    pub(crate) overflow: u64,
}

// confidences come from detectors, as finite numbers
impl Eq for SignalsTally {}

impl SignalsTally {
    /// Adds the signals of one exchange.
    pub(crate) fn absorb(&mut self, observation: &Observation) {
        for (at, signal) in observation.signals.iter().enumerate() {
            let same = |other: &&Signal| key(other) == key(signal);
            let first = observation.signals.iter().position(|other| same(&other)) == Some(at);
            self.add(observation, signal, first);
        }
    }

    /// `first`: no signal before it in this exchange was of the same rule and place, so that it
    /// counts as an exchange.
    fn add(&mut self, observation: &Observation, signal: &Signal, first: bool) {
        let found = match self.find(signal.rule, &signal.location) {
            Ok(at) => at,
            Err(_) if self.known.len() >= limits::ENDPOINT_SIGNALS_MAX => {
                self.overflow += 1;
                return;
            }
            Err(at) => {
                self.known.insert(at, SignalTally::new(signal));
                at
            }
        };
        let tally = &mut self.known[found];
        tally.severity = tally.severity.max(signal.severity);
        tally.confidence = tally.confidence.max(signal.confidence);
        tally.word(word(&signal.detail));
        if first {
            tally.witness.insert(observation.at, observation.principal.id);
            let blocked = observation.disposition == Disposition::Blocked;
            let good = matches!(observation.status, Some(200..=299));
            tally.blocked += u64::from(blocked);
            tally.accepted += u64::from(good && !blocked);
        }
    }

    /// All signals of the other one, too. Where they do not fit together, the frequent stay.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.overflow += other.overflow;
        for theirs in &other.known {
            match self.find(theirs.rule, &theirs.location) {
                Ok(at) => self.known[at].merge(theirs),
                Err(at) => self.known.insert(at, theirs.clone()),
            }
        }
        while self.known.len() > limits::ENDPOINT_SIGNALS_MAX {
            let count = |at: &usize| (self.known[*at].witness.exchanges, std::cmp::Reverse(*at));
            let Some(rarest) = (0..self.known.len()).min_by_key(count) else { return };
            self.overflow += self.known.remove(rarest).witness.exchanges;
        }
    }

    /// All, by rule and place.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SignalTally> {
        self.known.iter()
    }

    fn find(&self, rule: RuleId, location: &Location) -> Result<usize, usize> {
        let wanted = (rule, location.place(), location.name());
        self.known.binary_search_by(|known| {
            (known.rule, known.location.place(), known.location.name()).cmp(&wanted)
        })
    }
}

impl SignalTally {
    fn new(signal: &Signal) -> Self {
        Self {
            rule: signal.rule,
            location: signal.location.clone(),
            witness: Witness::default(),
            severity: signal.severity,
            confidence: signal.confidence,
            words: Vec::new(),
            blocked: 0,
            accepted: 0,
        }
    }

    /// Keeps the words that come first in the alphabet, whatever the order in which they came.
    fn word(&mut self, word: &str) {
        if let Err(at) = self.words.binary_search_by(|known| (**known).cmp(word))
            && at < limits::SIGNAL_WORDS_MAX
        {
            self.words.insert(at, word.into());
            self.words.truncate(limits::SIGNAL_WORDS_MAX);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.witness.merge(&other.witness);
        self.severity = self.severity.max(other.severity);
        self.confidence = self.confidence.max(other.confidence);
        other.words.iter().for_each(|word| self.word(word));
        self.blocked += other.blocked;
        self.accepted += other.accepted;
    }
}

fn key(signal: &Signal) -> (RuleId, &'static str, &str) {
    (signal.rule, signal.location.place(), signal.location.name())
}

fn word(detail: &Detail) -> &str {
    match detail {
        Detail::Data(class) => class.as_str(),
        Detail::Keyword(word) | Detail::Word(word) => word,
    }
}
