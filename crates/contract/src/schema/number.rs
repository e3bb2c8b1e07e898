//! Numbers as they are written, compared exactly: `1.0` is `1`, and no digit of a large integer
//! is lost. What a double cannot hold is refused before it comes here.

use std::cmp::Ordering;

/// Digits that always fit into the mantissa of [`Number::Small`].
const SMALL_DIGITS_MAX: usize = 18;

/// A decimal number without zeros at either end of its digits, so that equal numbers are equal
/// values of this type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Number {
    /// `mantissa × 10^exponent`.
    Small { mantissa: i64, exponent: i64 },
    /// The same with more digits, most significant first.
    Large { negative: bool, digits: Box<[u8]>, exponent: i64 },
}

/// What a number must be a multiple of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Divisor {
    mantissa: u64,
    exponent: i64,
}

impl Number {
    /// Reads a number in the grammar of JSON.
    pub(super) fn read(text: &str) -> Self {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (digits, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, read_exponent(exponent)),
            None => (unsigned, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent = exponent.saturating_sub(length(fraction));
        if whole.len() + fraction.len() <= SMALL_DIGITS_MAX {
            let digits = whole.bytes().chain(fraction.bytes());
            let magnitude = digits.fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
            return small(if negative { -magnitude } else { magnitude }, exponent);
        }
        let mut digits: Vec<u8> =
            whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        let trailing = digits.iter().rev().take_while(|digit| **digit == 0).count();
        digits.truncate(digits.len() - trailing);
        let exponent = exponent.saturating_add(i64::try_from(trailing).unwrap_or(i64::MAX));
        if digits.len() <= SMALL_DIGITS_MAX {
            let magnitude = digits.iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(*digit));
            return small(if negative { -magnitude } else { magnitude }, exponent);
        }
        Self::Large { negative, digits: digits.into(), exponent }
    }

    /// True when nothing stands behind the decimal point.
    pub(super) fn is_integer(&self) -> bool {
        match self {
            Self::Small { exponent, .. } | Self::Large { exponent, .. } => *exponent >= 0,
        }
    }

    pub(super) fn is_multiple_of(&self, divisor: Divisor) -> bool {
        let (exponent, rest) = match self {
            Self::Small { mantissa: 0, .. } => return true,
            Self::Small { mantissa, exponent } => {
                (*exponent, mantissa.unsigned_abs() % divisor.mantissa)
            }
            Self::Large { digits, exponent, .. } => {
                let rest = digits.iter().fold(0_u128, |rest, digit| {
                    (rest * 10 + u128::from(*digit)) % u128::from(divisor.mantissa)
                });
                (*exponent, u64::try_from(rest).unwrap_or(u64::MAX))
            }
        };
        // the digits do not end with a zero, so they hold no power of ten
        let Ok(shift) = u64::try_from(exponent.saturating_sub(divisor.exponent)) else {
            return false;
        };
        let modulus = u128::from(divisor.mantissa);
        (u128::from(rest) * power_of_ten(shift, modulus)).is_multiple_of(modulus)
    }

    /// Sign and digits, and the position of the decimal point relative to the first digit.
    fn parts(&self) -> (bool, Vec<u8>, i64) {
        match self {
            Self::Small { mantissa, exponent } => {
                let digits = mantissa.unsigned_abs().to_string().into_bytes();
                let digits: Vec<u8> = digits.into_iter().map(|digit| digit - b'0').collect();
                let point = exponent.saturating_add(i64::try_from(digits.len()).unwrap_or(0));
                (*mantissa < 0, digits, point)
            }
            Self::Large { negative, digits, exponent } => {
                let point = exponent.saturating_add(i64::try_from(digits.len()).unwrap_or(0));
                (*negative, digits.to_vec(), point)
            }
        }
    }

    /// Appends what is the same for equal numbers only.
    pub(super) fn write_canonical(&self, out: &mut Vec<u8>) {
        let (negative, digits, point) = self.parts();
        out.push(if negative { b'-' } else { b'+' });
        out.extend(digits.iter().map(|digit| digit + b'0'));
        out.push(b'@');
        out.extend_from_slice(point.to_string().as_bytes());
        out.push(b';');
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (
            Self::Small { mantissa: left, exponent: left_exponent },
            Self::Small { mantissa: right, exponent: right_exponent },
        ) = (self, other)
        {
            if left.signum() != right.signum() || *left == 0 || left_exponent == right_exponent {
                return left.cmp(right);
            }
            let shift = left_exponent.abs_diff(*right_exponent);
            if let Some(factor) = u32::try_from(shift).ok().filter(|shift| *shift <= 19) {
                let (left, right) = (i128::from(*left), i128::from(*right));
                let factor = 10_i128.pow(factor);
                return if left_exponent > right_exponent {
                    (left * factor).cmp(&right)
                } else {
                    left.cmp(&(right * factor))
                };
            }
        }
        let (negative, digits, point) = self.parts();
        let (other_negative, other_digits, other_point) = other.parts();
        match (is_zero(&digits), is_zero(&other_digits)) {
            (true, true) => return Ordering::Equal,
            (true, false) if other_negative => return Ordering::Greater,
            (true, false) => return Ordering::Less,
            (false, true) if negative => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        if negative != other_negative {
            return if negative { Ordering::Less } else { Ordering::Greater };
        }
        let magnitude = point.cmp(&other_point).then_with(|| digits.cmp(&other_digits));
        if negative { magnitude.reverse() } else { magnitude }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Divisor {
    /// `None` when the number is not above zero, or has more than 18 digits.
    pub(super) fn new(number: &Number) -> Option<Self> {
        match number {
            Number::Small { mantissa, exponent } if *mantissa > 0 => {
                Some(Self { mantissa: mantissa.unsigned_abs(), exponent: *exponent })
            }
            _ => None,
        }
    }
}

fn is_zero(digits: &[u8]) -> bool {
    digits == [0]
}

fn small(mut mantissa: i64, mut exponent: i64) -> Number {
    if mantissa == 0 {
        return Number::Small { mantissa: 0, exponent: 0 };
    }
    while mantissa % 10 == 0 {
        mantissa /= 10;
        exponent = exponent.saturating_add(1);
    }
    Number::Small { mantissa, exponent }
}

/// An exponent beyond what counts is as good as the largest one.
fn read_exponent(text: &str) -> i64 {
    let far = if text.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
    text.parse().map_or(far, |exponent: i64| exponent.clamp(i64::MIN / 4, i64::MAX / 4))
}

fn length(digits: &str) -> i64 {
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

/// `10^exponent mod modulus`, by squaring; a modulus below 2^63 does not overflow.
fn power_of_ten(mut exponent: u64, modulus: u128) -> u128 {
    let (mut result, mut base) = (1 % modulus, 10 % modulus);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % modulus;
        }
        base = base * base % modulus;
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_value() {
        let rising = [
            "-1e400",
            "-98249283749234923498293171823948729348710298301928331",
            "-2.5",
            "-1",
            "-0.001",
            "0",
            "1e-400",
            "0.5",
            "1",
            "1.5",
            "12990",
            "18446744073709551615",
            "18446744073709551616",
            "972783798187987123879878123.18878137",
            "1e300",
        ];
        let numbers: Vec<_> = rising.iter().map(|text| Number::read(text)).collect();
        for (index, left) in numbers.iter().enumerate() {
            for (other, right) in numbers.iter().enumerate() {
                assert_eq!(left.cmp(right), index.cmp(&other), "{left:?} {right:?}");
            }
        }
        for (left, right) in [("1", "1.0"), ("100", "1e2"), ("-0", "0.0e5"), ("0.10", "1e-1")] {
            assert_eq!(Number::read(left), Number::read(right));
        }
    }

    #[test]
    fn multiples() {
        let cases = [
            ("0.0075", "0.0001", true),
            ("0.00751", "0.0001", false),
            ("35", "1.5", false),
            ("4.5", "1.5", true),
            ("12391239123", "1e-8", true),
            ("1e308", "0.123456789", false),
            ("0", "7", true),
            ("-14", "7", true),
            ("36893488147419103232", "2", true),
            ("36893488147419103233", "2", false),
            ("1.5", "1", false),
        ];
        for (number, divisor, expected) in cases {
            let divisor = Divisor::new(&Number::read(divisor)).unwrap();
            assert_eq!(Number::read(number).is_multiple_of(divisor), expected, "{number}");
        }
    }
}
