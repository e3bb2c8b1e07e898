//! Byte classes and the loops that find where a token, a value or a target ends.

/// Bytes of a `token` (RFC 9110 §5.6.2).
pub(crate) const TOKEN: [bool; 256] = token_bytes();

const fn token_bytes() -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric()
            || matches!(
                b,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        byte += 1;
    }
    table
}

/// Whether `text` is a token.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && token_end(text) == text.len()
}

/// Where the token at the start of `bytes` ends.
pub(crate) fn token_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|&b| !TOKEN[usize::from(b)]).unwrap_or(bytes.len())
}

/// Where the field value at the start of `bytes` ends: the first control byte that is not a tab.
pub(crate) fn value_end(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        at += first_below::<0x20>(rest);
        if bytes.get(at) != Some(&b'\t') {
            return at;
        }
        at += 1;
    }
}

/// Where the target at the start of `bytes` ends: the first space or control byte.
pub(crate) fn target_end(bytes: &[u8]) -> usize {
    first_below::<0x21>(bytes)
}

/// The first byte that is below `FLOOR` or DEL; eight bytes at a time.
fn first_below<const FLOOR: u8>(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let below = word.wrapping_sub(ONES * FLOOR as u64) & !word;
        let without_del = word ^ (ONES * 0x7f);
        let del = without_del.wrapping_sub(ONES) & !without_del;
        // A borrow can only set a bit above the first true one, so the lowest bit is exact.
        let found = (below | del) & HIGHS;
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let start = bytes.len() - tail.len();
    start + tail.iter().position(|&b| b < FLOOR || b == 0x7f).unwrap_or(tail.len())
}

/// `text` without spaces and tabs at either end.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !blank(b)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

/// The value of a hexadecimal digit.
pub(crate) const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_loop_finds_what_a_byte_loop_finds() {
        let mut cases = 0;
        for byte in 0..=255_u8 {
            for at in 0..20 {
                let mut text = *b"aaaa\xffaaaaaaa\x80aaaaaaaa";
                text[at] = byte;
                let slow = text.iter().position(|&b| (b < 0x20 && b != b'\t') || b == 0x7f);
                assert_eq!(value_end(&text), slow.unwrap_or(text.len()), "{byte} at {at}");
                let slow = text.iter().position(|&b| b <= 0x20 || b == 0x7f);
                assert_eq!(target_end(&text), slow.unwrap_or(text.len()), "{byte} at {at}");
                cases += 1;
            }
        }
        assert_eq!(cases, 5120);
    }
}
