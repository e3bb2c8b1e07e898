//! Bodies: any bytes under any framing give the same data, the same end and the same refusal at
//! every size of chunk, and chunked data written again is read as the same data.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::body::{self, Progress};
use wire::{BodyLimits, BodyReader, Framing, Refusal};

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (choice, number, bytes) = input;
    let framing = match choice % 3 {
        0 => Framing::Chunked,
        1 => Framing::Length(u64::from(number)),
        _ => Framing::UntilClose,
    };
    let whole = read(framing, bytes, bytes.len());
    let piece = 1 + usize::from(choice) / 3;
    assert_eq!(read(framing, bytes, piece), whole, "in pieces of {piece}");
    if let Ok(Reading { data, ended: true }) = whole {
        write_again(&data, piece);
    }
});

#[derive(Debug, PartialEq)]
struct Reading {
    data: Vec<u8>,
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
                    return Ok(Reading { data, ended: true });
                }
            }
        }
    }
    assert_eq!(reader.received(), data.len() as u64);
    Ok(Reading { data, ended: reader.is_ended() })
}

/// Data written as chunks of one size and read back.
fn write_again(data: &[u8], piece: usize) {
    let mut written = Vec::new();
    for chunk in data.chunks(piece) {
        body::encode_chunk_head(chunk.len(), &mut written);
        written.extend_from_slice(chunk);
        written.extend_from_slice(body::CHUNK_END);
    }
    body::encode_last_chunk(None, &mut written);
    let again = read(Framing::Chunked, &written, written.len());
    assert_eq!(again, Ok(Reading { data: data.to_vec(), ended: true }));
}
