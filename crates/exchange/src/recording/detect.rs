//! Which form a recording has, by how it begins; its name is a hint where that leaves doubt.

use super::pull::{Pull, Stop};

/// How far a beginning is looked at.
const LOOK_BYTES: usize = 64 << 10;

/// The forms of recordings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// One line of text per exchange, as web servers write it.
    AccessLog,
    /// A HAR document, or an array of its entries.
    Har,
    /// One HAR entry per line.
    HarLines,
    /// One JSON object per line, as web servers write it.
    JsonLog,
    /// Our own lossless form.
    Ndjson,
    /// None of these.
    Unknown,
}

impl Form {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessLog => "access log",
            Self::Har => "HAR",
            Self::HarLines => "HAR entries by line",
            Self::JsonLog => "JSON access log",
            Self::Ndjson => "ndjson",
            Self::Unknown => "unknown form",
        }
    }
}

/// The form of what begins with `bytes`. `None`: more of it is needed. `last` says that there is
/// no more.
#[must_use]
pub fn form(bytes: &[u8], last: bool, name: &str) -> Option<Form> {
    let whole = last || bytes.len() >= LOOK_BYTES;
    let text = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => rest,
        None if bytes.len() < 3 && !whole => return None,
        None => bytes,
    };
    let text = text.trim_ascii_start();
    match text.first() {
        None => whole.then(|| by_name(name, Form::AccessLog)),
        Some(b'{') => objects(text, whole, name),
        Some(b'[') => match text[1..].trim_ascii_start().first() {
            None if !whole => None,
            Some(b'{') => Some(Form::Har),
            None | Some(b']') => Some(by_name(name, Form::Har)),
            Some(_) => Some(Form::AccessLog),
        },
        Some(_) => plain(text, whole),
    }
}

/// What begins like no JSON: text in lines, unless its first bytes are not text.
fn plain(text: &[u8], whole: bool) -> Option<Form> {
    let head = text.get(..512).unwrap_or(text);
    let line = match memchr::memchr(b'\n', head).map(|at| at.max(16)) {
        Some(end) if end <= head.len() => &head[..end],
        _ if whole || head.len() == 512 => head,
        _ => return None,
    };
    let alien = |byte: &u8| byte.is_ascii_control() && !b"\t\n\r\x1b".contains(byte);
    let foreign = line.iter().take(16).any(alien) || line.contains(&0);
    Some(if foreign { Form::Unknown } else { Form::AccessLog })
}

fn by_name(name: &str, otherwise: Form) -> Form {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".gz").unwrap_or(&lower);
    match stem.rsplit_once('.') {
        Some((_, "har")) => Form::Har,
        Some((_, "ndjson" | "jsonl")) => Form::Ndjson,
        _ => otherwise,
    }
}

/// What begins with an object: one document, or one object a line, of which the first that can be
/// read decides.
fn objects(text: &[u8], whole: bool, name: &str) -> Option<Form> {
    let otherwise = match object(text) {
        Ok(Form::Unknown) if text[1..].trim_ascii_start() != &text[1..] => {
            return Some(Form::Unknown);
        }
        Ok(Form::Unknown) => Form::Unknown,
        Ok(form) => return Some(form),
        Err(Stop::More) if !whole => return None,
        Err(Stop::More) => Form::Har,
        Err(Stop::Broken(_)) => Form::JsonLog,
    };
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let by_line = lines.find_map(|line| object(line).ok());
    match by_line {
        Some(form) => Some(form),
        None => whole.then(|| by_name(name, otherwise)),
    }
}

/// The form that one object shows, which may be a document or a line.
fn object(text: &[u8]) -> Result<Form, Stop> {
    let mut pull = Pull::new(text);
    pull.expect(b'{', "an object")?;
    let (mut started, mut at, mut request, mut response) = (false, false, false, false);
    while let Some(name) = pull.member()? {
        let value = pull.peek()?;
        match (name.raw(), value) {
            (b"log", b'{') if is_har_log(pull)? => return Ok(Form::Har),
            (b"entries", b'[') => return Ok(Form::Har),
            (b"startedDateTime", _) => started = true,
            (b"at", _) => at = true,
            (b"request", b'{') => request = true,
            (b"response", b'{') => response = true,
            _ => {}
        }
        pull.skip()?;
    }
    let end = pull.at();
    if memchr::memchr(b'\n', &text[..end]).is_some() {
        // an object over several lines is a document, and it was none with entries
        return Ok(Form::Unknown);
    }
    Ok(match (started, at, request, response) {
        (true, _, true, _) => Form::HarLines,
        (_, true, true, _) => Form::Ndjson,
        (_, _, true, true) => Form::HarLines,
        _ => Form::JsonLog,
    })
}

/// True for the `log` of HAR; logs of other makers have one as well.
fn is_har_log(mut pull: Pull<'_>) -> Result<bool, Stop> {
    pull.expect(b'{', "an object")?;
    let first = pull.member()?;
    Ok(first.is_some_and(|name| {
        matches!(
            name.raw(),
            b"version" | b"creator" | b"browser" | b"pages" | b"entries" | b"comment"
        )
    }))
}
