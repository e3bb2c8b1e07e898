//! The reader of JSON: it accepts what serde_json accepts and nothing else, except where its own
//! limits are lower; what it tells, written down, is the same text to it.

use exchange::json::{self, Container, FaultKind, Literal, Sink, Text};
use exchange::limits;
use serde::de::IgnoredAny;
use serde_json::Value;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let mut first = Writer::default();
    match json::read(bytes, &mut first) {
        Ok(()) => {
            let other = serde_json::from_slice::<IgnoredAny>(bytes);
            assert!(other.is_ok(), "serde_json: {other:?}");
            assert_eq!(first.depth, 0);
            let mut second = Writer::default();
            assert_eq!(json::read(first.text.as_bytes(), &mut second), Ok(()));
            assert_eq!(second.text, first.text);
            if let (Ok(theirs), Ok(ours)) = (value(bytes), value(first.text.as_bytes())) {
                assert_eq!(theirs, ours, "the same value");
            }
        }
        Err(fault) => {
            assert!(fault.at <= bytes.len(), "{fault}");
            let limited = match fault.kind {
                FaultKind::Depth | FaultKind::Tokens => true,
                FaultKind::NumberLength => {
                    // The fault is told right behind the number.
                    let digits =
                        bytes[..fault.at].iter().rev().take_while(|byte| in_number(**byte));
                    assert!(digits.count() > limits::JSON_NUMBER_BYTES_MAX, "{fault}");
                    true
                }
                _ => false,
            };
            assert!(limited || value(bytes).is_err(), "serde_json reads what has a {fault}");
        }
    }
}

const fn in_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')
}

fn value(text: &[u8]) -> serde_json::Result<Value> {
    serde_json::from_slice(text)
}

/// Writes the tokens down as JSON again.
#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
    /// The next value needs a comma before it.
    comma: bool,
}

impl Writer {
    fn before(&mut self) {
        if std::mem::replace(&mut self.comma, true) {
            self.text.push(',');
        }
    }

    fn quoted(&mut self, text: Text<'_>) {
        assert!(text.is_escaped() || *text.decode() == *text.raw());
        self.text.push_str(&Value::from(&*text.decode()).to_string());
    }
}

impl Sink for Writer {
    fn open(&mut self, container: Container) {
        self.before();
        self.comma = false;
        self.depth += 1;
        self.text.push(if container == Container::Array { '[' } else { '{' });
    }

    fn close(&mut self, container: Container) {
        self.depth -= 1;
        self.comma = true;
        self.text.push(if container == Container::Array { ']' } else { '}' });
    }

    fn name(&mut self, name: Text<'_>) {
        self.before();
        self.quoted(name);
        self.text.push(':');
        self.comma = false;
    }

    fn string(&mut self, text: Text<'_>) {
        self.before();
        self.quoted(text);
    }

    fn number(&mut self, digits: &str) {
        self.before();
        self.text.push_str(digits);
    }

    fn literal(&mut self, literal: Literal) {
        self.before();
        self.text.push_str(match literal {
            Literal::False => "false",
            Literal::Null => "null",
            Literal::True => "true",
        });
    }
}
