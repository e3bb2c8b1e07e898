//! Sensitive data in bodies and values that are text: CSV by its columns, XML by its tags, forms by
//! their fields, prose by what stands before a colon, and everything by form alone.

use std::borrow::Cow;

use exchange::data_class::{DataClass, DataClasses};
use memchr::memchr;
use wire::Query;

use super::name::Hint;
use super::{
    Summary, VALUE_BYTES_MAX, check, classify, classify_under, crypto, digits, is_email, network,
    one, secret, spaced,
};

/// Tags of a document, fields of a form or labels of a text that are looked at by name.
const NAMED_MAX: usize = 4_096;

/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;

/// Bytes of a CDATA section that are looked at.
const CDATA_BYTES_MAX: usize = 4_096;

/// Bytes of a digit run: a card with its separators.
const RUN_BYTES_MAX: usize = 40;

/// The classes of data in a body that is not JSON.
pub(crate) fn scan_text(text: &[u8]) -> DataClasses {
    let trimmed = text.trim_ascii();
    let mut found = DataClasses::NONE;
    if trimmed.first() == Some(&b'<') {
        tags(trimmed, &mut found);
    } else if is_form(trimmed) {
        form(trimmed, &mut found);
        return found;
    } else if let Some(separator) = table_separator(trimmed) {
        table(trimmed, separator, &mut found);
        return found;
    } else {
        labels(trimmed, &mut found);
    }
    by_form(trimmed, &mut found);
    found
}

/// The first class in a value that is text.
pub(super) fn first(text: &[u8]) -> Option<DataClass> {
    let mut found = DataClasses::NONE;
    by_form(text, &mut found);
    found.iter().next()
}

fn put(name: &[u8], value: &[u8], found: &mut DataClasses) {
    let name = name.trim_ascii().trim_ascii_end();
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return;
    }
    let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
        return;
    };
    if let Some(class) = classify(name, value) {
        found.insert(class);
    }
}

/// What needs no name to be recognised.
fn by_form(text: &[u8], found: &mut DataClasses) {
    if secret::has_private_key(text) {
        found.insert(DataClass::PrivateKey);
    }
    let mut start = 0;
    let mut seen = 0;
    let mut digits = 0;
    for (at, byte) in text.iter().enumerate() {
        let kind = BYTES[usize::from(*byte)];
        if kind != BREAK {
            seen |= kind;
            digits += usize::from(kind == DIGIT);
            continue;
        }
        // most words are only letters, and nothing is told by its form that is
        if seen & (DIGIT | MARK) != 0 && at - start >= WORD_BYTES_MIN {
            word(&text[start..at], found);
        }
        start = at + 1;
        seen = 0;
    }
    if seen & (DIGIT | MARK) != 0 && text.len() - start >= WORD_BYTES_MIN {
        word(&text[start..], found);
    }
    if digits >= RUN_DIGITS_MIN {
        runs(text, found);
    }
}

/// The shortest words that say by themselves what they are: `a@b.de`, `1.2.3.400`.
const WORD_BYTES_MIN: usize = 6;

/// The shortest numbers that do.
const RUN_DIGITS_MIN: usize = 8;

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const MARK: u8 = 4;
const BREAK: u8 = 8;

/// What a byte is to a word.
const BYTES: [u8; 256] = {
    let mut table = [LETTER; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b'@' | b'$' => MARK,
            b','
            | b';'
            | b'"'
            | b'\''
            | b'<'
            | b'>'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'|'
            | b'='
            | b'&'
            | b'`'
            | 0..=b' ' => BREAK,
            _ => LETTER,
        };
        byte += 1;
    }
    table
};

fn word(word: &[u8], found: &mut DataClasses) {
    let word = word.strip_suffix(b".").unwrap_or(word);
    let class = token(word).or_else(|| {
        // a key is often written right behind its label and a colon
        let colon = memchr(b':', word)?;
        token(&word[colon + 1..])
    });
    if let Some(class) = class {
        found.insert(class);
    }
}

/// A word of a text.
fn token(word: &[u8]) -> Option<DataClass> {
    if memchr(b'@', word).is_some() {
        if memchr::memmem::find(word, b"://").is_some() {
            return secret::is_connection_string(word).then_some(DataClass::ConnectionString);
        }
        return is_email(word).then_some(DataClass::Email);
    }
    if word.len() >= 16 {
        let told = secret::token(word).or_else(|| crypto::address(word));
        if told.is_some() {
            return told;
        }
        if check::iban(word) {
            return Some(DataClass::Iban);
        }
        if check::codice_fiscale(word) {
            return Some(DataClass::CodiceFiscale);
        }
    }
    let address = word.first()?.is_ascii_hexdigit() && word.len() <= 45;
    let marks = word.iter().filter(|byte| matches!(byte, b'.' | b':' | b'-')).count();
    if !address || marks < 2 {
        return None;
    }
    if network::is_mac(word) {
        return Some(DataClass::Mac);
    }
    let word = std::str::from_utf8(word).ok()?;
    network::ipv6(word).or_else(|| network::ipv4(word, Hint::None))
}

/// Runs of digits with what may separate them, and accounts in groups.
fn runs(text: &[u8], found: &mut DataClasses) {
    let joins = |byte: u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.');
    let mut at = 0;
    let begins = |byte: &u8| byte.is_ascii_digit() || *byte == b'+';
    while let Some(start) = text[at..].iter().position(begins) {
        let start = at + start;
        let length = text[start..].iter().skip(1).take_while(|byte| joins(**byte)).count() + 1;
        let end = start + length;
        at = end;
        if let Some(account) = start.checked_sub(2).and_then(|from| spaced_account(&text[from..])) {
            found.insert(account);
            continue;
        }
        let run = text[start..end].trim_ascii_end();
        let run = run.strip_suffix(b".").unwrap_or(run);
        let run = run.strip_suffix(b"-").unwrap_or(run);
        // digits inside a word or a longer number are part of something else
        let joined = |byte: &u8| byte.is_ascii_alphanumeric() || b"_/#%".contains(byte);
        let before = start.checked_sub(1).map(|at| text[at]);
        let inside = before.is_some_and(|byte| joined(&byte) || matches!(byte, b'-' | b'.'));
        if inside || text.get(start + run.len()).is_some_and(joined) {
            continue;
        }
        if !(9..=RUN_BYTES_MAX).contains(&run.len()) {
            continue;
        }
        let class = if run.iter().all(u8::is_ascii_digit) {
            digits::bare(run, Hint::None)
        } else {
            digits::grouped(run, Hint::None)
        };
        if let Some(class) = class {
            found.insert(class);
        }
    }
}

/// An account number in groups of four, from its country on.
fn spaced_account(text: &[u8]) -> Option<DataClass> {
    let country = text.first_chunk::<2>()?;
    let length = check::iban_length(*country)?;
    let mut end = 0;
    let mut counted = 0;
    for byte in text {
        if counted == length {
            break;
        }
        match byte {
            b' ' => {}
            b'0'..=b'9' | b'A'..=b'Z' => counted += 1,
            _ => return None,
        }
        end += 1;
    }
    spaced(&text[..end], Hint::None).filter(|class| *class == DataClass::Iban)
}

fn is_form(text: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"<>\"{}".contains(byte);
    memchr(b'=', text).is_some_and(|at| at > 0) && text.iter().all(plain)
}

fn form(text: &[u8], found: &mut DataClasses) {
    for (name, value) in Query::new(text).pairs().take(NAMED_MAX) {
        put(&Query::decode(name), &Query::decode(value), found);
    }
}

/// What separates the columns, when the first lines have the same number of them and the first
/// reads like a header.
fn table_separator(text: &[u8]) -> Option<u8> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let (header, row) = (lines.next()?, lines.next()?);
    [b',', b';', b'\t', b'|'].into_iter().find(|separator| {
        let names = Cells::new(header, *separator);
        let count = names.clone().count();
        let named = names.into_iter().all(|name| {
            !name.is_empty()
                && name.len() <= NAME_BYTES_MAX
                && name[0].is_ascii_alphabetic()
                && !name.contains(&b'@')
        });
        count >= 2 && named && Cells::new(row, *separator).count() == count
    })
}

fn table(text: &[u8], separator: u8, found: &mut DataClasses) {
    let mut lines = text.split(|byte| *byte == b'\n');
    let header = Cells::new(lines.next().unwrap_or_default(), separator);
    let hint = |name: Cow<'_, [u8]>| Hint::of(std::str::from_utf8(&name).unwrap_or_default());
    let hints: Vec<Hint> = header.map(hint).collect();
    for row in lines {
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        for (hint, value) in hints.iter().zip(Cells::new(row, separator)) {
            let value = std::str::from_utf8(&value).unwrap_or_default();
            if let Some(class) = classify_under(|| *hint, value) {
                found.insert(class);
            }
        }
    }
    if secret::has_private_key(text) {
        found.insert(DataClass::PrivateKey);
    }
}

/// The cells of a row; a separator between quotes does not separate.
#[derive(Clone)]
struct Cells<'a> {
    rest: Option<&'a [u8]>,
    separator: u8,
}

impl<'a> Cells<'a> {
    fn new(row: &'a [u8], separator: u8) -> Self {
        Self { rest: Some(row), separator }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cow<'a, [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rest?;
        let mut quoted = false;
        let end = row.iter().position(|byte| {
            quoted ^= *byte == b'"';
            *byte == self.separator && !quoted
        });
        self.rest = end.map(|end| &row[end + 1..]);
        let cell = row[..end.unwrap_or(row.len())].trim_ascii();
        let Some(inner) = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")) else {
            return Some(Cow::Borrowed(cell));
        };
        if memchr(b'"', inner).is_none() {
            return Some(Cow::Borrowed(inner));
        }
        let mut plain = Vec::with_capacity(inner.len());
        let mut rest = inner;
        while let Some(at) = memchr(b'"', rest) {
            plain.extend_from_slice(&rest[..=at]);
            rest = &rest[at + 1..];
            rest = rest.strip_prefix(b"\"").unwrap_or(rest);
        }
        plain.extend_from_slice(rest);
        Some(Cow::Owned(plain))
    }
}

/// Elements with text in them, and attributes.
fn tags(text: &[u8], found: &mut DataClasses) {
    let mut rest = text;
    for _ in 0..NAMED_MAX {
        let Some(open) = memchr(b'<', rest) else { return };
        let Some(close) = memchr(b'>', &rest[open..]) else { return };
        let (tag, behind) = (&rest[open + 1..open + close], &rest[open + close + 1..]);
        rest = behind;
        if matches!(tag.first(), None | Some(b'/' | b'!' | b'?')) {
            continue;
        }
        let end = tag.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/');
        let name = &tag[..end.unwrap_or(tag.len())];
        attributes(&tag[name.len()..], found);
        let value = &behind[..memchr(b'<', behind).unwrap_or(behind.len())];
        let value = match behind.strip_prefix(b"<![CDATA[") {
            Some(data) => {
                let data = data.get(..CDATA_BYTES_MAX).unwrap_or(data);
                &data[..memchr::memmem::find(data, b"]]>").unwrap_or(data.len())]
            }
            None => value,
        };
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or(name);
        if !value.trim_ascii().is_empty() {
            put(local, &entities(value), found);
        }
    }
}

fn attributes(mut tag: &[u8], found: &mut DataClasses) {
    while let Some(equals) = memchr(b'=', tag) {
        let name = tag[..equals].trim_ascii();
        let name = name.rsplit(u8::is_ascii_whitespace).next().unwrap_or(name);
        let behind = tag[equals + 1..].trim_ascii_start();
        let Some((quote @ (b'"' | b'\''), value)) = behind.split_first() else { return };
        let Some(end) = memchr(*quote, value) else { return };
        put(name, &entities(&value[..end]), found);
        tag = &value[end + 1..];
    }
}

/// Resolves the five entities of XML.
fn entities(text: &[u8]) -> Cow<'_, [u8]> {
    const KNOWN: [(&[u8], u8); 5] =
        [(b"amp;", b'&'), (b"lt;", b'<'), (b"gt;", b'>'), (b"quot;", b'"'), (b"apos;", b'\'')];
    if memchr(b'&', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr(b'&', rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        match KNOWN.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, byte)) => {
                plain.push(*byte);
                rest = &rest[name.len()..];
            }
            None => plain.push(b'&'),
        }
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

/// `name: value` and `name = value`, up to what ends a value in prose.
fn labels(text: &[u8], found: &mut DataClasses) {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    for at in memchr::memchr2_iter(b':', b'=', text).take(NAMED_MAX) {
        let front = text[..at].trim_ascii_end();
        let front = front.strip_suffix(b"\"").unwrap_or(front);
        let length = front.iter().rev().take(NAME_BYTES_MAX).take_while(|byte| word(byte)).count();
        let name = &front[front.len() - length..];
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let hint = Hint::of(name);
        if name.is_empty() || hint == Hint::Plain {
            continue;
        }
        let value = &text[at + 1..];
        let value = value.get(..VALUE_BYTES_MAX).unwrap_or(value);
        let line = value.iter().position(|byte| matches!(byte, b';' | b'\n' | b'\r' | b'|'));
        let line = &value[..line.unwrap_or(value.len())];
        let comma = memchr::memmem::find(line, b", ").unwrap_or(line.len());
        let stop = memchr::memmem::find(line, b". ").unwrap_or(line.len());
        // names and addresses go on behind a comma or point, everything else ends there
        let ends = [line.len(), comma, stop, comma.min(stop)];
        let ends = if hint == Hint::None { &ends[3..] } else { &ends };
        for end in ends {
            let value = line[..*end].trim_ascii();
            let value = value.strip_suffix(b".").unwrap_or(value);
            let value = unquoted(value);
            let Ok(value) = std::str::from_utf8(value) else { continue };
            if value.len() < 2 {
                continue;
            }
            if let Some(class) = one(value, &Summary::of(value.as_bytes()), hint) {
                found.insert(class);
                break;
            }
        }
    }
}

fn unquoted(text: &[u8]) -> &[u8] {
    let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
    let inner = inner.or_else(|| text.strip_prefix(b"'").and_then(|text| text.strip_suffix(b"'")));
    inner.unwrap_or(text)
}
