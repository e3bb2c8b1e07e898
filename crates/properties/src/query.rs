//! Queries and forms: the pairs are the text, names find their values, and decoding loses nothing.

use wire::Query;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let query = Query::new(bytes);
    let pairs: Vec<(&[u8], &[u8])> = query.pairs().collect();
    let parts: Vec<&[u8]> =
        bytes.split(|&byte| byte == b'&').filter(|part| !part.is_empty()).collect();
    assert_eq!(pairs.len(), parts.len());
    for ((name, value), part) in pairs.iter().zip(parts) {
        let whole = if part.contains(&b'=') {
            [name, b"=".as_slice(), value].concat()
        } else {
            name.to_vec()
        };
        assert_eq!(whole, part);
        assert!(!name.contains(&b'='));
        for text in [name, value] {
            let decoded = Query::decode(text);
            assert!(decoded.len() <= text.len());
            assert_eq!(*Query::decode(&encode(&decoded)), *decoded);
        }
        if let Ok(name) = std::str::from_utf8(&Query::decode(name)) {
            assert!(query.values(name).any(|found| found == *value), "{name} has its value");
        }
    }
}

/// Every byte as an escape.
fn encode(text: &[u8]) -> Vec<u8> {
    text.iter().flat_map(|byte| format!("%{byte:02x}").into_bytes()).collect()
}
