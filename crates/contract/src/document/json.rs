//! JSON documents with the place of every value. Strict, because a contract that two tools read
//! differently protects nothing.

use serde_json::Number;

use super::tree::{Content, Context, DEPTH_MAX, Map, Member, NODES_MAX, Node};
use crate::error::{Place, Unreadable};

/// Reads one JSON text.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        at: 0,
        counted: 0,
        place: FIRST,
        nodes: 0,
        depth: 0,
    };
    let node = reader.value(Context::Keywords)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.wrong("more text behind the document", "the end of the file")),
    }
}

const FIRST: Place = Place { line: 1, column: 1 };

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The offset up to which `place` has been counted.
    counted: usize,
    place: Place,
    nodes: usize,
    depth: usize,
}

impl Reader<'_> {
    /// Recursion ends at [`DEPTH_MAX`].
    fn value(&mut self, context: Context) -> Result<Node, Unreadable> {
        self.skip_space();
        let place = self.here();
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.wrong("more values than a contract can have", "at most 4,000,000"));
        }
        let content = match self.peek() {
            Some(b'{') => self.object(context)?,
            Some(b'[') => self.array(context)?,
            Some(b'"') => Content::Text(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => Content::Number(self.number()?),
            Some(b't') => self.word("true", Content::Boolean(true))?,
            Some(b'f') => self.word("false", Content::Boolean(false))?,
            Some(b'n') => self.word("null", Content::Null)?,
            Some(_) => return Err(self.unexpected("a JSON value")),
            None => return Err(self.wrong("the end of the file", "a JSON value")),
        };
        Ok(Node { place, content })
    }

    fn object(&mut self, context: Context) -> Result<Content, Unreadable> {
        self.descend()?;
        let mut members = Vec::new();
        if self.next_is(b'}') {
            return Ok(Content::Map(Map::default()));
        }
        loop {
            self.skip_space();
            let place = self.here();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a member's name in double quotes"));
            }
            let name: Box<str> = self.string()?.into();
            if !self.next_is(b':') {
                return Err(self.unexpected("a colon behind the name"));
            }
            self.depth += 1;
            let mut node = self.value(context.inside(&name))?;
            self.depth -= 1;
            if context.forgets(&name, &node.content) {
                node.content = Content::Null;
            }
            members.push(Member { name, place, node });
            if self.next_is(b'}') {
                break;
            }
            if !self.next_is(b',') {
                return Err(self.unexpected("a comma or a closing brace"));
            }
        }
        Map::new(members).map(Content::Map)
    }

    fn array(&mut self, context: Context) -> Result<Content, Unreadable> {
        self.descend()?;
        let mut list = Vec::new();
        if self.next_is(b']') {
            return Ok(Content::List(list.into()));
        }
        loop {
            self.depth += 1;
            list.push(self.value(context.element())?);
            self.depth -= 1;
            if self.next_is(b']') {
                return Ok(Content::List(list.into()));
            }
            if !self.next_is(b',') {
                return Err(self.unexpected("a comma or a closing bracket"));
            }
        }
    }

    fn descend(&mut self) -> Result<(), Unreadable> {
        self.at += 1;
        if self.depth < DEPTH_MAX {
            return Ok(());
        }
        Err(self.wrong("values nested more than 128 deep", "a contract"))
    }

    /// A quoted string; what is between the quotes is judged by `serde_json`.
    fn string(&mut self) -> Result<String, Unreadable> {
        let start = self.at;
        let mut end = start + 1;
        loop {
            let rest = self.bytes.get(end..).unwrap_or_default();
            match memchr::memchr2(b'"', b'\\', rest) {
                Some(found) if rest[found] == b'"' => {
                    end += found + 1;
                    break;
                }
                Some(found) => end += found + 2,
                None => return Err(self.wrong("a string that does not end", "a closing quote")),
            }
        }
        let quoted = self.text.get(start..end).unwrap_or_default();
        let text = serde_json::from_str(quoted)
            .map_err(|_| self.wrong("a string with an invalid escape", "a JSON string"))?;
        self.at = end;
        Ok(text)
    }

    fn number(&mut self) -> Result<Number, Unreadable> {
        let digits = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !digits(byte)).unwrap_or(rest.len());
        let text = self.text.get(self.at..self.at + length).unwrap_or_default();
        let number = serde_json::from_str(text)
            .map_err(|_| self.wrong(&format!("`{text}`"), "a JSON number"))?;
        self.at += length;
        Ok(number)
    }

    fn word(&mut self, word: &str, content: Content) -> Result<Content, Unreadable> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a JSON value"));
        }
        self.at += word.len();
        Ok(content)
    }

    /// Takes `byte` if it is what comes next.
    fn next_is(&mut self, byte: u8) -> bool {
        self.skip_space();
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The place of the next byte. Counts on from where it last stopped, so that a document of one
    /// line costs no more than others.
    fn here(&mut self) -> Place {
        let end = self.at.min(self.bytes.len());
        for byte in &self.bytes[self.counted..end] {
            match byte {
                b'\n' => self.place = Place { line: self.place.line + 1, column: 1 },
                0x80..=0xbf => {}
                _ => self.place.column += 1,
            }
        }
        self.counted = end;
        self.place
    }

    fn unexpected(&mut self, expected: &str) -> Unreadable {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some(character) => self.wrong(&format!("`{character}`"), expected),
            None => self.wrong("the end of the file", expected),
        }
    }

    fn wrong(&mut self, found: &str, expected: &str) -> Unreadable {
        Unreadable {
            place: self.here(),
            found: found.to_owned(),
            expected: expected.to_owned(),
            remedy: "correct the JSON there".to_owned(),
        }
    }
}
