//! W3C trace context: which trace an exchange belongs to (Trace Context, level 1, §3.2).

use std::fmt;

use wire::Fields;

/// Where a request says which trace it belongs to.
pub const TRACEPARENT: &str = "traceparent";

/// Bytes of `traceparent` in version 00.
const LENGTH: usize = 55;

/// The trace and the span that a request comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceParent {
    /// Names the trace.
    pub trace: TraceId,
    /// Names the span of the sender.
    pub parent: [u8; 8],
    /// The lowest bit: the sender has recorded its span.
    pub flags: u8,
}

/// The name of a trace, printed as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TraceId(pub [u8; 16]);

impl TraceParent {
    /// What the fields of a request say, if that is valid. Said twice, it says nothing.
    #[must_use]
    pub fn of(fields: &Fields) -> Option<Self> {
        let mut said = fields.get_all(TRACEPARENT);
        match (said.next(), said.next()) {
            (Some(value), None) => Self::parse(value),
            _ => None,
        }
    }

    /// Reads `00-<trace>-<parent>-<flags>`. Later versions may say more behind that.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let (known, more) = value.split_at_checked(LENGTH)?;
        let dash = |at: usize| known.get(at) == Some(&b'-');
        let [version] = hex(known.get(..2)?)?;
        let sound = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.first().is_none_or(|byte| *byte == b'-'),
        };
        if !sound || !dash(2) || !dash(35) || !dash(52) {
            return None;
        }
        let trace: [u8; 16] = hex(known.get(3..35)?)?;
        let parent: [u8; 8] = hex(known.get(36..52)?)?;
        let [flags] = hex(known.get(53..)?)?;
        let named = trace != [0; 16] && parent != [0; 8];
        named.then_some(Self { trace: TraceId(trace), parent, flags })
    }
}

/// Lower-case hexadecimal digits, two for each byte.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(bytes)
}

impl fmt::Display for TraceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{}-", self.trace)?;
        self.parent.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
        write!(out, "-{:02x}", self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    /// What follows the grammar is read, and nothing else is (§3.2.2, and §4.3 for versions).
    #[test]
    fn only_what_the_grammar_allows_is_read() {
        let parent = "00f067aa0ba902b7";
        let sound = format!("00-{TRACE}-{parent}-01");
        let read = TraceParent::parse(sound.as_bytes()).unwrap();
        assert_eq!((read.to_string(), read.trace.to_string()), (sound.clone(), TRACE.to_owned()));
        let upper = sound.to_uppercase();
        let table = [
            (format!("01-{TRACE}-{parent}-01"), true),
            (format!("cc-{TRACE}-{parent}-01-what-comes"), true),
            (format!("cc-{TRACE}-{parent}-01.what-comes"), false),
            (format!("00-{TRACE}-{parent}-01-more"), false),
            (format!("ff-{TRACE}-{parent}-01"), false),
            (format!("00-{}-{parent}-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-{}-01", "0".repeat(16)), false),
            (format!("00-{TRACE}-{parent}-0"), false),
            (format!("00-{TRACE}-{parent}-0g"), false),
            (format!("00_{TRACE}-{parent}-01"), false),
            (format!("00-{TRACE}{parent}--01"), false),
            (upper, false),
            (format!(" {sound}"), false),
            (String::new(), false),
        ];
        let mut ran = 0;
        for (text, reads) in table {
            assert_eq!(TraceParent::parse(text.as_bytes()).is_some(), reads, "{text}");
            ran += 1;
        }
        assert_eq!(ran, 14);
    }

    #[test]
    fn what_is_said_twice_says_nothing() {
        let one = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let mut fields = Fields::new();
        fields.push(b"Traceparent", one.as_bytes());
        assert!(TraceParent::of(&fields).is_some());
        fields.push(b"traceparent", one.as_bytes());
        assert_eq!(TraceParent::of(&fields), None);
    }
}
