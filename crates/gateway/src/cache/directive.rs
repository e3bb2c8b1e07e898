//! `Cache-Control`: directives of requests and responses (RFC 9111 §5.2), read as leniently as a
//! cache may and as strictly as it must.

use std::time::Duration;

use wire::Fields;

/// The largest number of seconds that means anything (RFC 9111 §1.2.2): about 68 years.
pub(crate) const SECONDS_MAX: u64 = 1 << 31;

/// What a request's `Cache-Control`, or else its `Pragma`, asks for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Asks {
    pub(crate) no_cache: bool,
    pub(crate) no_store: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    /// How stale an answer may be; the largest duration where any will do.
    pub(crate) max_stale: Option<Duration>,
}

impl Asks {
    pub(crate) fn of(fields: &Fields) -> Self {
        let mut asks = Self::default();
        let mut any = false;
        for (name, value) in directives(fields) {
            any = true;
            match name.as_slice() {
                b"no-cache" => asks.no_cache = true,
                b"no-store" => asks.no_store = true,
                b"only-if-cached" => asks.only_if_cached = true,
                // an age that cannot be read is taken for the strictest
                b"max-age" => asks.max_age = Some(seconds(&value).unwrap_or_default()),
                b"min-fresh" => asks.min_fresh = seconds(&value),
                b"max-stale" if value.is_empty() => asks.max_stale = Some(Duration::MAX),
                b"max-stale" => asks.max_stale = seconds(&value),
                _ => {}
            }
        }
        if !any {
            let pragma = fields.get_all("pragma").flat_map(|value| value.split(|b| *b == b','));
            asks.no_cache =
                { pragma }.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"no-cache"));
        }
        asks
    }
}

/// All directives of `Cache-Control`: names in lower case, values without their quotes; an empty
/// value for none.
pub(crate) fn directives(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    for value in fields.get_all("cache-control") {
        let mut rest = value;
        while let Some((element, after)) = element(rest) {
            rest = after;
            let at = element.iter().position(|byte| *byte == b'=');
            let (name, value) = match at {
                Some(at) => (&element[..at], element.get(at + 1..).unwrap_or_default()),
                None => (element, &[][..]),
            };
            if !name.is_empty() {
                found.push((name.to_ascii_lowercase(), unquoted(value)));
            }
        }
    }
    found
}

/// Splits off the first element of a list; commas within quotes belong to it.
fn element(list: &[u8]) -> Option<(&[u8], &[u8])> {
    if list.is_empty() {
        return None;
    }
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in list.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                return Some((list[..at].trim_ascii(), list.get(at + 1..).unwrap_or_default()));
            }
            _ => {}
        }
    }
    Some((list.trim_ascii(), &[]))
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut escaped = false;
    inner
        .iter()
        .filter(|byte| {
            escaped = !escaped && **byte == b'\\';
            !escaped
        })
        .copied()
        .collect()
}

/// Seconds, digits only; more than mean anything are the most.
pub(crate) fn seconds(value: &[u8]) -> Option<Duration> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(value).ok()?.parse().unwrap_or(SECONDS_MAX);
    Some(Duration::from_secs(SECONDS_MAX.min(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: &str, value: &str) -> Fields {
        let mut fields = Fields::new();
        fields.push(name.as_bytes(), value.as_bytes());
        fields
    }

    #[test]
    fn directives_are_read_in_any_spelling() {
        let text = "Max-Age=5, , private=\"set-cookie, x\", NO-CACHE,a=\"b\\\"c\", =3";
        let expected: Vec<(&[u8], &[u8])> = vec![
            (b"max-age", b"5"),
            (b"private", b"set-cookie, x"),
            (b"no-cache", b""),
            (b"a", b"b\"c"),
        ];
        let found = directives(&fields("Cache-Control", text));
        let found: Vec<(&[u8], &[u8])> =
            found.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn requests_ask_by_directives_and_else_by_pragma() {
        let asks = Asks::of(&fields("Pragma", "x, No-Cache"));
        assert_eq!(asks, Asks { no_cache: true, ..Asks::default() });
        let mut both = fields("Pragma", "no-cache");
        both.push(b"Cache-Control", b"max-age=7, max-stale, min-fresh=99999999999999999999");
        let expected = Asks {
            max_age: Some(Duration::from_secs(7)),
            max_stale: Some(Duration::MAX),
            min_fresh: Some(Duration::from_secs(SECONDS_MAX)),
            ..Asks::default()
        };
        assert_eq!(Asks::of(&both), expected);
        let strict = Asks::of(&fields("Cache-Control", "max-age=soon, only-if-cached, no-store"));
        assert_eq!(strict.max_age, Some(Duration::ZERO));
        assert!(strict.only_if_cached && strict.no_store);
    }
}
