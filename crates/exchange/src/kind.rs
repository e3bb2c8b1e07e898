//! What a short text looks like: the hard classes on which redaction, path templates and schemas
//! agree. The list follows what real APIs put into paths (design notes on endpoint discovery).

use serde::{Deserialize, Serialize};

/// What a path segment, parameter or string looks like. All but [`ValueKind::Word`] are values
/// that vary from call to call; a word may be either.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueKind {
    /// `true` or `false`.
    Boolean,
    /// `2026-01-15`.
    Date,
    /// RFC 3339 date and time.
    DateTime,
    /// A fraction or an exponent.
    Decimal,
    /// `name@host.tld`.
    Email,
    /// 12 or more hexadecimal digits with at least one digit among them.
    Hex,
    /// Decimal digits, perhaps with a sign.
    Integer,
    /// IPv4 or IPv6 address.
    Ip,
    /// A word, an underscore or dash, and an id: `cus_9s6XKzkNRiz8i3`, `ORD-48213`.
    Prefixed,
    /// Letters and digits mixed without meaning, or base64 of 16 characters and more.
    Token,
    /// 26 characters of Crockford's base 32 that begin with a plausible time.
    Ulid,
    /// `https://…`.
    Uri,
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// Anything else: a literal, a slug, a name.
    Word,
}

impl ValueKind {
    /// Classifies `text`, which may be any bytes. One pass for the summary, one for the winner;
    /// what its dashes give away needs no summary.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        if let Some(kind) = of_plain(text).or_else(|| of_dashed(text)) {
            return kind;
        }
        let sum = Summary::of(text);
        match text.len() {
            0 => return Self::Word,
            length if sum.digits == length => return Self::Integer,
            _ => {}
        }
        if sum.letters == text.len() {
            return of_letters(text, &sum);
        }
        of_mixed(text, &sum)
    }

    /// True for the classes that are never a literal part of a path.
    #[must_use]
    pub const fn is_value(self) -> bool {
        !matches!(self, Self::Word | Self::Boolean)
    }

    /// `(type, format)` as JSON Schema names them.
    #[must_use]
    pub const fn schema(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Boolean => ("boolean", None),
            Self::Date => ("string", Some("date")),
            Self::DateTime => ("string", Some("date-time")),
            Self::Decimal => ("number", None),
            Self::Email => ("string", Some("email")),
            Self::Integer => ("integer", None),
            Self::Uri => ("string", Some("uri")),
            Self::Uuid => ("string", Some("uuid")),
            Self::Hex | Self::Ip | Self::Prefixed | Self::Token | Self::Ulid | Self::Word => {
                ("string", None)
            }
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "date-time",
            Self::Decimal => "decimal",
            Self::Email => "email",
            Self::Hex => "hex",
            Self::Integer => "integer",
            Self::Ip => "ip",
            Self::Prefixed => "prefixed",
            Self::Token => "token",
            Self::Ulid => "ulid",
            Self::Uri => "uri",
            Self::Uuid => "uuid",
            Self::Word => "word",
        }
    }
}

/// Counts of what the bytes are, from one pass.
#[derive(Default)]
struct Summary {
    digits: usize,
    hex_letters: usize,
    letters: usize,
    /// Places where a digit follows a letter, a letter a digit, or an upper-case letter a
    /// lower-case one.
    turns: usize,
    dashes: usize,
    dots: usize,
    colons: usize,
    at: usize,
    other: usize,
}

impl Summary {
    const DIGIT: u64 = 1;
    const LETTER: u64 = 1 << 8;
    const HEX: u64 = 1 << 16;
    const DASH: u64 = 1 << 24;
    const DOT: u64 = 1 << 32;
    const COLON: u64 = 1 << 40;
    const AT: u64 = 1 << 48;

    /// Bytes that are counted in one sum: a count has eight bits of it.
    const COUNTED: usize = 255;

    /// What a byte adds to the counts.
    const COUNTS: [u64; 256] = {
        let mut table = [0; 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b'0'..=b'9' => Self::DIGIT,
                b'a'..=b'f' | b'A'..=b'F' => Self::LETTER | Self::HEX,
                b'g'..=b'z' | b'G'..=b'Z' => Self::LETTER,
                b'-' | b'_' => Self::DASH,
                b'.' => Self::DOT,
                b':' => Self::COLON,
                b'@' => Self::AT,
                _ => 0,
            };
            byte += 1;
        }
        table
    };

    /// For digits, small and capital letters: the classes that turn into it, one bit for each.
    /// `Ab` is how words begin, so only aB, a1, 1a, 1A and A1 count.
    const TURNS: [(u8, u8); 256] = {
        let (digit, small, capital) = (1, 2, 4);
        let mut table = [(0, 0); 256];
        let mut byte = 0;
        while byte < 256 {
            table[byte] = match byte as u8 {
                b'0'..=b'9' => (digit, small | capital),
                b'a'..=b'z' => (small, digit),
                b'A'..=b'Z' => (capital, digit | small),
                _ => (0, 0),
            };
            byte += 1;
        }
        table
    };

    fn of(text: &[u8]) -> Self {
        let mut sum = Self::default();
        let mut before = 0;
        for part in text.chunks(Self::COUNTED) {
            let mut counts = 0;
            for &byte in part {
                counts += Self::COUNTS[usize::from(byte)];
                let (class, turns) = Self::TURNS[usize::from(byte)];
                sum.turns += usize::from(before & turns != 0);
                before = class;
            }
            sum.add(counts);
        }
        let known = sum.digits + sum.letters + sum.dashes + sum.dots + sum.colons + sum.at;
        sum.other = text.len() - known;
        sum
    }

    fn add(&mut self, counts: u64) {
        let [digits, letters, hex_letters, dashes, dots, colons, at, _] =
            counts.to_le_bytes().map(usize::from);
        self.digits += digits;
        self.letters += letters;
        self.hex_letters += hex_letters;
        self.dashes += dashes;
        self.dots += dots;
        self.colons += colons;
        self.at += at;
    }
}

/// Bytes from which letters alone may be a token.
const TOKEN_LETTERS_LEAST: usize = 16;

/// What most names and many values are: a short word of letters, perhaps with underscores.
fn of_plain(text: &[u8]) -> Option<ValueKind> {
    let plain = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    if text.len() >= TOKEN_LETTERS_LEAST || !text.iter().all(plain) {
        return None;
    }
    Some(if is_boolean(text) { ValueKind::Boolean } else { ValueKind::Word })
}

/// UUIDs and dates.
fn of_dashed(text: &[u8]) -> Option<ValueKind> {
    match text {
        [_, _, _, _, b'-', _, _, b'-', _, _, ..] if is_date(text) => {
            Some(if text.len() == 10 { ValueKind::Date } else { ValueKind::DateTime })
        }
        _ if is_uuid(text) => Some(ValueKind::Uuid),
        _ => None,
    }
}

fn is_boolean(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false")
}

fn of_letters(text: &[u8], sum: &Summary) -> ValueKind {
    if is_boolean(text) {
        return ValueKind::Boolean;
    }
    // camelCase words turn at most every third letter, and have vowels
    let random = text.len() >= TOKEN_LETTERS_LEAST
        && sum.turns * 4 >= text.len()
        && vowels(text) * 5 < text.len();
    if random { ValueKind::Token } else { ValueKind::Word }
}

fn vowels(text: &[u8]) -> usize {
    text.iter().filter(|byte| b"aeiouAEIOU".contains(byte)).count()
}

fn of_mixed(text: &[u8], sum: &Summary) -> ValueKind {
    let length = text.len();
    if sum.at == 1 && is_email(text) {
        return ValueKind::Email;
    }
    if sum.colons >= 1 && sum.other >= 2 && is_uri(text) {
        return ValueKind::Uri;
    }
    if sum.other > 0 {
        return of_marked(text, sum);
    }
    if is_number(text) {
        let whole = sum.dots + sum.letters == 0;
        return if whole { ValueKind::Integer } else { ValueKind::Decimal };
    }
    if sum.dots == 3 && sum.digits + 3 == length || sum.colons >= 2 {
        return if is_ip(text) { ValueKind::Ip } else { ValueKind::Word };
    }
    if sum.digits > 0 && sum.digits + sum.hex_letters == length && length >= 12 {
        return ValueKind::Hex;
    }
    if is_ulid(text) {
        return ValueKind::Ulid;
    }
    if sum.dots + sum.colons == 0 { of_alphanumeric(text, sum) } else { ValueKind::Word }
}

/// Letters, digits, dashes and underscores, with at least one that is not a letter.
fn of_alphanumeric(text: &[u8], sum: &Summary) -> ValueKind {
    if sum.digits == 0 {
        return ValueKind::Word;
    }
    if is_prefixed(text) {
        return ValueKind::Prefixed;
    }
    let length = text.len();
    if sum.dashes == 0 {
        // a mix such as `a8Xk29Qz`; `v2`, `oauth2`, `s3` and `ipv4` turn once and stay words
        let scattered = sum.turns >= 3 && length >= 6 && sum.digits >= 2;
        let digits_rule = length >= 8 && sum.digits >= 4;
        if (scattered || digits_rule) && !is_version(text) {
            return ValueKind::Token;
        }
        return ValueKind::Word;
    }
    let dense = length >= 16 && sum.turns * 3 >= length && sum.digits >= 3;
    if dense { ValueKind::Token } else { ValueKind::Word }
}

/// Contains bytes beyond letters, digits, `-_.:@`: base64, percent escapes, signs.
fn of_marked(text: &[u8], sum: &Summary) -> ValueKind {
    if is_number(text) {
        let fraction = text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        return if fraction { ValueKind::Decimal } else { ValueKind::Integer };
    }
    let base64 = text.len() >= 16
        && (sum.digits >= 2 || text.ends_with(b"="))
        && sum.turns * 4 >= text.len()
        && text.iter().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
        });
    if base64 { ValueKind::Token } else { ValueKind::Word }
}

/// `v1beta1`, `v2alpha`, `v1p1beta1`: versions before the first stable one.
fn is_version(text: &[u8]) -> bool {
    let Some((b'v' | b'V', rest)) = text.split_first() else { return false };
    let mut rest = rest;
    for marker in [&b"p"[..], b"alpha", b"beta", b"rc", b"pre"] {
        rest = split_digits(rest).1;
        rest = rest.strip_prefix(marker).unwrap_or(rest);
    }
    split_digits(rest).1.is_empty()
}

fn is_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (whole, rest) = split_digits(digits);
    if whole.is_empty() {
        return false;
    }
    let rest = match rest.strip_prefix(b".") {
        None => rest,
        Some(fraction) => match split_digits(fraction) {
            ([], _) => return false,
            (_, rest) => rest,
        },
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', exponent)) => {
            let exponent = exponent
                .strip_prefix(b"-")
                .or_else(|| exponent.strip_prefix(b"+"))
                .unwrap_or(exponent);
            let (digits, rest) = split_digits(exponent);
            !digits.is_empty() && rest.is_empty() && digits.len() <= 3
        }
        Some(_) => false,
    }
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text[8] == b'-'
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_ulid(text: &[u8]) -> bool {
    text.len() == 26
        && matches!(text[0], b'0'..=b'7')
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() && !b"ILOUilou".contains(byte))
        && !(text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase))
}

/// `local@label.tld`, as strict as a path or a JSON string needs it.
fn is_email(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b'@') else { return false };
    let (local, host) = (&text[..at], &text[at + 1..]);
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && local[0] != b'.'
        && local
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(byte));
    local_ok && is_domain(host)
}

fn is_domain(host: &[u8]) -> bool {
    if host.len() > 253 || !host.contains(&b'.') {
        return false;
    }
    let mut last: &[u8] = b"";
    for label in host.split(|byte| *byte == b'.') {
        let fine = !label.is_empty()
            && label.len() <= 63
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && label[0] != b'-'
            && label[label.len() - 1] != b'-';
        if !fine {
            return false;
        }
        last = label;
    }
    last.len() >= 2 && last.iter().all(u8::is_ascii_alphabetic) || last.starts_with(b"xn--")
}

fn is_date(text: &[u8]) -> bool {
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return false;
    }
    let number = |part: &[u8]| part.iter().fold(0_u32, |sum, byte| sum * 10 + u32::from(byte & 15));
    let digits = [&text[0..4], &text[5..7], &text[8..10]];
    digits.iter().all(|part| part.iter().all(u8::is_ascii_digit))
        && (1..=12).contains(&number(digits[1]))
        && (1..=31).contains(&number(digits[2]))
        && (text.len() == 10 || crate::moment::Moment::parse_rfc3339(text).is_some())
}

fn is_uri(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b':') else { return false };
    text.len() > at + 3
        && text[at + 1] == b'/'
        && text[at + 2] == b'/'
        && text[0].is_ascii_alphabetic()
        && text[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
}

fn is_ip(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

/// A short word, `_` or `-`, and a rest that no word looks like.
fn is_prefixed(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'_' | b'-')) else { return false };
    let (prefix, rest) = (&text[..at], &text[at + 1..]);
    let named = (1..=10).contains(&prefix.len()) && prefix.iter().all(u8::is_ascii_alphabetic);
    if !named || rest.len() < 3 {
        return false;
    }
    let sum = Summary::of(rest);
    if sum.digits == rest.len() {
        // `ORD-482` and `usr_482` are ids; `route-101` may as well be a literal
        let slug = text[at] == b'-' && prefix.iter().all(u8::is_ascii_lowercase);
        return !slug || rest.len() >= 4;
    }
    if sum.digits + sum.letters + sum.dashes != rest.len() {
        return false;
    }
    // `cus_live_9s6X…`: a second prefix
    if sum.dashes > 0 {
        return is_prefixed(rest);
    }
    rest.len() >= 6 && sum.digits >= 1 && (sum.turns >= 2 || sum.digits * 4 >= rest.len())
}
