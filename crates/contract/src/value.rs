//! JSON inside parameters and forms as values: the one strict reading of [`exchange::json`],
//! which two parsers cannot understand differently. A name that occurs twice in an object is a
//! fault, not a choice.

use exchange::json::{self, Container, Literal, Sink, Text};
use exchange::limits;
use serde_json::{Map, Number, Value};

use crate::schema::Unfit;

/// Reads one JSON text.
pub(crate) fn read(text: &[u8]) -> Result<Value, Unfit> {
    let mut builder = Builder::default();
    json::read(text, &mut builder).map_err(Unfit::Syntax)?;
    match builder.unfit {
        Some(unfit) => Err(unfit),
        None => Ok(builder.root),
    }
}

/// Bytes of the smallest object with a member: a node of the map's tree has room for eleven.
const OBJECT_BYTES: usize = 640;

/// Bytes of a value in an array, grown by doubling.
const VALUE_BYTES: usize = 64;

enum Frame {
    Array(Vec<Value>),
    Object(Map<String, Value>, String),
}

#[derive(Default)]
struct Builder {
    root: Value,
    stack: Vec<Frame>,
    bytes: usize,
    unfit: Option<Unfit>,
}

impl Builder {
    /// Accounts for a value; false when the value is not to be kept.
    fn take(&mut self, bytes: usize) -> bool {
        self.bytes += bytes;
        if self.bytes > limits::JSON_TREE_BYTES_MAX {
            self.stack.clear();
            self.unfit = Some(Unfit::Size);
        }
        self.unfit.is_none()
    }

    fn put(&mut self, value: Value) {
        match self.stack.last_mut() {
            None => self.root = value,
            Some(Frame::Array(list)) => list.push(value),
            Some(Frame::Object(map, name)) => {
                if map.insert(std::mem::take(name), value).is_some() {
                    self.unfit = Some(Unfit::Duplicate(self.pointer()));
                }
            }
        }
    }

    /// Where the innermost open container is.
    fn pointer(&self) -> String {
        let parents = self.stack.split_last().map_or(&[][..], |(_, parents)| parents);
        let mut out = String::new();
        for frame in parents {
            out.push('/');
            match frame {
                Frame::Array(_) => out.push('*'),
                Frame::Object(_, name) => {
                    out.push_str(&name.replace('~', "~0").replace('/', "~1"));
                }
            }
        }
        out
    }
}

impl Sink for Builder {
    fn open(&mut self, container: Container) {
        let bytes = match container {
            Container::Array => VALUE_BYTES,
            Container::Object => OBJECT_BYTES,
        };
        if self.take(bytes) {
            self.stack.push(match container {
                Container::Array => Frame::Array(Vec::new()),
                Container::Object => Frame::Object(Map::new(), String::new()),
            });
        }
    }

    fn close(&mut self, _: Container) {
        if self.unfit.is_some() {
            return;
        }
        match self.stack.pop() {
            Some(Frame::Array(list)) => self.put(Value::Array(list)),
            Some(Frame::Object(map, _)) => self.put(Value::Object(map)),
            None => {}
        }
    }

    fn name(&mut self, text: Text<'_>) {
        if let Some(Frame::Object(_, name)) = self.stack.last_mut() {
            *name = text.decode().into_owned();
            self.bytes += name.len();
        }
    }

    fn string(&mut self, text: Text<'_>) {
        if self.take(VALUE_BYTES + text.raw().len()) {
            self.put(Value::String(text.decode().into_owned()));
        }
    }

    fn number(&mut self, digits: &str) {
        if !self.take(VALUE_BYTES) {
            return;
        }
        match serde_json::from_str::<Number>(digits) {
            Ok(number) => self.put(Value::Number(number)),
            Err(_) => self.unfit = Some(Unfit::Number(self.pointer())),
        }
    }

    fn literal(&mut self, literal: Literal) {
        if self.take(VALUE_BYTES) {
            self.put(match literal {
                Literal::False => Value::Bool(false),
                Literal::Null => Value::Null,
                Literal::True => Value::Bool(true),
            });
        }
    }
}
