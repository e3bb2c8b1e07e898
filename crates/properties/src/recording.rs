//! Recordings: however the bytes arrive, the same exchanges come out; and what came out, written
//! in our own form, is read as the same again.

use exchange::recording::{Reader, Tally, ndjson};

use crate::input::Input;

/// Reads a recording of this name in pieces and as a whole, writes it, and reads that.
pub(crate) fn check(bytes: &[u8], name: &str) {
    let input = Input::new(bytes);
    let (tally, written) = read(input.bytes, name, usize::MAX);
    let (in_pieces, same) = read(input.bytes, name, input.piece());
    assert_eq!(in_pieces, tally, "in pieces of {}", input.piece());
    assert_eq!(same.escape_ascii().to_string(), written.escape_ascii().to_string());
    let told: u64 = tally.reasons.values().sum();
    assert_eq!(told, tally.skipped, "each skipped record has its reason");
    let (again, rewritten) = read(&written, "written.ndjson", usize::MAX);
    assert_eq!(
        (again.exchanges, again.skipped),
        (tally.exchanges, 0),
        "{}",
        written.escape_ascii()
    );
    assert_eq!(rewritten.escape_ascii().to_string(), written.escape_ascii().to_string());
}

fn read(bytes: &[u8], name: &str, piece: usize) -> (Tally, Vec<u8>) {
    let mut reader = Reader::new(name);
    let mut written = Vec::new();
    for chunk in bytes.chunks(piece) {
        reader.push(chunk, &mut |recorded| ndjson::write(&recorded, &mut written));
    }
    reader.finish(&mut |recorded| ndjson::write(&recorded, &mut written));
    (reader.tally().clone(), written)
}
