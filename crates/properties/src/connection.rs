//! Connections: several requests behind one another, however they are cut on their way, give the
//! same verdicts and the same bytes upstream (P1); a refusal is the last verdict (P3); and what
//! goes upstream is read as exactly the requests that were let through (P4).

use wire::body::{CHUNK_END, Progress, encode_chunk_head, encode_last_chunk};
use wire::{BodyLimits, BodyReader, Framing, HeadLimits, Parsed, Profile, Refusal, RequestHead};

use crate::input::Input;
use crate::request;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    let profile = input.of(request::PROFILES);
    let whole = Connection::run(input.bytes, usize::MAX, profile);
    let cut = Connection::run(input.bytes, input.piece(), profile);
    assert_eq!(cut.verdicts, whole.verdicts, "in pieces of {}", input.piece());
    assert_eq!(cut.complete(), whole.complete(), "in pieces of {}", input.piece());
    let passed = whole.verdicts.iter().filter(|verdict| verdict.is_ok()).count();
    let again = Connection::run(whole.complete(), usize::MAX, profile);
    assert_eq!(again.verdicts.len(), passed, "{}", whole.complete().escape_ascii());
    assert!(again.verdicts.iter().all(Result::is_ok));
    assert_eq!(again.bodies, whole.bodies);
}

/// One connection: what was decided of each request, and what went upstream.
#[derive(Debug, Default)]
struct Connection {
    /// The method and target of each whole request, or the refusal that ended the connection.
    verdicts: Vec<Result<String, Refusal>>,
    /// The body of each whole request.
    bodies: Vec<Vec<u8>>,
    upstream: Vec<u8>,
    /// How much of `upstream` belongs to whole requests.
    whole: usize,
}

impl Connection {
    /// Reads a connection whose bytes arrive in pieces.
    fn run(bytes: &[u8], piece: usize, profile: Profile) -> Self {
        let mut connection = Self::default();
        let mut head = RequestHead::new();
        let mut at = 0;
        while let Ok(Some(used)) = connection.request(bytes, at, piece, profile, &mut head) {
            at += used;
        }
        connection
    }

    /// What went upstream for whole requests. A request that is broken off within its body has
    /// begun to go upstream as far as it had come, which depends on the pieces.
    fn complete(&self) -> &[u8] {
        self.upstream.get(..self.whole).unwrap_or_default()
    }

    /// Passes one request on. How long it was; nothing if it is not all there.
    fn request(
        &mut self,
        bytes: &[u8],
        from: usize,
        piece: usize,
        profile: Profile,
        head: &mut RequestHead,
    ) -> Result<Option<usize>, Refusal> {
        let passed = self.pass(bytes.get(from..).unwrap_or_default(), piece, profile, head);
        match passed {
            Ok(Some((used, body))) => {
                let target = head.raw_target().escape_ascii();
                self.verdicts.push(Ok(format!("{} {target}", head.method())));
                self.bodies.push(body);
                self.whole = self.upstream.len();
                Ok(Some(used))
            }
            Ok(None) => Ok(None),
            Err(refusal) => {
                self.verdicts.push(Err(refusal));
                Err(refusal)
            }
        }
    }

    fn pass(
        &mut self,
        bytes: &[u8],
        piece: usize,
        profile: Profile,
        head: &mut RequestHead,
    ) -> Result<Option<(usize, Vec<u8>)>, Refusal> {
        head.clear();
        let mut seen = 0_usize;
        let head_len = loop {
            seen = seen.saturating_add(piece).min(bytes.len());
            let so_far = bytes.get(..seen).unwrap_or_default();
            match wire::request::parse_head(so_far, &HeadLimits::request(), profile, head)? {
                Parsed::Complete { head_len } => break head_len,
                Parsed::Partial if seen == bytes.len() => return Ok(None),
                Parsed::Partial => {}
            }
        };
        request::write(head, profile, &mut self.upstream);
        let rest = bytes.get(head_len..).unwrap_or_default();
        let body = self.body(rest, piece, head.framing())?;
        Ok(body.map(|(used, data)| (head_len + used, data)))
    }

    fn body(
        &mut self,
        bytes: &[u8],
        piece: usize,
        framing: Framing,
    ) -> Result<Option<(usize, Vec<u8>)>, Refusal> {
        let mut reader = BodyReader::new(framing, &BodyLimits::request())?;
        let mut data = Vec::new();
        let mut at = 0_usize;
        loop {
            let end = at.saturating_add(piece).min(bytes.len());
            let (used, progress) = reader.advance(bytes.get(at..end).unwrap_or_default())?;
            if let Progress::Data(range) = &progress {
                let chunk = bytes.get(at + range.start..at + range.end).unwrap_or_default();
                data.extend_from_slice(chunk);
            }
            at += used;
            match progress {
                Progress::End => break,
                Progress::More if at == bytes.len() => return Ok(None),
                Progress::Data(_) | Progress::More => {}
            }
        }
        if framing == Framing::Chunked {
            // one chunk: how the data came in pieces is nobody's business
            if !data.is_empty() {
                encode_chunk_head(data.len(), &mut self.upstream);
                self.upstream.extend_from_slice(&data);
                self.upstream.extend_from_slice(CHUNK_END);
            }
            encode_last_chunk(Some(reader.trailers()), &mut self.upstream);
        } else {
            self.upstream.extend_from_slice(&data);
        }
        Ok(Some((at, data)))
    }
}
