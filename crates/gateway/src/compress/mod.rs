//! Compression towards clients: whether an answer is coded, and the coder that does it in pieces.
//!
//! The pieces of a slow upstream are not kept back: what has come is flushed before more is waited
//! for. Levels are chosen for a gateway's CPU and not for the smallest result, and windows are
//! bounded, since every answer under way has a coder of its own.

mod accept;

use std::cell::Cell;
use std::io::{self, Write};
use std::rc::Rc;

use flate2::Compression;
use flate2::write::GzEncoder;
use policy::document::Coding;
use wire::{Fields, Framing, RequestHead, ResponseHead, Version};

use crate::amend::Amend;
use crate::limits::{
    BROTLI_LEVEL, BROTLI_WINDOW_LOG, CODER_PIECE_BYTES, CODERS_MAX, COMPRESS_BYTES_MIN, GZIP_LEVEL,
    ZSTD_LEVEL, ZSTD_WINDOW_LOG,
};

/// What a service offers and what one client takes of it.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// `None`: the client takes none of what is offered.
    coding: Option<Coding>,
    coders: Rc<Cell<usize>>,
}

/// What becomes of an answer's body.
pub(crate) enum Choice {
    /// It passes as it came, and would for every client.
    AsItCame,
    /// It passes as it came; another client might get it coded.
    Varies,
    /// It is coded.
    Coded(Coder),
}

impl Offer {
    /// What the client that sent `head` takes of a service's `codings`. `coders` counts those of
    /// the worker.
    pub(crate) fn to(
        head: &RequestHead,
        codings: &[Coding],
        coders: &Rc<Cell<usize>>,
    ) -> Option<Self> {
        // HTTP/1.0 knows no chunks, and a body that ends with its connection cannot be told whole
        let plain = matches!(head.method(), "HEAD") || head.version() == Version::Http10;
        if codings.is_empty() || plain || head.upgrade().is_some() {
            return None;
        }
        let coding = accept::preferred(head.fields(), codings);
        Some(Self { coding, coders: Rc::clone(coders) })
    }

    /// What becomes of this answer.
    pub(crate) fn choose(&self, head: &ResponseHead) -> Choice {
        if !is_compressible(head) {
            return Choice::AsItCame;
        }
        let Some(coding) = self.coding.filter(|_| self.coders.get() < CODERS_MAX) else {
            return Choice::Varies;
        };
        match Coder::new(coding, &self.coders) {
            Ok(coder) => Choice::Coded(coder),
            Err(_) => Choice::Varies,
        }
    }
}

/// Fields that speak of the bytes as they were: coded ones would not match.
const DIGESTS: [&str; 4] = ["content-md5", "digest", "content-digest", "repr-digest"];

fn is_compressible(head: &ResponseHead) -> bool {
    let fields = head.fields();
    let long_enough = match head.framing() {
        Framing::None => false,
        Framing::Length(length) => length >= COMPRESS_BYTES_MIN,
        Framing::Chunked | Framing::UntilClose => true,
    };
    long_enough
        && !matches!(head.status(), 100..=199 | 204 | 205 | 206 | 304)
        && fields.get("content-encoding").is_none()
        && fields.get("content-range").is_none()
        && DIGESTS.iter().all(|name| fields.get(name).is_none())
        && is_compressible_media(fields)
        && !forbids_transformation(fields)
}

/// Media types whose bodies are text. Pictures, archives and films are compressed already, and
/// events of a stream are too short to gain from it.
fn is_compressible_media(fields: &Fields) -> bool {
    const OTHERS: [&[u8]; 7] = [
        b"application/json",
        b"application/javascript",
        b"application/xml",
        b"application/x-ndjson",
        b"application/graphql",
        b"application/wasm",
        b"application/yaml",
    ];
    let value = fields.get("content-type").unwrap_or_default();
    let media = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let media = media.to_ascii_lowercase();
    media.starts_with(b"text/") && media != b"text/event-stream"
        || media.ends_with(b"+json")
        || media.ends_with(b"+xml")
        || OTHERS.contains(&media.as_slice())
}

/// RFC 9111 §5.2.2.6.
fn forbids_transformation(fields: &Fields) -> bool {
    fields
        .get_all("cache-control")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
}

impl Choice {
    /// What must change in the answer's head.
    pub(crate) fn amend(&self, head: &ResponseHead, amend: &mut Amend) {
        let (Self::Varies | Self::Coded(_)) = self else { return };
        if !varies_by_encoding(head.fields()) {
            amend.append("Vary", b"Accept-Encoding");
        }
        let Self::Coded(coder) = self else { return };
        amend.append("Content-Encoding", coder.coding.as_str().as_bytes());
        amend.reframe();
        // a part of the coded body cannot be asked for: it is made anew each time
        amend.remove("Accept-Ranges");
        // RFC 9110 §8.8.1: other bytes under the same strong validator would be a lie
        if let Some(tag) = head.fields().get("etag").filter(|tag| tag.starts_with(b"\"")) {
            amend.remove("ETag");
            amend.append("ETag", &[b"W/", tag].concat());
        }
    }
}

fn varies_by_encoding(fields: &Fields) -> bool {
    fields
        .get_all("vary")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"accept-encoding"))
}

enum Engine {
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(Box<GzEncoder<Vec<u8>>>),
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

/// A body on its way through a coding.
pub(crate) struct Coder {
    coding: Coding,
    engine: Engine,
    /// Something was put in that has not been flushed.
    holds: bool,
    _place: Place,
}

impl Coder {
    /// A coder that has coded nothing.
    ///
    /// # Errors
    /// When there is no memory for it.
    fn new(coding: Coding, coders: &Rc<Cell<usize>>) -> io::Result<Self> {
        let engine = match coding {
            Coding::Brotli => Engine::Brotli(Box::new(brotli::CompressorWriter::new(
                Vec::new(),
                CODER_PIECE_BYTES,
                BROTLI_LEVEL,
                BROTLI_WINDOW_LOG,
            ))),
            Coding::Gzip => {
                Engine::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))))
            }
            Coding::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.window_log(ZSTD_WINDOW_LOG)?;
                Engine::Zstd(Box::new(encoder))
            }
        };
        Ok(Self { coding, engine, holds: false, _place: Place::take(coders) })
    }

    /// Codes a piece and appends what is ready to `out`.
    ///
    /// # Errors
    /// What the library says; the answer must then be broken off.
    pub(crate) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        if piece.is_empty() {
            return Ok(());
        }
        self.holds = true;
        self.writer().write_all(piece)?;
        out.append(self.coded());
        Ok(())
    }

    /// Appends everything that was put in, so that the client can read all of it.
    ///
    /// # Errors
    /// As for [`Coder::push`].
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if !std::mem::take(&mut self.holds) {
            return Ok(());
        }
        self.writer().flush()?;
        out.append(self.coded());
        Ok(())
    }

    /// Appends the end.
    ///
    /// # Errors
    /// As for [`Coder::push`].
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = match self.engine {
            Engine::Brotli(writer) => writer.into_inner(),
            Engine::Gzip(writer) => writer.finish()?,
            Engine::Zstd(writer) => writer.finish()?,
        };
        out.append(&mut rest);
        Ok(())
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.engine {
            Engine::Brotli(writer) => &mut **writer,
            Engine::Gzip(writer) => &mut **writer,
            Engine::Zstd(writer) => &mut **writer,
        }
    }

    fn coded(&mut self) -> &mut Vec<u8> {
        match &mut self.engine {
            Engine::Brotli(writer) => writer.get_mut(),
            Engine::Gzip(writer) => writer.get_mut(),
            Engine::Zstd(writer) => writer.get_mut(),
        }
    }
}

/// A coder is counted while it lives: each holds up to a megabyte.
struct Place(Rc<Cell<usize>>);

impl Place {
    fn take(coders: &Rc<Cell<usize>>) -> Self {
        coders.set(coders.get() + 1);
        Self(Rc::clone(coders))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn head(fields: &str) -> ResponseHead {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        crate::amend::read(text.as_bytes(), wire::Asked::Plain).unwrap()
    }

    fn decode(coding: Coding, coded: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // what a client can read of a stream that has not ended counts, too
        let _ = match coding {
            Coding::Brotli => brotli::Decompressor::new(coded, 4_096).read_to_end(&mut out),
            Coding::Gzip => flate2::read::GzDecoder::new(coded).read_to_end(&mut out),
            Coding::Zstd => zstd::Decoder::new(coded).unwrap().read_to_end(&mut out),
        };
        out
    }

    #[test]
    fn every_piece_can_be_read_once_it_is_flushed() {
        let coders = Rc::new(Cell::new(0));
        let mut ran = 0;
        for coding in Coding::ALL {
            let mut coder = Coder::new(coding, &coders).unwrap();
            assert_eq!(coders.get(), 1);
            let (mut whole, mut out) = (Vec::new(), Vec::new());
            for at in 0..200_usize {
                let piece = format!("{{\"item\":{at},\"name\":\"{}\"}}", at * 7919).repeat(at % 9);
                whole.extend_from_slice(piece.as_bytes());
                coder.push(piece.as_bytes(), &mut out).unwrap();
                if at % 10 == 0 {
                    coder.flush(&mut out).unwrap();
                    assert_eq!(decode(coding, &out), whole, "{coding:?} after {at}");
                    let before = out.len();
                    coder.flush(&mut out).unwrap();
                    assert_eq!(out.len(), before, "an idle flush says nothing");
                }
                ran += 1;
            }
            coder.finish(&mut out).unwrap();
            assert_eq!(decode(coding, &out), whole);
            assert!(out.len() < whole.len());
            assert_eq!(coders.get(), 0);
        }
        assert_eq!(ran, 600);
    }

    #[test]
    fn only_text_that_nobody_protects_is_coded() {
        const JSON: &str = "Content-Type: application/json\r\n";
        let cases = [
            (format!("{JSON}Content-Length: 1024\r\n"), true),
            (format!("{JSON}Content-Length: 1023\r\n"), false),
            (format!("{JSON}Transfer-Encoding: chunked\r\n"), true),
            (JSON.to_owned(), true),
            ("Content-Type: text/html; charset=utf-8\r\n".to_owned(), true),
            ("Content-Type: application/problem+json\r\n".to_owned(), true),
            ("Content-Type: image/svg+xml\r\n".to_owned(), true),
            ("Content-Type: text/event-stream\r\n".to_owned(), false),
            ("Content-Type: image/png\r\n".to_owned(), false),
            ("Content-Type: application/grpc\r\n".to_owned(), false),
            (String::new(), false),
            (format!("{JSON}Content-Encoding: gzip\r\n"), false),
            (format!("{JSON}Content-Range: bytes 0-1/9\r\n"), false),
            (format!("{JSON}Cache-Control: public, No-Transform\r\n"), false),
            (format!("{JSON}Content-Digest: sha-256=:x:\r\n"), false),
        ];
        let mut ran = 0;
        for (fields, expected) in cases {
            assert_eq!(is_compressible(&head(&fields)), expected, "{fields}");
            ran += 1;
        }
        assert_eq!(ran, 15);
    }

    #[test]
    fn the_head_says_what_was_done() {
        let coders = Rc::new(Cell::new(0));
        let offer = |coding| Offer { coding, coders: Rc::clone(&coders) };
        let json = "Content-Type: application/json\r\nContent-Length: 2000\r\n\
                    ETag: \"a\"\r\nAccept-Ranges: bytes\r\n";
        let original = head(json);
        let coded = offer(Some(Coding::Gzip)).choose(&original);
        let mut amend = Amend::default();
        coded.amend(&original, &mut amend);
        let changed = amend.apply(&original, wire::Asked::Plain).unwrap();
        assert_eq!(changed.framing(), Framing::Chunked);
        let fields = changed.fields();
        assert_eq!(fields.get("content-length"), None);
        assert_eq!(fields.get("accept-ranges"), None);
        assert_eq!(fields.get("content-encoding"), Some(b"gzip".as_slice()));
        assert_eq!(fields.get("vary"), Some(b"Accept-Encoding".as_slice()));
        assert_eq!(fields.get_all("etag").collect::<Vec<_>>(), [b"W/\"a\"".as_slice()]);

        let original = head(&format!("{json}Vary: Origin, accept-encoding\r\n"));
        let mut amend = Amend::default();
        offer(None).choose(&original).amend(&original, &mut amend);
        assert!(amend.is_empty(), "the upstream has said it");

        coders.set(CODERS_MAX);
        assert!(matches!(offer(Some(Coding::Gzip)).choose(&head(json)), Choice::Varies));
    }
}
