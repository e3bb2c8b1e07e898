//! Values as people read them: hostile text made visible, numbers and times made short.

use std::fmt;

use exchange::moment::Moment;

/// Characters of one text that a page shows; what is longer is cut, with the number of the rest.
const CHARACTERS_MAX: usize = 1_024;

/// The same for one row of a list.
const BRIEF_CHARACTERS_MAX: usize = 200;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Text that may come from traffic, fit to be shown: characters that are invisible or that
/// reorder others are spelled out. The template escapes it like any other text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shown(String);

impl Shown {
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::cut(&text.to_string(), CHARACTERS_MAX)
    }

    /// The same, cut shorter: for rows of lists, behind which a page has more.
    pub(crate) fn brief(text: impl fmt::Display) -> Self {
        Self::cut(&text.to_string(), BRIEF_CHARACTERS_MAX)
    }

    fn cut(text: &str, characters_max: usize) -> Self {
        let mut out = String::with_capacity(text.len().min(characters_max));
        let mut rest = text.chars();
        for character in rest.by_ref().take(characters_max) {
            if is_deceptive(character) {
                out.push_str(&format!("⟨U+{:04X}⟩", u32::from(character)));
            } else {
                out.push(character);
            }
        }
        match rest.count() {
            0 => {}
            more => out.push_str(&format!("… (+{})", count(more as u64))),
        }
        Self(out)
    }

    /// Text of several lines, whose line breaks stay.
    pub(crate) fn lines(text: &str) -> Self {
        let lines: Vec<_> = text.lines().map(|line| Self::new(line).0).collect();
        Self(lines.join("\n"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// True for what a reader cannot see or would be misled by: controls, bidirectional overrides,
/// zero-width characters, separators of lines, variation selectors, tags and private use.
const fn is_deceptive(character: char) -> bool {
    matches!(
        character as u32,
        0x00..=0x1f
            | 0x7f..=0xa0
            | 0xad
            | 0x034f
            | 0x061c
            | 0x115f..=0x1160
            | 0x17b4..=0x17b5
            | 0x180b..=0x180f
            | 0x2000..=0x200f
            | 0x2028..=0x202f
            | 0x205f..=0x206f
            | 0x3000
            | 0x3164
            | 0xe000..=0xf8ff
            | 0xfe00..=0xfe0f
            | 0xfeff
            | 0xffa0
            | 0xfff0..=0xfffb
            | 0xe0000..=0xe0fff
            | 0xf0000..=0x10ffff
    )
}

/// `1,840,213`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1.84 M`: three digits that matter, exact below ten thousand.
pub(crate) fn compact(number: u64) -> String {
    let (unit, name) = match number {
        0..10_000 => return count(number),
        10_000..1_000_000 => (1e3, "k"),
        1_000_000..1_000_000_000 => (1e6, "M"),
        _ => (1e9, "G"),
    };
    let scaled = number as f64 / unit;
    let decimals = if scaled < 10.0 { 2 } else { usize::from(scaled < 100.0) };
    format!("{scaled:.decimals$} {name}")
}

/// `9.6 %`, and never `100 %` or `0 %` for what is not quite.
pub(crate) fn share(part: f64) -> String {
    let percent = part * 100.0;
    match percent {
        _ if percent <= 0.0 => "0 %".to_owned(),
        _ if percent >= 100.0 => "100 %".to_owned(),
        _ if percent < 0.1 => "< 0.1 %".to_owned(),
        _ if percent > 99.9 => "> 99.9 %".to_owned(),
        _ if percent < 10.0 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

/// `part` of `whole`; a dash where there is no whole.
pub(crate) fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 { "–".to_owned() } else { share(part as f64 / whole as f64) }
}

/// How long before `now`: `4 s`, `12 min`, `3 h`, `5 d`.
pub(crate) fn ago(now: Moment, then: Moment) -> String {
    let seconds = (now.micros_since(then) / MICROS_PER_SECOND).max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A moment as a page shows it: exact for machines and on hovering, short for readers.
#[derive(Clone, Debug)]
pub(crate) struct When {
    pub(crate) exact: String,
    pub(crate) ago: String,
}

impl When {
    pub(crate) fn new(now: Moment, then: Moment) -> Self {
        Self { exact: then.to_string(), ago: ago(now, then) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceptive_characters_are_spelled_out() {
        let cases = [
            ("/orders/{id}", "/orders/{id}"),
            ("a\u{202e}txt.exe", "a⟨U+202E⟩txt.exe"),
            ("a\0b\u{7f}", "a⟨U+0000⟩b⟨U+007F⟩"),
            ("zero\u{200b}width\u{feff}", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
            ("no\u{a0}break\u{ad}", "no⟨U+00A0⟩break⟨U+00AD⟩"),
            ("tag\u{e0041}", "tag⟨U+E0041⟩"),
            ("naïve 日本 😀 עברית", "naïve 日本 😀 עברית"),
        ];
        for (text, expected) in cases {
            assert_eq!(Shown::new(text).as_str(), expected);
        }
        let long = Shown::new("x".repeat(2_048));
        assert!(long.as_str().ends_with("x… (+1,024)"));
        assert_eq!(cases.len(), 7);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([count(0), count(999), count(1_840_213)], ["0", "999", "1,840,213"]);
        let numbers = [9_999, 10_000, 184_220, 1_840_213, 2_000_000_000];
        let short = ["9,999", "10.0 k", "184 k", "1.84 M", "2.00 G"];
        assert_eq!(numbers.map(compact), short.map(str::to_owned));
        let shares = [0.0, 0.0004, 0.096, 0.61, 0.9995, 1.0];
        let words = ["0 %", "< 0.1 %", "9.6 %", "61 %", "> 99.9 %", "100 %"];
        assert_eq!(shares.map(share), words.map(str::to_owned));
    }
}
