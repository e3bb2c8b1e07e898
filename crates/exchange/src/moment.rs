//! A point in time that is handed in, never read: microseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC. Negative values lie before it.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Moment(i64);

const MICROS_PER_SECOND: i64 = 1_000_000;

impl Moment {
    /// The moment this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This moment, later by `micros`.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this moment; negative when it is not earlier.
    #[must_use]
    pub const fn micros_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads `2026-01-15T09:00:00.000Z` and its RFC 3339 relatives: any fraction (cut to
    /// microseconds), `Z` or an offset with or without colon, a space for the `T`.
    #[must_use]
    pub fn parse_rfc3339(text: &[u8]) -> Option<Self> {
        if text.len() < 19 || text[4] != b'-' || text[7] != b'-' || text[13] != b':' {
            return None;
        }
        if !matches!(text[10], b'T' | b't' | b' ') || text[16] != b':' {
            return None;
        }
        let (year, month, day) =
            (digits(&text[0..4])?, digits(&text[5..7])?, digits(&text[8..10])?);
        let seconds = seconds_of_day(&text[11..13], &text[14..16], &text[17..19])?;
        let mut rest = &text[19..];
        let mut micros = 0;
        if let Some((b'.' | b',', fraction)) = rest.split_first() {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if length == 0 {
                return None;
            }
            let kept = length.min(6);
            micros = digits(&fraction[..kept])? * 10_i64.pow(6 - kept as u32);
            rest = &fraction[length..];
        }
        let offset = match rest {
            b"" | b"Z" | b"z" => 0,
            other => offset_seconds(other)?,
        };
        Self::assemble(year, month, day, seconds - offset, micros)
    }

    /// Reads the time of a common or combined access log: `10/Oct/2000:13:55:36 -0700`.
    #[must_use]
    pub fn parse_access_log(text: &[u8]) -> Option<Self> {
        if text.len() < 20 || text[2] != b'/' || text[6] != b'/' || text[11] != b':' {
            return None;
        }
        let month = month_of(&text[3..6])?;
        let (day, year) = (digits(&text[0..2])?, digits(&text[7..11])?);
        let seconds = seconds_of_day(&text[12..14], &text[15..17], &text[18..20])?;
        let offset = match text.get(20) {
            None => 0,
            Some(b' ') => offset_seconds(&text[21..])?,
            Some(_) => return None,
        };
        Self::assemble(year, month, day, seconds - offset, 0)
    }

    fn assemble(year: i64, month: i64, day: i64, seconds: i64, micros: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        Some(Self((days * 86_400 + seconds) * MICROS_PER_SECOND + micros))
    }
}

/// `2026-01-15T09:00:00.000Z`: milliseconds, always UTC.
impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_SECOND);
        let millis = self.0.rem_euclid(MICROS_PER_SECOND) / 1_000;
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn seconds_of_day(hour: &[u8], minute: &[u8], second: &[u8]) -> Option<i64> {
    let (hour, minute, second) = (digits(hour)?, digits(minute)?, digits(second)?);
    // 60 is a leap second
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, rest) = text.split_first()?;
    let (hours, minutes) = match rest {
        [a, b, b':', c, d] | [a, b, c, d] => (digits(&[*a, *b])?, digits(&[*c, *d])?),
        [a, b] => (digits(&[*a, *b])?, 0),
        _ => return None,
    };
    let seconds = hours * 3_600 + minutes * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

fn month_of(name: &[u8]) -> Option<i64> {
    const NAMES: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = NAMES.chunks_exact(3).position(|month| month.eq_ignore_ascii_case(name))?;
    Some(at as i64 + 1)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar, by counting 400-year eras
/// that begin on 1 March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`]: (year, month, day).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}
