//! Sensitive data in a named value. What a value is decides first; a name makes certain what a
//! value alone cannot: eleven digits are a number of many things, under `pesel` with the right
//! check digit they are a person. Masked values are not data.
//!
//! One value says little: every tenth number passes Luhn's test. Whoever needs to be sure counts
//! how many values of a field were recognised.

mod check;
mod crypto;
mod digits;
mod name;
mod network;
mod person;
mod secret;
mod text;

#[cfg(test)]
mod tests;

use exchange::data_class::DataClass;
use exchange::kind::ValueKind;
pub(crate) use text::scan_text;

pub(crate) use name::Hint;

/// Bytes up to which a value is looked at as one value; longer ones are text.
const VALUE_BYTES_MAX: usize = 256;

/// What sensitive data the value of a field is.
pub(crate) fn classify(name: &str, value: &str) -> Option<DataClass> {
    classify_under(|| Hint::of(name), value)
}

/// True for values of a kind that is nothing under any name, as [`Summary::is_plain`] would tell
/// from their bytes.
pub(crate) fn is_harmless(kind: ValueKind, text: &str) -> bool {
    match kind {
        ValueKind::Uuid => true,
        ValueKind::DateTime => Summary::is_recent(text.as_bytes()),
        _ => false,
    }
}

/// The same for a name that may already have been read.
pub(crate) fn classify_under(hint: impl FnOnce() -> Hint, value: &str) -> Option<DataClass> {
    let value = value.trim_ascii();
    if value.len() < 2 {
        return None;
    }
    if value.len() > VALUE_BYTES_MAX {
        return text::first(value.as_bytes());
    }
    let sum = Summary::of(value.as_bytes());
    if sum.is_plain(value.as_bytes()) {
        return None;
    }
    if sum.has(Summary::WIDE) && needs_folding(value) {
        let folded = fold(value);
        return one(&folded, &Summary::of(folded.as_bytes()), hint());
    }
    one(value, &sum, hint())
}

/// Classifies a value of at most [`VALUE_BYTES_MAX`] bytes.
fn one(value: &str, sum: &Summary, hint: Hint) -> Option<DataClass> {
    let bytes = value.as_bytes();
    let length = bytes.len();
    if sum.digits == length {
        return digits::bare(bytes, hint);
    }
    if is_masked(bytes, sum) {
        return None;
    }
    if sum.letters == length && length < 16 {
        return person::named(value, hint);
    }
    let separators = Summary::SPACE
        | Summary::DASH
        | Summary::POINT
        | Summary::SLASH
        | Summary::PARENTHESIS
        | Summary::PLUS;
    if sum.letters == 0 && sum.flags & !separators == 0 && sum.digits > 0 {
        let address = if sum.has(Summary::POINT) { network::ipv4(value, hint) } else { None };
        return address.or_else(|| digits::grouped(bytes, hint));
    }
    if let Some(class) = by_form(value, sum, hint) {
        return Some(class);
    }
    person::named(value, hint).or_else(|| {
        // whatever can be told by its form alone has a digit or a mark in it
        let told = sum.digits > 0 || sum.has(Summary::AT);
        let text = told && (sum.has(Summary::SPACE | Summary::AT) || length > 64);
        text.then(|| text::first(bytes)).flatten()
    })
}

/// Values whose form says what they are.
fn by_form(value: &str, sum: &Summary, hint: Hint) -> Option<DataClass> {
    let bytes = value.as_bytes();
    if sum.has(Summary::AT) {
        if is_email(bytes) {
            return Some(DataClass::Email);
        }
        if secret::is_connection_string(bytes) {
            return Some(DataClass::ConnectionString);
        }
    }
    if sum.has(Summary::EQUALS) && secret::is_connection_string(bytes) {
        return Some(DataClass::ConnectionString);
    }
    if network::is_mac(bytes) {
        return Some(DataClass::Mac);
    }
    if sum.has(Summary::COLON)
        && let Some(class) = network::ipv6(value)
    {
        return Some(class);
    }
    if sum.has(Summary::SPACE) {
        return spaced(bytes, hint);
    }
    if bytes.len() >= 9 && sum.digits > 0 {
        let coded = person::coded(bytes, hint);
        let told = coded.or_else(|| check::iban(bytes).then_some(DataClass::Iban));
        if told.is_some() {
            return told;
        }
    }
    crypto::address(bytes).or_else(|| secret::token(bytes))
}

/// Accounts and insurance numbers as they are printed, in groups.
fn spaced(text: &[u8], hint: Hint) -> Option<DataClass> {
    let mut joined = [0_u8; 34];
    let mut length = 0;
    for byte in text.iter().filter(|byte| !matches!(byte, b' ' | b'-')) {
        *joined.get_mut(length)? = *byte;
        length += 1;
    }
    let joined = &joined[..length];
    if check::iban(joined) {
        return Some(DataClass::Iban);
    }
    if check::nino(joined) {
        return Some(DataClass::Nino);
    }
    person::coded(joined, hint)
}

/// A mailbox; `logo@2x.png` names a file.
fn is_email(text: &[u8]) -> bool {
    let host = text.rsplit(|byte| *byte == b'@').next().unwrap_or_default();
    let scale = matches!(host, [b'1'..=b'9', b'x', b'.', ..]);
    !scale && ValueKind::of(text) == ValueKind::Email
}

/// Stars, dots or a row of `x` in place of what was hidden.
fn is_masked(text: &[u8], sum: &Summary) -> bool {
    const BULLET: &[u8] = "•".as_bytes();
    let stars = sum.has(Summary::STAR) && memchr::memmem::find(text, b"**").is_some();
    let bullets = sum.has(Summary::WIDE) && memchr::memmem::find(text, BULLET).is_some();
    let rows = memchr::memchr2_iter(b'x', b'X', text)
        .any(|at| text.get(at..at + 3).is_some_and(|row| row.eq_ignore_ascii_case(b"xxx")));
    stars || bullets || rows
}

/// True where digits of other widths, or spaces that are not seen, may hide a number.
fn needs_folding(value: &str) -> bool {
    value.chars().any(|letter| {
        matches!(letter, '０'..='９' | '\u{a0}' | '\u{200b}'..='\u{200d}' | '\u{2007}'..='\u{2012}'
            | '\u{202f}' | '\u{2060}' | '\u{feff}' | '＠' | '．' | '－')
    })
}

fn fold(value: &str) -> String {
    value
        .chars()
        .filter_map(|letter| match letter {
            '０'..='９' => char::from_u32(letter as u32 - '０' as u32 + '0' as u32),
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => None,
            '\u{a0}' | '\u{2007}'..='\u{200a}' | '\u{202f}' => Some(' '),
            '\u{2010}'..='\u{2012}' | '－' => Some('-'),
            '＠' => Some('@'),
            '．' => Some('.'),
            other => Some(other),
        })
        .collect()
}

/// What bytes a value of at most 64 KiB is made of, from one pass.
struct Summary {
    digits: usize,
    letters: usize,
    flags: u16,
}

impl Summary {
    const DIGIT: u16 = 1;
    const LETTER: u16 = 1 << 1;
    const SPACE: u16 = 1 << 2;
    const DASH: u16 = 1 << 3;
    const POINT: u16 = 1 << 4;
    const SLASH: u16 = 1 << 5;
    const PARENTHESIS: u16 = 1 << 6;
    const PLUS: u16 = 1 << 7;
    const AT: u16 = 1 << 8;
    const COLON: u16 = 1 << 9;
    const STAR: u16 = 1 << 10;
    const UNDERSCORE: u16 = 1 << 11;
    const EQUALS: u16 = 1 << 12;
    /// A part of a character beyond ASCII.
    const WIDE: u16 = 1 << 13;
    const OTHER: u16 = 1 << 14;

    /// One flag for each byte.
    const TABLE: [u16; 256] = {
        let mut table = [Self::OTHER; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b'0'..=b'9' => Self::DIGIT,
                b'a'..=b'z' | b'A'..=b'Z' => Self::LETTER,
                b' ' => Self::SPACE,
                b'-' => Self::DASH,
                b'.' => Self::POINT,
                b'/' => Self::SLASH,
                b'(' | b')' => Self::PARENTHESIS,
                b'+' => Self::PLUS,
                b'@' => Self::AT,
                b':' => Self::COLON,
                b'*' => Self::STAR,
                b'_' => Self::UNDERSCORE,
                b'=' => Self::EQUALS,
                0x80.. => Self::WIDE,
                _ => Self::OTHER,
            };
            byte += 1;
        }
        table
    };

    fn of(text: &[u8]) -> Self {
        let (mut counts, mut flags) = (0_u32, 0_u16);
        for byte in text {
            let flag = Self::TABLE[usize::from(*byte)];
            // digits are counted in the upper half, letters in the lower
            counts += u32::from(flag & Self::DIGIT) << 16 | u32::from(flag & Self::LETTER) >> 1;
            flags |= flag;
        }
        Self {
            digits: (counts >> 16) as usize,
            letters: (counts & 0xffff) as usize,
            flags: flags & !(Self::DIGIT | Self::LETTER),
        }
    }

    const fn has(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    /// True for 20 to 35 bytes that begin as a date and time of our days do.
    fn is_recent(text: &[u8]) -> bool {
        matches!(text, [b'2', b'0', b'2', _, b'-', _, _, b'-', _, _, b'T' | b' ', ..])
            && (20..=35).contains(&text.len())
    }

    /// True for what is nothing under any name: dates and times of our days, and UUIDs.
    fn is_plain(&self, text: &[u8]) -> bool {
        let dashes = |places: &[usize]| places.iter().all(|at| text[*at] == b'-');
        match text.len() {
            36 => self.flags == Self::DASH && dashes(&[8, 13, 18, 23]),
            20..=35 => Self::is_recent(text),
            19 => dashes(&[4, 7]) && text[10] == b' ' && text.starts_with(b"202"),
            _ => false,
        }
    }
}
