//! A form of JSON values in which values are equal exactly where their bytes are: members in the
//! order of their names, escapes resolved, numbers by value. It decides `const`, `enum` and
//! `uniqueItems` where whole arrays and objects are compared.

use exchange::json::{self, Container, Literal, Sink, Text};

use super::number::Number;

enum Open {
    Array(Vec<u8>),
    Object { members: Vec<(Vec<u8>, Vec<u8>)>, name: Vec<u8> },
}

#[derive(Default)]
struct Writer {
    stack: Vec<Open>,
    done: Vec<u8>,
}

/// The canonical form of the value that begins at byte `at` of a text that has been read.
pub(super) fn of(text: &str, at: usize) -> Vec<u8> {
    let mut writer = Writer::default();
    // the text was read before, so there is no fault in it
    match json::read_value(text, at, &mut writer) {
        Ok(()) => writer.done,
        Err(_) => Vec::new(),
    }
}

impl Writer {
    fn put(&mut self, value: Vec<u8>) {
        match self.stack.last_mut() {
            None => self.done = value,
            Some(Open::Array(out)) => out.extend_from_slice(&value),
            Some(Open::Object { members, name }) => members.push((std::mem::take(name), value)),
        }
    }
}

/// A text with its length in front, so that no two lists of texts look the same.
fn write_text(kind: u8, text: &str, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&text.len().to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

impl Sink for Writer {
    fn open(&mut self, container: Container) {
        self.stack.push(match container {
            Container::Array => Open::Array(vec![b'[']),
            Container::Object => Open::Object { members: Vec::new(), name: Vec::new() },
        });
    }

    fn close(&mut self, _: Container) {
        let value = match self.stack.pop() {
            Some(Open::Array(mut out)) => {
                out.push(b']');
                out
            }
            Some(Open::Object { mut members, .. }) => {
                members.sort_unstable();
                let mut out = vec![b'{'];
                for (name, value) in members {
                    out.extend_from_slice(&name);
                    out.extend_from_slice(&value);
                }
                out.push(b'}');
                out
            }
            None => return,
        };
        self.put(value);
    }

    fn name(&mut self, text: Text<'_>) {
        if let Some(Open::Object { name, .. }) = self.stack.last_mut() {
            write_text(b'k', &text.decode(), name);
        }
    }

    fn string(&mut self, text: Text<'_>) {
        let mut out = Vec::with_capacity(text.raw().len() + 9);
        write_text(b's', &text.decode(), &mut out);
        self.put(out);
    }

    fn number(&mut self, digits: &str) {
        let mut out = Vec::with_capacity(digits.len() + 8);
        Number::read(digits).write_canonical(&mut out);
        self.put(out);
    }

    fn literal(&mut self, literal: Literal) {
        let letter = match literal {
            Literal::False => b'f',
            Literal::Null => b'z',
            Literal::True => b't',
        };
        self.put(vec![letter]);
    }
}
