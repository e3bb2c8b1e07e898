//! Numbers that look drawn by lot and are the same whenever the seed is.

use std::ops::Range;

/// SplitMix64, the generator of Steele, Lea and Flood (OOPSLA 2014): one addition and one mix for
/// a number. Good enough for a play, of no use for a secret.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

impl Random {
    /// The stream of the `number`-th of what is called `name`. Streams of different names or
    /// numbers have nothing in common, so that one visitor's choices do not shift another's.
    pub(super) fn stream(seed: u64, name: &str, number: usize) -> Self {
        let mut stream = Self(seed);
        for byte in name.bytes() {
            stream.0 = stream.next() ^ u64::from(byte);
        }
        stream.0 = stream.next() ^ number as u64;
        stream
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// A number of the range.
    pub(super) fn within(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.len())
    }

    /// True in so many of a hundred cases.
    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of a table that is not empty.
    pub(super) fn pick<'t, T>(&mut self, table: &'t [T]) -> &'t T {
        &table[self.below(table.len())]
    }

    /// One of a table of words that is not empty.
    pub(super) fn word(&mut self, table: &[&'static str]) -> &'static str {
        table[self.below(table.len())]
    }

    /// One of a table of weights and things, of which at least one weighs something.
    pub(super) fn weighted<T: Copy>(&mut self, table: &[(usize, T)]) -> T {
        let mut left = self.below(table.iter().map(|(weight, _)| weight).sum());
        for (weight, thing) in table {
            match left.checked_sub(*weight) {
                Some(rest) => left = rest,
                None => return *thing,
            }
        }
        table[0].1
    }

    /// Letters and digits, as in opaque ids.
    pub(super) fn code(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(*self.pick(LETTERS))).collect()
    }

    /// A UUID of version 4.
    pub(super) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        let (high, low) = (high & !0xf000 | 0x4000, low & !(3 << 62) | 1 << 63);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xffff,
            low >> 48,
            low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// The first numbers of seed 1234567, as Rosetta Code lists them for SplitMix64.
    #[test]
    fn numbers_are_those_of_the_published_generator() {
        let mut random = Random(1_234_567);
        let published: [u64; 5] = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(published.map(|_| random.next()), published);
    }
}
