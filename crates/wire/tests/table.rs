//! Reads the case tables: one row a line, columns between ` | `, bytes escaped.

/// The rows of a table, without comments.
pub(crate) fn rows<const N: usize>(text: &str) -> Vec<[&str; N]> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let columns: Vec<&str> = line.split(" | ").collect();
            columns.try_into().unwrap_or_else(|_| panic!("a row has {N} columns: {line}"))
        })
        .collect()
}

/// The bytes that an escaped column stands for.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let text = text.replace('@', " HTTP/1.1\\r\\nHost: a\\r\\n");
    let mut out = Vec::new();
    let rest = unescape(text.as_bytes(), &mut out);
    assert!(rest.is_empty(), "unbalanced braces: {text}");
    out
}

/// Like [`bytes`], where `@` stands for itself.
pub(crate) fn plain(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    unescape(text.as_bytes(), &mut out);
    out
}

/// Appends bytes up to a closing brace; returns what follows it.
fn unescape<'a>(mut text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    while let Some((&byte, rest)) = text.split_first() {
        text = rest;
        match (byte, rest) {
            (b'\\', [b'r', after @ ..]) => (text = after, out.push(b'\r')).1,
            (b'\\', [b'n', after @ ..]) => (text = after, out.push(b'\n')).1,
            (b'\\', [b't', after @ ..]) => (text = after, out.push(b'\t')).1,
            (b'\\', [b'\\', after @ ..]) => (text = after, out.push(b'\\')).1,
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = String::from_utf8(vec![*high, *low]).unwrap();
                out.push(u8::from_str_radix(&digits, 16).unwrap());
                text = after;
            }
            (b'\\', [b'{', after @ ..]) => {
                let star = after.iter().position(|&b| b == b'*').unwrap();
                let count = std::str::from_utf8(&after[..star]).unwrap().parse().unwrap();
                let mut piece = Vec::new();
                text = unescape(&after[star + 1..], &mut piece);
                out.extend(piece.repeat(count));
            }
            (b'\\', _) => panic!("unknown escape"),
            (b'}', _) => return rest,
            _ => out.push(byte),
        }
    }
    text
}
