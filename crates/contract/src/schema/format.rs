//! The formats that are checked. Those that occur in every contract are checked here; the rare
//! ones, some of which need tables of Unicode, by the `jsonschema` crate.

use std::fmt;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// A format and how it is checked.
pub(super) struct Format {
    pub(super) name: Box<str>,
    check: Check,
}

enum Check {
    Here(fn(&str) -> bool),
    Elsewhere(Box<Validator>),
}

impl Format {
    /// `None` when nothing is known about a format of this name.
    pub(super) fn new(name: &str) -> Option<Self> {
        let here: Option<fn(&str) -> bool> = match name {
            "byte" => Some(is_base64),
            "date" => Some(|text| is_date(text.as_bytes())),
            "date-time" => Some(is_date_time),
            "uuid" => Some(is_uuid),
            _ => None,
        };
        let check = match here {
            Some(check) => Check::Here(check),
            None if is_known(name) => {
                let built = options().build(&json!({ "format": name })).ok()?;
                Check::Elsewhere(Box::new(built))
            }
            None => return None,
        };
        Some(Self { name: name.into(), check })
    }

    pub(super) fn allows(&self, text: &str) -> bool {
        match &self.check {
            Check::Here(check) => check(text),
            Check::Elsewhere(validator) => validator.is_valid(&Value::String(text.to_owned())),
        }
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// True when strings are checked against the format of this name.
pub(super) fn is_known(name: &str) -> bool {
    name == "byte" || options().is_known_format(Draft::Draft202012, name)
}

fn options() -> jsonschema::ValidationOptions<'static> {
    jsonschema::options().offline().with_draft(Draft::Draft202012).should_validate_formats(true)
}

/// RFC 4648 section 4, the format `byte` of OpenAPI.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && text.len() - body.len() <= 2 && body.bytes().all(letter)
}

/// RFC 9562 section 4.
fn is_uuid(text: &str) -> bool {
    let fits = |(index, byte): (usize, u8)| match index {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

/// The number that these bytes are, if all are digits.
fn digits(bytes: &[u8]) -> Option<u32> {
    bytes
        .iter()
        .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// `full-date` of RFC 3339 section 5.6, with the days that the month has.
fn is_date(text: &[u8]) -> bool {
    let &[_, _, _, _, b'-', _, _, b'-', _, _] = text else { return false };
    let (Some(year), Some(month), Some(day)) =
        (digits(&text[..4]), digits(&text[5..7]), digits(&text[8..]))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// `date-time` of RFC 3339 section 5.6; a leap second only where UTC may have one.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(date), Some(separator), Some(time)) =
        (bytes.get(..10), bytes.get(10), bytes.get(11..))
    else {
        return false;
    };
    is_date(date) && matches!(separator, b'T' | b't') && is_time(time)
}

fn is_time(text: &[u8]) -> bool {
    let &[_, _, b':', _, _, b':', _, _, ref rest @ ..] = text else { return false };
    let (Some(hour), Some(minute), Some(second)) =
        (digits(&text[..2]), digits(&text[3..5]), digits(&text[6..8]))
    else {
        return false;
    };
    let zone = match rest {
        [b'.', fraction @ ..] => {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 {
                return false;
            }
            &fraction[length..]
        }
        _ => rest,
    };
    let offset = match zone {
        [b'Z' | b'z'] => 0,
        &[sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (Some(hours), Some(minutes)) = (digits(&zone[1..3]), digits(&zone[4..])) else {
                return false;
            };
            if hours > 23 || minutes > 59 {
                return false;
            }
            let minutes = hours * 60 + minutes;
            if sign == b'+' { 24 * 60 - minutes } else { minutes }
        }
        _ => return false,
    };
    let utc = (hour * 60 + minute + offset) % (24 * 60);
    hour <= 23 && minute <= 59 && (second <= 59 || second == 60 && utc == 23 * 60 + 59)
}
