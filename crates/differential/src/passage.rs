//! A connection's bytes through our forwarding code: the messages that go upstream, each with what
//! was decided on.

use policy::Mode;
use wire::body::{Progress, encode_last_chunk};
use wire::{BodyLimits, BodyReader, Framing, HeadLimits, Parsed, Profile, Refusal, RequestHead};

/// A message as it goes upstream, and what we say that it is.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Every byte of it.
    pub(crate) bytes: Vec<u8>,
    /// Its method.
    pub(crate) method: String,
    /// What every reader must say: method, target and Host in a line, then the body.
    pub(crate) meaning: Vec<u8>,
}

/// How a service is set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Setting {
    pub(crate) mode: Mode,
    pub(crate) profile: Profile,
}

/// What became of a connection.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    /// The requests that went upstream whole.
    pub(crate) messages: Vec<Message>,
    /// What ended the connection.
    pub(crate) refusal: Option<Refusal>,
    /// Requests that ask for another protocol: behind them, bytes are no longer HTTP.
    pub(crate) switches: usize,
}

impl Passage {
    /// Forwards the requests of a connection whose bytes arrive in pieces of `piece`.
    pub(crate) fn of(bytes: &[u8], piece: usize, setting: Setting) -> Self {
        let mut passage = Self::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            match forward(rest, piece, setting) {
                Ok(Some((used, message))) => {
                    rest = rest.get(used..).unwrap_or_default();
                    match message {
                        Some(message) => passage.messages.push(message),
                        None => passage.switches += 1,
                    }
                }
                Ok(None) => break,
                Err(refusal) => {
                    passage.refusal = Some(refusal);
                    break;
                }
            }
        }
        passage
    }
}

type Forwarded = Option<(usize, Option<Message>)>;

/// Forwards the first request, and says how long it was; nothing if it is not all there.
fn forward(bytes: &[u8], piece: usize, setting: Setting) -> Result<Forwarded, Refusal> {
    let mut head = RequestHead::new();
    let mut seen = 0_usize;
    let head_len = loop {
        seen = seen.saturating_add(piece).min(bytes.len());
        let so_far = bytes.get(..seen).unwrap_or_default();
        let limits = HeadLimits::request();
        match wire::request::parse_head(so_far, &limits, setting.profile, &mut head)? {
            Parsed::Complete { head_len } => break head_len,
            Parsed::Partial if seen == bytes.len() => return Ok(None),
            Parsed::Partial => {}
        }
    };
    let mut out = Vec::new();
    gateway::forwarding::request_head(&head, setting.mode, "192.0.2.1", &mut out);
    let mut meaning = said(&head, setting);
    let mut reader = BodyReader::new(head.framing(), &BodyLimits::request())?;
    let chunked = head.framing() == Framing::Chunked;
    let mut at = head_len;
    loop {
        let end = at.saturating_add(piece).min(bytes.len());
        let input = bytes.get(at..end).unwrap_or_default();
        let (used, progress) = reader.advance(input)?;
        at += used;
        match progress {
            Progress::Data(range) => {
                let data = input.get(range).unwrap_or_default();
                gateway::forwarding::body_data(data, chunked, &mut out);
                meaning.extend_from_slice(data);
            }
            Progress::More if at == bytes.len() => return Ok(None),
            Progress::More => {}
            Progress::End => break,
        }
    }
    if chunked {
        encode_last_chunk(Some(reader.trailers()), &mut out);
    }
    let method = head.method().to_owned();
    let message = head.upgrade().is_none().then_some(Message { bytes: out, method, meaning });
    Ok(Some((at, message)))
}

/// Method, target and Host on which it was decided: in their canonical form where something is
/// enforced, as they came where nothing is.
fn said(head: &RequestHead, setting: Setting) -> Vec<u8> {
    let mut line = [head.method().as_bytes(), b" "].concat();
    if setting.mode == Mode::Block {
        let asterisk = head.form() == wire::TargetForm::Asterisk;
        line.extend_from_slice(if asterisk { b"*" } else { head.path().as_str().as_bytes() });
        if let Some(query) = head.query() {
            line.push(b'?');
            line.extend_from_slice(query.raw());
        }
        line.push(b' ');
        let host = head.authority().map(ToString::to_string).unwrap_or_default();
        line.extend_from_slice(host.as_bytes());
    } else {
        line.extend_from_slice(head.raw_target());
        line.push(b' ');
        line.extend_from_slice(head.fields().get("host").unwrap_or_default());
    }
    line.push(b'\n');
    line
}
