//! Counts that merge: distinct pseudonyms, the earliest moments, spans and frequencies.

use exchange::kind::ValueKind;
use exchange::limits;
use exchange::moment::Moment;
use exchange::redact::Pseudonym;
use serde::{Deserialize, Serialize};

/// How many different hashes were added: the smallest [`limits::PRINCIPALS_EXACT_MAX`] of them,
/// from whose density the number of all follows (k minimum values; Bar-Yossef et al. 2002).
/// Exact while fewer were added, and the same whatever the order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Distinct<H = Pseudonym> {
    smallest: Vec<H>,
}

impl<H> Default for Distinct<H> {
    fn default() -> Self {
        Self { smallest: Vec::new() }
    }
}

/// What [`Distinct`] counts: uniformly spread over the 64-bit numbers.
pub(crate) trait Hashed: Copy + Ord {
    /// The number.
    fn number(self) -> u64;
}

impl Hashed for Pseudonym {
    fn number(self) -> u64 {
        *self.get()
    }
}

impl Hashed for u64 {
    fn number(self) -> u64 {
        self
    }
}

impl<H: Hashed> Distinct<H> {
    /// Adds one. Returns nothing: whether it was new is not known beyond the exact range.
    pub(crate) fn insert(&mut self, item: H) {
        let full = self.smallest.len() >= limits::PRINCIPALS_EXACT_MAX;
        if full && self.smallest.last().is_some_and(|last| item >= *last) {
            return;
        }
        if let Err(at) = self.smallest.binary_search(&item) {
            if full {
                self.smallest.pop();
            }
            self.smallest.insert(at, item);
        }
    }

    /// All that the other one has, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.smallest.iter().for_each(|item| self.insert(*item));
    }

    /// How many there are.
    pub(crate) fn estimate(&self) -> u64 {
        let kept = self.smallest.len();
        let Some(last) = self.smallest.last() else { return 0 };
        if kept < limits::PRINCIPALS_EXACT_MAX {
            return kept as u64;
        }
        let density = (last.number() as f64 / u64::MAX as f64).max(f64::MIN_POSITIVE);
        ((kept - 1) as f64 / density) as u64
    }

    /// Some of them: those with the smallest hashes, which is as good as by lot.
    pub(crate) fn sample(&self, at_most: usize) -> &[H] {
        self.smallest.get(..at_most).unwrap_or(&self.smallest)
    }
}

/// From the first to the last of something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Span {
    /// The first.
    pub(crate) first: Moment,
    /// The last.
    pub(crate) last: Moment,
}

impl Default for Span {
    /// Nothing yet: the identity of [`Span::merge`].
    fn default() -> Self {
        Self { first: Moment::from_micros(i64::MAX), last: Moment::from_micros(i64::MIN) }
    }
}

impl Span {
    /// Stretches to include `at`.
    pub(crate) fn insert(&mut self, at: Moment) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    /// Stretches to include the other one.
    pub(crate) fn merge(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// True when nothing was inserted.
    pub(crate) fn is_empty(self) -> bool {
        self.first > self.last
    }

    /// The first, if there is one.
    pub(crate) fn first(self) -> Option<Moment> {
        (!self.is_empty()).then_some(self.first)
    }

    /// The last, if there is one.
    pub(crate) fn last(self) -> Option<Moment> {
        (!self.is_empty()).then_some(self.last)
    }
}

/// How many earliest moments a [`Witness`] keeps: the most that a rule asks for before it speaks.
const EARLIEST_MAX: usize = 8;

/// Exchanges that show one thing: how many, whose, when, and the earliest of them, so that a rule
/// which asks for the n-th can say when that was, whatever the order of absorption.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Witness {
    /// How many exchanges.
    pub(crate) exchanges: u64,
    /// On whose behalf.
    pub(crate) principals: Distinct,
    /// From when to when.
    pub(crate) span: Span,
    earliest: Vec<Moment>,
}

impl Witness {
    /// One more exchange.
    pub(crate) fn insert(&mut self, at: Moment, principal: Option<Pseudonym>) {
        self.exchanges += 1;
        self.span.insert(at);
        self.remember(at);
        if let Some(id) = principal {
            self.principals.insert(id);
        }
    }

    /// All that the other one has, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.span.merge(other.span);
        self.principals.merge(&other.principals);
        other.earliest.iter().for_each(|at| self.remember(*at));
    }

    /// When the `n`-th exchange came, counted from 1; the last known where there are fewer.
    pub(crate) fn nth(&self, n: u64) -> Moment {
        let at = usize::try_from(n).unwrap_or(usize::MAX).clamp(1, EARLIEST_MAX) - 1;
        self.earliest.get(at).or(self.earliest.last()).copied().unwrap_or(self.span.last)
    }

    fn remember(&mut self, at: Moment) {
        let full = self.earliest.len() >= EARLIEST_MAX;
        if full && self.earliest.last().is_some_and(|last| at >= *last) {
            return;
        }
        if full {
            self.earliest.pop();
        }
        let place = self.earliest.partition_point(|known| *known <= at);
        self.earliest.insert(place, at);
    }
}

/// Counts by key, sorted by key; for keys from closed sets, of which few occur together.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct Counts<K>(Vec<(K, u64)>);

impl<K> Default for Counts<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord> Counts<K> {
    /// Adds `by` to the count of `key`.
    pub(crate) fn add(&mut self, key: K, by: u64) {
        match self.0.binary_search_by(|(known, _)| known.cmp(&key)) {
            Ok(at) => self.0[at].1 += by,
            Err(at) => self.0.insert(at, (key, by)),
        }
    }

    /// All counts of the other one, too.
    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(key, count)| self.add(*key, *count));
    }

    /// The count of `key`.
    pub(crate) fn get(&self, key: K) -> u64 {
        self.0.binary_search_by(|(known, _)| known.cmp(&key)).map_or(0, |at| self.0[at].1)
    }

    /// The sum of all counts.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Keys and counts by key.
    pub(crate) fn as_slice(&self) -> &[(K, u64)] {
        &self.0
    }
}

impl Counts<ValueKind> {
    /// What all have in common: the one kind, integers among decimals, or words.
    pub(crate) fn common(&self) -> ValueKind {
        match self.0.as_slice() {
            [(only, _)] => *only,
            [(ValueKind::Decimal, _), (ValueKind::Integer, _)] => ValueKind::Decimal,
            _ => ValueKind::Word,
        }
    }

    /// Kinds and counts, most frequent first.
    pub(crate) fn ranked(&self) -> Vec<(ValueKind, u64)> {
        let mut ranked = self.0.clone();
        ranked.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
        ranked
    }
}
