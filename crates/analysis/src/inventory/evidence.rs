//! Is a crowd of words the values of one parameter? The evidence, and how it is weighed.

use super::profile::Likeness;

/// Overlap of operations from which two words may be values of one parameter.
pub(super) const OPERATIONS_ALIKE: f64 = 0.34;

/// Agreement of core fields from which they may be.
const FIELDS_ALIKE: f64 = 0.7;

/// Exchanges without news that are added in thought before the share of unseen words is taken.
const UNSEEN_SHRINK: f64 = 8.0;

/// What the place of a segment in the path tells about it.
pub(super) struct Place {
    pub(super) segment: u16,
    pub(super) after_plural: bool,
    pub(super) after_parameter: bool,
    pub(super) after_root: bool,
    /// The path up to here is an endpoint itself, as collections are.
    pub(super) answers: bool,
}

/// How alike, if alike enough to be values of one parameter.
pub(super) fn alike(likeness: Likeness) -> Option<f64> {
    let fields = likeness.fields.unwrap_or(FIELDS_ALIKE);
    let enough = likeness.operations >= OPERATIONS_ALIKE && fields >= FIELDS_ALIKE;
    enough.then_some(likeness.operations + fields)
}

/// What speaks for and against a cluster of words being values of one parameter. No count of
/// exchanges is weighed as such, so that a busy API is judged like a quiet one.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// Share of the exchanges on words that came once (Good and Turing's estimate of how likely
    /// the next word is a new one), drawn towards 0 where there are few exchanges.
    unseen: f64,
    /// Natural logarithm of the number of words, where their bodies agree; 0 without bodies.
    fields: f64,
    /// How alike the values at the same place are: 1 alike with bodies, 0.5 alike without,
    /// 0 there are none, -1 unlike.
    pub(super) values: f64,
    /// Share of the words with a digit.
    digits: f64,
    /// Share with a capital.
    capitals: f64,
    /// Share with a dot, a colon or an at sign.
    dots: f64,
    /// Share with a dash or an underscore.
    dashes: f64,
    /// Share of plurals.
    plurals: f64,
    /// The segment before is a plural.
    after_plural: f64,
    /// The path up to here answers by itself.
    answers: f64,
    /// The segment before is a parameter.
    after_parameter: f64,
    /// The segment is the first, or follows nothing but a version.
    after_root: f64,
    /// Share of the words at this place that are in the cluster.
    majority: f64,
    /// Natural logarithm of the number of words at this place.
    many: f64,
}

impl Evidence {
    /// What speaks for these words, given with their exchanges, at a place with so many siblings.
    /// `by_fields`: their bodies agree; `likeness`: to the values at the same place.
    pub(super) fn of(
        words: &[(&str, u64)],
        by_fields: bool,
        likeness: Option<Likeness>,
        siblings: usize,
        place: &Place,
    ) -> Self {
        let count = words.len() as f64;
        let share = |holds: &dyn Fn(&str) -> bool| {
            words.iter().filter(|(word, _)| holds(word)).count() as f64 / count
        };
        let any =
            |wanted: &'static [u8]| move |word: &str| word.bytes().any(|b| wanted.contains(&b));
        let once = words.iter().filter(|(_, hits)| *hits == 1).count() as f64;
        let hits: u64 = words.iter().map(|(_, hits)| hits).sum();
        let flag = |holds: bool| f64::from(u8::from(holds));
        Self {
            unseen: once / (hits as f64 + UNSEEN_SHRINK),
            fields: flag(by_fields) * count.ln(),
            values: likeness.map_or(0.0, |likeness| match (alike(likeness), likeness.fields) {
                (Some(_), Some(_)) => 1.0,
                (Some(_), None) => 0.5,
                (None, _) => -1.0,
            }),
            digits: share(&|word| word.bytes().any(|byte| byte.is_ascii_digit())),
            capitals: share(&|word| word.bytes().any(|byte| byte.is_ascii_uppercase())),
            dots: share(&any(b".:@")),
            dashes: share(&any(b"-_")),
            plurals: share(&super::words::is_plural),
            after_plural: flag(place.after_plural),
            answers: flag(place.answers),
            after_parameter: flag(place.after_parameter),
            after_root: flag(place.after_root),
            majority: count / siblings.max(1) as f64,
            many: (siblings.max(1) as f64).ln(),
        }
    }

    /// Log odds that the words are values of one parameter: above 0 they are taken for it. The
    /// weights are a logistic regression over generated traffic of 21 public API descriptions,
    /// with bodies and without, every API counted alike.
    pub(super) fn weigh(&self) -> f64 {
        -5.6 + 8.2 * self.unseen
            + 0.6 * self.fields
            + 1.2 * self.values
            + 0.5 * self.digits
            + 1.1 * self.capitals
            + 0.3 * self.dots
            + 0.9 * self.dashes
            - 2.6 * self.plurals
            + 1.4 * self.after_plural
            + 0.9 * self.answers
            - 0.8 * self.after_parameter
            - 2.4 * self.after_root
            + 1.5 * self.majority
            + 1.0 * self.many
    }
}
