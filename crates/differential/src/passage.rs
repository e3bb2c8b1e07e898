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
    /// The client wants to send another request behind it.
    keeps: bool,
    /// It asks for another protocol.
    switches: bool,
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

impl Message {
    /// A request with another one hidden behind its declared end: every reader must say that this
    /// is not the one request that it is said to be.
    pub(crate) fn with_another_behind() -> Self {
        let bytes = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\
                      GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
        let (keeps, switches) = (true, false);
        let (method, meaning) = ("POST".to_owned(), b"POST /a a\nhi".to_vec());
        Self { bytes: bytes.to_vec(), method, meaning, keeps, switches }
    }
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
                    if !message.keeps {
                        rest = &[];
                    }
                    if message.switches {
                        passage.switches += 1;
                    } else {
                        passage.messages.push(message);
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

type Forwarded = Option<(usize, Message)>;

/// Forwards the first request, and says how long it was; nothing if it is not all there.
fn forward(bytes: &[u8], piece: usize, setting: Setting) -> Result<Forwarded, Refusal> {
    let mut head = RequestHead::new();
    let mut seen = 0_usize;
    let head_len = loop {
        seen = seen.saturating_add(piece).min(bytes.len());
        let so_far = bytes.get(..seen).unwrap_or_default();
        let limits = HeadLimits::request();
        match wire::request::parse_head(so_far, &limits, Profile::Observe, &mut head)? {
            Parsed::Complete { head_len } => break head_len,
            Parsed::Partial if seen == bytes.len() => return Ok(None),
            Parsed::Partial => {}
        }
    };
    // as at the gateway: read mildly, and held to the profile where something is enforced
    if setting.mode == Mode::Block
        && let Some(refusal) = head.refused_by(setting.profile)
    {
        return Err(refusal);
    }
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
    let message = Message {
        bytes: out,
        method: head.method().to_owned(),
        meaning,
        keeps: head.keep_alive(),
        switches: head.upgrade().is_some(),
    };
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
        // a target may name the host that no field does
        let known = head.authority().map(ToString::to_string).unwrap_or_default();
        let host = head.fields().get("host").unwrap_or(known.as_bytes());
        line.extend_from_slice(host);
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Corpus;
    use crate::random::Random;

    const STRICT: Setting = Setting { mode: Mode::Block, profile: Profile::Strict };

    fn corpus() -> Corpus {
        let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds");
        Corpus::read(std::path::Path::new(seeds)).unwrap()
    }

    #[test]
    fn what_is_forwarded_does_not_depend_on_how_it_arrives() {
        let corpus = corpus();
        let mut random = Random::new(7);
        let mut tally = [0, 0];
        for _ in 0..2_000 {
            let bytes = corpus.connection(&mut random);
            let whole = Passage::of(&bytes, usize::MAX, STRICT);
            let cut = Passage::of(&bytes, 1 + random.below(9), STRICT);
            assert_eq!(cut.refusal, whole.refusal, "{}", bytes.escape_ascii());
            let meant = |passage: &Passage| -> Vec<Vec<u8>> {
                passage.messages.iter().map(|message| message.meaning.clone()).collect()
            };
            assert_eq!(meant(&cut), meant(&whole), "{}", bytes.escape_ascii());
            tally[0] += whole.messages.len();
            tally[1] += usize::from(whole.refusal.is_some());
        }
        assert!(tally.iter().all(|count| *count > 300), "{tally:?}");
    }

    #[test]
    fn the_same_seed_makes_the_same_connections() {
        let corpus = corpus();
        let made = |seed| corpus.connection(&mut Random::new(seed));
        assert!((0..50).all(|seed| made(seed) == made(seed)));
        assert!((0..50).any(|seed| made(seed) != made(seed + 1)));
    }
}
