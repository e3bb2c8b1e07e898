//! Base 64 (RFC 4648) as recordings use it: lenient on reading, padded on writing.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Marks in [`VALUES`].
const SPACE: u8 = 0xfe;
const OTHER: u8 = 0xff;

/// What each byte stands for; both alphabets of RFC 4648 are read.
const VALUES: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut at = 0;
    while at < 64 {
        table[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table[b' ' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table
};

/// Appends what `text` stands for; white space and missing padding are forgiven. `None`: it is
/// not base 64, and `out` holds what preceded the fault.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let end = text.iter().rposition(|byte| !matches!(byte, b'=' | b'\n' | b'\r' | b' '));
    let text = text.get(..end.map_or(0, |at| at + 1))?;
    out.reserve(text.len() / 4 * 3 + 3);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for &byte in text {
        match VALUES[usize::from(byte)] {
            OTHER => return None,
            SPACE => continue,
            value => bits = bits << 6 | u32::from(value),
        }
        held += 1;
        if held == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, held) = (0, 0);
        }
    }
    match held {
        0 => {}
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        _ => return None,
    }
    Some(())
}

/// Appends `bytes` in base 64.
pub(super) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= group.len() { digit } else { b'=' });
        }
    }
}
