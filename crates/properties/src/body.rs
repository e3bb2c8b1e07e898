//! Bodies: any bytes under any framing give the same data, the same end and the same refusal at
//! every size of chunk, and chunked data written again is read as the same data and trailers.

use wire::body::{self, Progress};
use wire::{BodyLimits, BodyReader, Fields, Framing, Refusal};

use crate::input::Input;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    let framing = match input.choice % 3 {
        0 => Framing::Chunked,
        1 => Framing::Length(u64::from(input.number)),
        _ => Framing::UntilClose,
    };
    let bytes = input.bytes;
    let whole = read(framing, bytes, bytes.len());
    let piece = 1 + usize::from(input.choice) / 3;
    assert_eq!(read(framing, bytes, piece), whole, "in pieces of {piece}");
    if let Ok(first) = whole
        && first.ended
    {
        let second = write_again(&first, piece);
        assert_eq!(second.data, first.data);
        // what was fit to be written once is written the same ever after
        assert_eq!(write_again(&second, 7).trailers, second.trailers);
    }
}

#[derive(Debug, PartialEq)]
struct Reading {
    data: Vec<u8>,
    trailers: Fields,
    ended: bool,
}

/// Reads a body that arrives in pieces.
fn read(framing: Framing, bytes: &[u8], piece: usize) -> Result<Reading, Refusal> {
    let mut reader = BodyReader::new(framing, &BodyLimits::request())?;
    let mut data = Vec::new();
    for mut rest in bytes.chunks(piece.max(1)) {
        loop {
            let (consumed, progress) = reader.advance(rest)?;
            if let Progress::Data(range) = &progress {
                assert!(range.end <= consumed);
                data.extend_from_slice(&rest[range.clone()]);
            }
            rest = &rest[consumed..];
            match progress {
                Progress::Data(_) => {}
                Progress::More => {
                    assert!(rest.is_empty());
                    break;
                }
                Progress::End => {
                    assert!(reader.is_ended());
                    return Ok(Reading { data, trailers: reader.trailers().clone(), ended: true });
                }
            }
        }
    }
    assert_eq!(reader.received(), data.len() as u64);
    Ok(Reading { data, trailers: Fields::new(), ended: reader.is_ended() })
}

/// A body written as chunks of one size, with its trailers, and read back.
fn write_again(body: &Reading, piece: usize) -> Reading {
    let mut written = Vec::new();
    for chunk in body.data.chunks(piece) {
        body::encode_chunk_head(chunk.len(), &mut written);
        written.extend_from_slice(chunk);
        written.extend_from_slice(body::CHUNK_END);
    }
    body::encode_last_chunk(Some(&body.trailers), &mut written);
    let again = read(Framing::Chunked, &written, written.len())
        .unwrap_or_else(|refusal| panic!("{refusal:?} for {}", written.escape_ascii()));
    assert!(again.ended && again.trailers.len() <= body.trailers.len());
    again
}
