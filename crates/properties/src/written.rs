//! What must be true of every head that goes out, whatever it was made from.

/// Checks the bytes of a head as they go out: lines end in CRLF and nowhere else, there is one
/// empty line, at the end, and at most one field that says where the body ends.
pub fn sound_head(written: &[u8]) {
    let shown = written.escape_ascii();
    let text = written.strip_suffix(b"\r\n\r\n").unwrap_or_else(|| panic!("no end: {shown}"));
    let mut framings = 0;
    for (number, line) in split_lines(text).into_iter().enumerate() {
        assert!(!line.is_empty(), "an empty line within: {shown}");
        let control = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        assert!(!line.iter().any(control), "a control byte in a line: {shown}");
        if number == 0 {
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or_default();
        let name = line.get(..colon).unwrap_or_default();
        assert!(!name.is_empty(), "a field without a name: {shown}");
        assert!(!name.iter().any(|&byte| byte <= b' ' || byte >= 0x7f), "a name: {shown}");
        let spelt = spelling(name);
        framings += usize::from(spelt == "content-length" || spelt == "transfer-encoding");
    }
    assert!(framings <= 1, "{framings} framings: {shown}");
}

/// Checks the head of a request: as [`sound_head`], with a request line of three words and one
/// Host.
pub fn sound_request(written: &[u8]) {
    sound_head(written);
    let shown = written.escape_ascii();
    let lines = split_lines(written);
    let line = lines.first().copied().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    assert_eq!(words.len(), 3, "the request line: {shown}");
    assert_eq!(words.last().copied(), Some(b"HTTP/1.1".as_slice()), "the version: {shown}");
    let is_host = |line: &&&[u8]| line.get(..5).is_some_and(|n| n.eq_ignore_ascii_case(b"host:"));
    assert_eq!(lines.iter().filter(is_host).count(), 1, "one Host: {shown}");
}

/// A name as backends that fold case and underscores read it.
fn spelling(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-")
}

fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    lines.push(rest);
    lines
}
