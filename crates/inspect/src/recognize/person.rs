//! Names, addresses and other words that only the field's name makes personal.

use exchange::data_class::DataClass;

use super::check;
use super::name::Hint;
use super::secret;

/// What the name promises, if the value can be that. `text` has no mask and is no number.
pub(super) fn named(text: &str, hint: Hint) -> Option<DataClass> {
    let bytes = text.as_bytes();
    let told = |fits: bool, class| fits.then_some(class);
    match hint {
        Hint::Person => told(is_name(text, 2), DataClass::PersonName),
        Hint::GivenName => told(is_name(text, 1), DataClass::PersonName),
        Hint::Address => told(is_address(text), DataClass::Address),
        Hint::Phone => told(is_phone_with_extension(bytes), DataClass::Phone),
        Hint::DateOfBirth => told(is_birth(bytes), DataClass::DateOfBirth),
        Hint::Password if secret::is_password_hash(bytes) || is_digest(bytes) => {
            Some(DataClass::PasswordHash)
        }
        Hint::Password => told(is_password(bytes), DataClass::Password),
        Hint::PasswordHash => {
            told(secret::is_password_hash(bytes) || is_digest(bytes), DataClass::PasswordHash)
        }
        Hint::AwsSecret => told(secret::is_aws_secret(bytes), DataClass::AwsSecretKey),
        Hint::Bic => told(is_bic(bytes), DataClass::Bic),
        Hint::Passport => told(is_passport(bytes), DataClass::Passport),
        Hint::Icd10 => told(is_icd10(bytes), DataClass::Icd10),
        _ => None,
    }
}

/// Words that stand where nothing was filled in.
const NOTHING: [&str; 18] = [
    "anonymous",
    "default",
    "deleted",
    "false",
    "guest",
    "hidden",
    "n/a",
    "nil",
    "none",
    "null",
    "redacted",
    "required",
    "string",
    "system",
    "test",
    "true",
    "undefined",
    "unknown",
];

fn is_nothing(text: &str) -> bool {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric());
    NOTHING.iter().any(|word| bare.eq_ignore_ascii_case(word)) || bare.is_empty()
}

/// One to five words that begin as names do. A given name may be written without a capital, a full
/// name may not: `pending review` is none.
fn is_name(text: &str, usual_words: usize) -> bool {
    const PARTICLES: [&str; 20] = [
        "al", "ap", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos",
        "du", "el", "la", "le", "ten", "van", "von",
    ];
    if !(2..=80).contains(&text.len()) || is_nothing(text) {
        return false;
    }
    let mut words = 0;
    let mut capitals = 0;
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        let fits = word.chars().all(|letter| {
            letter.is_alphabetic()
                || matches!(letter, '\'' | '’' | '-' | '.' | '\u{300}'..='\u{36f}')
        });
        let first = word.chars().next().unwrap_or(' ');
        if !fits || !first.is_alphabetic() {
            return false;
        }
        words += 1;
        let capital = first.is_uppercase() || !first.is_lowercase();
        if capital {
            capitals += 1;
        } else if !PARTICLES.contains(&word) && !word.contains(['\'', '’']) {
            return words == 1 && usual_words == 1 && text.len() == word.len() && word.is_ascii();
        }
    }
    let enough = words >= usual_words || !text.is_ascii();
    (1..=6).contains(&words) && capitals >= 1 && enough
}

/// A house number among words, or a word that streets have.
fn is_address(text: &str) -> bool {
    const STREETS: [&str; 34] = [
        "alley",
        "ave",
        "avenida",
        "avenue",
        "blvd",
        "boulevard",
        "calle",
        "chemin",
        "circle",
        "close",
        "court",
        "cottage",
        "crescent",
        "dr",
        "drive",
        "gasse",
        "highway",
        "lane",
        "ln",
        "parkway",
        "piazza",
        "place",
        "platz",
        "plaza",
        "rd",
        "road",
        "rua",
        "rue",
        "square",
        "st",
        "street",
        "terrace",
        "via",
        "way",
    ];
    const ENDINGS: [&str; 6] = ["allee", "gasse", "straat", "strasse", "straße", "weg"];
    if !(6..=200).contains(&text.len()) || text.contains("://") || text.contains('@') {
        return false;
    }
    let mut words = 0;
    let mut number = false;
    let mut letters = false;
    let mut street = false;
    for word in text.split([' ', ',', '\n', '\r', '.']).filter(|word| !word.is_empty()) {
        words += 1;
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        number |= (1..=6).contains(&digits) && word.len() <= digits + 2;
        letters |= digits == 0 && word.chars().filter(|letter| letter.is_alphabetic()).count() >= 3;
        let lower = word.to_lowercase();
        street |= STREETS.contains(&lower.as_str())
            || ENDINGS.iter().any(|ending| lower.ends_with(ending));
    }
    words >= 2 && letters && (number || street)
}

fn is_phone_with_extension(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(u8::is_ascii_alphabetic) else { return false };
    let (number, extension) = text.split_at(at);
    let extension = extension.to_ascii_lowercase();
    let named = [&b"ext"[..], b"x", b"extension"].iter().any(|word| {
        extension.strip_prefix(*word).is_some_and(|rest| {
            let rest = rest.strip_prefix(b".").unwrap_or(rest).trim_ascii();
            (1..=6).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit)
        })
    });
    let digits = number.iter().filter(|byte| byte.is_ascii_digit()).count();
    named
        && (7..=15).contains(&digits)
        && number.iter().all(|byte| byte.is_ascii_digit() || b" -.()+".contains(byte))
}

/// `1980-02-03T00:00:00Z`, `3 Feb 1980`, `February 3, 1980`.
fn is_birth(text: &[u8]) -> bool {
    if super::digits::begins_with_birth(text) {
        return true;
    }
    const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let mut parts = [0_u64; 2];
    let mut numbers = 0;
    let mut month = false;
    let words = text.split(|byte| matches!(byte, b' ' | b',' | b'-' | b'/' | b'.'));
    for word in words.filter(|word| !word.is_empty()) {
        if word.iter().all(u8::is_ascii_digit) && word.len() <= 4 {
            let Some(part) = parts.get_mut(numbers) else { return false };
            *part = word.iter().fold(0, |sum, byte| sum * 10 + u64::from(byte - b'0'));
            numbers += 1;
        } else {
            let front = word.get(..3).unwrap_or(word).to_ascii_lowercase();
            month = !month && MONTHS.chunks(3).any(|name| name == front);
            if !month {
                return false;
            }
        }
    }
    let [a, b] = parts;
    let (year, day) = (a.max(b), a.min(b));
    month && numbers == 2 && (1900..=2035).contains(&year) && (1..=31).contains(&day)
}

/// Anything that a person may have chosen.
fn is_password(text: &[u8]) -> bool {
    let spaces = text.iter().filter(|byte| **byte == b' ').count();
    let words = std::str::from_utf8(text).unwrap_or_default();
    (4..=128).contains(&text.len())
        && spaces <= 8
        && secret::is_real(text)
        && !is_nothing(words)
        && !words.contains("://")
        && !super::digits::begins_with_birth(text)
}

/// As many hexadecimal digits as common hashes have.
fn is_digest(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 40 | 56 | 64 | 96 | 128) && text.iter().all(u8::is_ascii_hexdigit)
}

/// ISO 9362: bank, country, place, and perhaps branch.
fn is_bic(text: &[u8]) -> bool {
    matches!(text.len(), 8 | 11)
        && text[..6].iter().all(u8::is_ascii_uppercase)
        && text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Six to nine letters and digits, mostly digits, as states print them.
fn is_passport(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    (6..=9).contains(&text.len())
        && digits >= 4
        && text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A letter, two characters, and up to four behind a point (ICD-10-CM has the longest codes).
fn is_icd10(text: &[u8]) -> bool {
    let [chapter, digit, third, rest @ ..] = text else { return false };
    let rest = match rest {
        [] => {
            return chapter.is_ascii_uppercase()
                && digit.is_ascii_digit()
                && third.is_ascii_digit();
        }
        [b'.', rest @ ..] => rest,
        rest => rest,
    };
    chapter.is_ascii_uppercase()
        && digit.is_ascii_digit()
        && (third.is_ascii_digit() || matches!(third, b'A' | b'B'))
        && (1..=4).contains(&rest.len())
        && rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Letters and digits with a check of their own: numbers of Spain, Italy and Britain.
pub(super) fn coded(text: &[u8], hint: Hint) -> Option<DataClass> {
    match text.len() {
        9 if hint != Hint::Plain && check::dni(text) => Some(DataClass::Dni),
        9 if hint != Hint::Plain && check::nino(text) => Some(DataClass::Nino),
        16 if check::codice_fiscale(text) => Some(DataClass::CodiceFiscale),
        _ => None,
    }
}
