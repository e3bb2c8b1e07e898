//! How arrays and objects are written in paths, queries, headers and cookies (`style` and
//! `explode`, OpenAPI 3.1 section 4.8.12.2), read back into values.

use std::borrow::Cow;

use serde_json::{Map, Value};
use wire::Query;
use wire::target::percent_decode;

use crate::shape::{Reading, Shape};

/// How a parameter is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// `filter[name]=x&filter[age]=3`.
    Deep,
    /// `a=1&a=2` when exploded, `a=1,2` otherwise.
    Form { explode: bool },
    /// `.1.2`.
    Label { explode: bool },
    /// `;a=1;a=2` when exploded, `;a=1,2` otherwise.
    Matrix { explode: bool },
    /// `a=1|2`.
    Pipe,
    /// `1,2`; objects as `k=v` when exploded, as `k,v` otherwise.
    Simple { explode: bool },
    /// `a=1%202`.
    Space,
}

/// What was sent that may belong to a parameter, still encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent<'a> {
    /// Nothing.
    Absent,
    /// A query, and the name before the brackets to look for in it.
    Deep(Query<'a>, &'a str),
    /// One piece of text: a path segment, a field's value, a cookie's value.
    Text(&'a [u8]),
    /// A query, and the name to look for in it.
    Query(Query<'a>, &'a str),
    /// A query in which an object's properties are parameters of their own.
    Properties(Query<'a>, &'a Shape),
}

/// What is wrong with how a value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Misuse {
    /// A single value was sent several times.
    Repeated,
    /// Not the declared style.
    Style,
}

impl Misuse {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Style => "style",
        }
    }

    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Repeated => "expected this parameter once",
            Self::Style => "expected the declared style",
        }
    }
}

impl<'a> Sent<'a> {
    pub(crate) fn is_absent(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Text(_) => false,
            Self::Deep(query, name) => !query.pairs().any(|(key, _)| {
                text_of(key).strip_prefix(name).is_some_and(|rest| rest.starts_with('['))
            }),
            Self::Query(query, name) => query.values(name).next().is_none(),
            Self::Properties(query, shape) => {
                !query.pairs().any(|(name, _)| owns(shape, &text_of(name)))
            }
        }
    }

    /// True when there is one value and it is empty.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Absent | Self::Deep(..) | Self::Properties(..) => false,
            Self::Text(text) => text.is_empty(),
            Self::Query(query, name) => query.values(name).all(<[u8]>::is_empty),
        }
    }

    /// The one text that was sent, decoded.
    pub(crate) fn single(&self) -> Option<Cow<'a, str>> {
        match *self {
            Self::Absent | Self::Deep(..) | Self::Properties(..) => None,
            Self::Text(text) => Some(lossy(percent_decode(text))),
            Self::Query(query, name) => {
                let mut texts = query.values(name);
                let first = texts.next()?;
                texts.next().is_none().then(|| text_of(first))
            }
        }
    }
}

fn owns(shape: &Shape, name: &str) -> bool {
    shape.has_property(name)
}

fn text_of(encoded: &[u8]) -> Cow<'_, str> {
    lossy(Query::decode(encoded))
}

/// Bytes that are not UTF-8 become replacement characters, as everywhere else.
fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

impl Style {
    /// The value that was meant.
    pub(crate) fn value(
        self,
        sent: &Sent<'_>,
        name: &str,
        shape: &Shape,
        reading: Reading,
    ) -> Result<Value, Misuse> {
        match *sent {
            Sent::Absent => Ok(Value::Null),
            Sent::Deep(query, _) => deep(query, name, shape, reading),
            Sent::Query(query, _) => self.read_query(query, name, shape, reading),
            Sent::Properties(query, _) => {
                let pairs: Vec<_> = query
                    .pairs()
                    .map(|(key, value)| (text_of(key), text_of(value)))
                    .filter(|(key, _)| owns(shape, key))
                    .collect();
                Ok(shape.object(pairs.iter().map(|(key, text)| (&**key, &**text)), reading))
            }
            Sent::Text(text) => self.read_text(text, name, shape, reading),
        }
    }

    fn read_query(
        self,
        query: Query<'_>,
        name: &str,
        shape: &Shape,
        reading: Reading,
    ) -> Result<Value, Misuse> {
        let mut texts = query.values(name);
        if shape.is_array() && self == (Self::Form { explode: true }) {
            // `ids=1,2` for an exploded array is often sent, but it is not what was declared
            let texts: Vec<_> = texts.map(text_of).collect();
            return Ok(match &*texts {
                [only] if shape.is_scalar() => shape.scalar(only, reading),
                several => shape.array(several.iter().map(|text| &**text), reading),
            });
        }
        let first = texts.next().unwrap_or_default();
        if texts.next().is_some() {
            return Err(Misuse::Repeated);
        }
        let separator: &[u8] = match self {
            Self::Pipe => b"|",
            Self::Space => b" ",
            _ => b",",
        };
        let parts = split(first, separator, Query::decode);
        Ok(structured(&parts, || text_of(first), shape, reading, false))
    }

    fn read_text(
        self,
        text: &[u8],
        name: &str,
        shape: &Shape,
        reading: Reading,
    ) -> Result<Value, Misuse> {
        let (body, separator, explode): (&[u8], &[u8], bool) = match self {
            Self::Label { explode } => {
                let body = text.strip_prefix(b".").ok_or(Misuse::Style)?;
                (body, if explode { b"." } else { b"," }, explode)
            }
            Self::Matrix { explode } => {
                let body = text.strip_prefix(b";").ok_or(Misuse::Style)?;
                return matrix(body, name, shape, reading, explode);
            }
            Self::Simple { explode } => (text, b",", explode),
            _ => (text, b",", false),
        };
        let parts = split(body, separator, percent_decode);
        Ok(structured(&parts, || lossy(percent_decode(body)), shape, reading, explode))
    }
}

/// Splits before decoding, so that an escaped separator is data. A separator that came escaped as
/// a whole, as `%20` and `%7C` do in `spaceDelimited` and `pipeDelimited`, separates as well.
fn split<'a>(
    text: &'a [u8],
    separator: &[u8],
    decode: fn(&'a [u8]) -> Cow<'a, [u8]>,
) -> Vec<Cow<'a, str>> {
    if separator == b"," || separator == b"." {
        return text.split(|byte| [*byte] == *separator).map(|part| lossy(decode(part))).collect();
    }
    let whole = lossy(decode(text)).into_owned();
    let separator = char::from(*separator.first().unwrap_or(&b','));
    whole.split(separator).map(|part| Cow::Owned(part.to_owned())).collect()
}

/// Parts as an array, an object or, if neither is allowed, the text as it was.
fn structured<'a>(
    parts: &[Cow<'_, str>],
    whole: impl FnOnce() -> Cow<'a, str>,
    shape: &Shape,
    reading: Reading,
    pairs_with_equals: bool,
) -> Value {
    if shape.is_array() && (parts.len() > 1 || !shape.is_scalar()) {
        return shape.array(parts.iter().map(|part| &**part), reading);
    }
    if shape.is_object() && (parts.len() > 1 || !shape.is_scalar()) {
        if pairs_with_equals {
            let pairs = parts.iter().filter_map(|part| part.split_once('='));
            return shape.object(pairs, reading);
        }
        let pairs = parts.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1]));
        return shape.object(pairs, reading);
    }
    shape.scalar(&whole(), reading)
}

fn matrix(
    body: &[u8],
    name: &str,
    shape: &Shape,
    reading: Reading,
    explode: bool,
) -> Result<Value, Misuse> {
    let own = |text: &str| {
        let (key, value) = text.split_once('=')?;
        (key == name).then(|| value.to_owned())
    };
    if !explode || !(shape.is_array() || shape.is_object()) {
        let value = own(&String::from_utf8_lossy(body)).ok_or(Misuse::Style)?;
        let parts = split(value.as_bytes(), b",", percent_decode);
        let whole = || lossy(percent_decode(value.as_bytes()));
        return Ok(structured(&parts, whole, shape, reading, false));
    }
    let parts = body.split(|byte| *byte == b';').map(|part| lossy(percent_decode(part)));
    let parts: Vec<_> = parts.collect();
    if shape.is_array() {
        let values: Option<Vec<_>> = parts.iter().map(|part| own(part)).collect();
        let values = values.ok_or(Misuse::Style)?;
        return Ok(shape.array(values.iter().map(|it| &**it), reading));
    }
    let pairs = parts.iter().filter_map(|part| part.split_once('='));
    Ok(shape.object(pairs, reading))
}

/// Brackets that may follow one another in a name.
const DEEP_MAX: usize = 8;

fn deep(query: Query<'_>, name: &str, shape: &Shape, reading: Reading) -> Result<Value, Misuse> {
    let mut root = Map::new();
    for (key, value) in query.pairs() {
        let key = text_of(key);
        let Some(rest) = key.strip_prefix(name).filter(|rest| rest.starts_with('[')) else {
            continue;
        };
        let path = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let path: Vec<_> = path.ok_or(Misuse::Style)?.split("][").collect();
        if path.len() > DEEP_MAX || path.first() == Some(&"") {
            return Err(Misuse::Style);
        }
        insert(&mut root, &path, &text_of(value), shape, reading)?;
    }
    Ok(Value::Object(root))
}

/// Puts `text` at `path`. Recursion ends at [`DEEP_MAX`].
fn insert(
    map: &mut Map<String, Value>,
    path: &[&str],
    text: &str,
    shape: &Shape,
    reading: Reading,
) -> Result<(), Misuse> {
    let Some((name, rest)) = path.split_first() else { return Err(Misuse::Style) };
    let inner = shape.property(name);
    let is_element = matches!(rest, [only] if only.is_empty() || only.parse::<u16>().is_ok());
    if inner.is_array() && (rest.is_empty() || is_element) {
        let list = map.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(list) = list else { return Err(Misuse::Style) };
        list.push(inner.item().scalar(text, reading));
        return Ok(());
    }
    if rest.is_empty() {
        let before = map.insert((*name).to_owned(), inner.scalar(text, reading));
        return before.map_or(Ok(()), |_| Err(Misuse::Repeated));
    }
    match map.entry(*name).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(map) => insert(map, rest, text, inner, reading),
        _ => Err(Misuse::Style),
    }
}
