//! Check digits and structures of numbers that states, banks and cards use. Each takes digits as
//! values from 0 to 9.

/// Digits of a text, as values, without what separates them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits {
    values: [u8; Self::MAX],
    length: usize,
}

impl Digits {
    const MAX: usize = 20;

    /// The digits of `text`; `None` when there are more than any number here has.
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let mut digits = Self { values: [0; Self::MAX], length: 0 };
        for byte in text.iter().filter(|byte| byte.is_ascii_digit()) {
            *digits.values.get_mut(digits.length)? = byte - b'0';
            digits.length += 1;
        }
        Some(digits)
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.values[..self.length]
    }
}

/// The number that digits write.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

/// Weighted sum of as many digits as there are weights.
fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// ISO/IEC 7812-1 annex B.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| match (at % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Whether a card network issues numbers with this beginning and length (published ranges).
pub(super) fn issued(digits: &[u8]) -> bool {
    let Some(front) = digits.get(..4).map(number) else { return false };
    let length = digits.len();
    match front {
        4000..=4999 => matches!(length, 13 | 16 | 19),
        5100..=5599 | 2221..=2720 => length == 16,
        3400..=3499 | 3700..=3799 => length == 15,
        6011 | 6440..=6499 | 6500..=6599 => (16..=19).contains(&length),
        3000..=3059 | 3600..=3699 | 3800..=3999 => (14..=19).contains(&length),
        3528..=3589 => (16..=19).contains(&length),
        6200..=6299 => (16..=19).contains(&length),
        5000..=5099 | 5600..=5899 | 6300..=6399 | 6700..=6799 => (12..=19).contains(&length),
        _ => false,
    }
}

/// Area, group and serial numbers that the United States have ever given out.
pub(super) fn ssn(digits: &[u8]) -> bool {
    let [a, b, c, d, e, serial @ ..] = digits else { return false };
    let area = number(&[*a, *b, *c]);
    digits.len() == 9
        && area != 0
        && area != 666
        && area < 900
        && number(&[*d, *e]) != 0
        && number(serial) != 0
        && !repeated(digits)
        && number(digits) != 123_456_789
}

/// True when all digits are the same, as in forms that were never filled in.
pub(super) fn repeated(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair[0] == pair[1])
}

/// Bank routing numbers: weights 3, 7, 1, and one of the ranges of the Federal Reserve.
pub(super) fn aba(digits: &[u8]) -> bool {
    digits.len() == 9
        && matches!(number(&digits[..2]), 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

/// Canada: Luhn over nine digits; 0 and 8 are not given to persons.
pub(super) fn sin(digits: &[u8]) -> bool {
    digits.len() == 9 && !matches!(digits[0], 0 | 8) && luhn(digits)
}

/// The Netherlands: the eleven-test, whose last weight is negative.
pub(super) fn bsn(digits: &[u8]) -> bool {
    digits.len() == 9
        && !repeated(digits)
        && weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
}

/// Modulus 11 of the National Health Service.
pub(super) fn nhs(digits: &[u8]) -> bool {
    digits.len() == 10
        && !repeated(digits)
        && weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Luhn over the number behind the prefix 80840, which adds 24 to the sum.
pub(super) fn npi(digits: &[u8]) -> bool {
    if digits.len() != 10 || !matches!(digits[0], 1 | 2) {
        return false;
    }
    let mut prefixed = [8, 0, 8, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    prefixed[5..].copy_from_slice(digits);
    luhn(&prefixed)
}

/// Brazil: two check digits modulo 11.
pub(super) fn cpf(digits: &[u8]) -> bool {
    let check = |length: usize| {
        let weights = (2..=length as u32 + 1).rev();
        let sum: u32 = digits.iter().zip(weights).map(|(d, weight)| u32::from(*d) * weight).sum();
        (sum * 10 % 11 % 10) as u8
    };
    digits.len() == 11 && !repeated(digits) && check(9) == digits[9] && check(10) == digits[10]
}

/// Poland: weights 1, 3, 7, 9, and a date whose month carries the century.
pub(super) fn pesel(digits: &[u8]) -> bool {
    if digits.len() != 11 || repeated(digits) {
        return false;
    }
    let (month, day) = (number(&digits[2..4]) % 20, number(&digits[4..6]));
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Germany: ISO 7064 modulus 11, 10; among the first ten digits one or two repeat, one is missing.
pub(super) fn steuer_id(digits: &[u8]) -> bool {
    if digits.len() != 11 || digits[0] == 0 {
        return false;
    }
    let mut seen = [0_u8; 10];
    let mut product = 10_u32;
    for digit in &digits[..10] {
        seen[usize::from(*digit)] += 1;
        let sum = (u32::from(*digit) + product) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    let twice = seen.iter().filter(|count| **count == 2).count();
    let thrice = seen.iter().filter(|count| **count == 3).count();
    let fits = seen.iter().all(|count| *count <= 3) && twice + thrice == 1;
    fits && (11 - product) % 10 == u32::from(digits[10])
}

/// India: Verhoeff's scheme over twelve digits; 0 and 1 do not begin a number.
pub(super) fn aadhaar(digits: &[u8]) -> bool {
    digits.len() == 12 && digits[0] > 1 && !repeated(digits) && verhoeff(digits)
}

/// Verhoeff 1969: the dihedral group of ten elements, and a permutation by place.
fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTE: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    // rotations are 0 to 4, reflections 5 to 9
    let multiply = |a: u8, b: u8| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let sum = digits.iter().rev().enumerate().fold(0, |sum, (at, digit)| {
        let placed = (0..at % 8).fold(*digit, |value, _| PERMUTE[usize::from(value)]);
        multiply(sum, placed)
    });
    sum == 0
}

/// Sweden: a date (or one with 60 added to its day), and Luhn over ten digits.
pub(super) fn personnummer(digits: &[u8]) -> bool {
    let ten = match digits.len() {
        10 => digits,
        12 if matches!(number(&digits[..2]), 19 | 20) => &digits[2..],
        _ => return false,
    };
    let (month, day) = (number(&ten[2..4]), number(&ten[4..6]));
    let day = if day > 60 { day - 60 } else { day };
    (1..=12).contains(&month) && (1..=31).contains(&day) && luhn(ten)
}

/// France: sex, year, month, place, order, and a key modulo 97 (all in digits; Corsica's letters
/// are not read).
pub(super) fn nir(digits: &[u8]) -> bool {
    digits.len() == 15
        && matches!(digits[0], 1 | 2)
        && matches!(number(&digits[3..5]), 1..=12 | 20 | 30..=42 | 50..=99)
        && number(&digits[13..]) == 97 - number(&digits[..13]) % 97
}

/// Spain: eight digits (or a letter and seven) modulo 23 choose the last letter.
pub(super) fn dni(text: &[u8]) -> bool {
    let [first, middle @ .., letter] = text else { return false };
    if middle.len() != 7 || !middle.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let lead = match first {
        b'0'..=b'9' => u64::from(first - b'0'),
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    let rest = middle.iter().fold(lead, |sum, byte| sum * 10 + u64::from(byte - b'0'));
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(rest % 23) as usize] == *letter
}

/// Italy: sixteen characters, letters and digits in their places, and a check letter.
pub(super) fn codice_fiscale(text: &[u8]) -> bool {
    /// What characters at odd places (counted from 1) add, by digit or letter.
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    const PLACES: &[u8; 16] = b"AAAAAA00A00A000A";
    let fits = text.len() == 16
        && text.iter().zip(PLACES).all(|(byte, place)| match place {
            b'A' => byte.is_ascii_uppercase(),
            // digits may be written as letters where two persons would share a code
            _ => byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte),
        })
        && b"ABCDEHLMPRST".contains(&text[8]);
    if !fits {
        return false;
    }
    let value = |byte: u8| usize::from(if byte <= b'9' { byte - b'0' } else { byte - b'A' });
    let sum: u32 = text[..15]
        .iter()
        .enumerate()
        .map(|(at, byte)| if at % 2 == 0 { ODD[value(*byte)] } else { value(*byte) as u32 })
        .sum();
    text[15] == b'A' + (sum % 26) as u8
}

/// Britain: two letters from those in use, six digits, and a suffix from A to D.
pub(super) fn nino(text: &[u8]) -> bool {
    let [a, b, digits @ .., suffix] = text else { return false };
    digits.len() == 6
        && digits.iter().all(u8::is_ascii_digit)
        && a.is_ascii_uppercase()
        && b.is_ascii_uppercase()
        && !b"DFIQUV".contains(a)
        && !b"DFIOQUV".contains(b)
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&[*a, *b])
        && matches!(suffix, b'A'..=b'D')
}

/// ISO 13616: country, length and modulus 97, for an account number without spaces.
pub(super) fn iban(text: &[u8]) -> bool {
    let [a, b, c, d, account @ ..] = text else { return false };
    let Some(length) = iban_length([*a, *b]) else { return false };
    if text.len() != length || !c.is_ascii_digit() || !d.is_ascii_digit() {
        return false;
    }
    let mut rest = 0_u32;
    for byte in account.iter().chain(&text[..4]) {
        rest = match byte {
            b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
            b'A'..=b'Z' => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
            _ => return false,
        };
    }
    rest == 1
}

/// Lengths from the IBAN registry.
pub(super) fn iban_length(country: [u8; 2]) -> Option<usize> {
    const LENGTHS: &[(usize, &str)] = &[
        (15, "NO"),
        (16, "BE"),
        (18, "DK FI FK FO GL NL SD"),
        (19, "MK SI"),
        (20, "AT BA EE KZ LT LU MN XK"),
        (21, "CH CR HR LI LV"),
        (22, "BG BH DE GB GE IE ME RS VA"),
        (23, "AE GI IL IQ OM SO TL"),
        (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
        (25, "LY PT ST"),
        (26, "IS TR"),
        (27, "BI DJ FR GR IT MC MR SM"),
        (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
        (29, "BR EG PS QA UA"),
        (30, "JO KW MU YE"),
        (31, "MT SC"),
        (32, "LC"),
        (33, "RU"),
    ];
    LENGTHS
        .iter()
        .find(|(_, countries)| countries.as_bytes().chunks(3).any(|code| code[..2] == country))
        .map(|(length, _)| *length)
}
