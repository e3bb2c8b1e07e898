//! PROXY headers, versions 1 and 2: no beginning of one is one, what follows it changes nothing,
//! and once something is refused, more bytes do not mend it.

use wire::proxy_protocol::parse;

/// Checks one input.
pub fn check(bytes: &[u8]) {
    let whole = parse(bytes);
    if let Ok(Some(header)) = &whole {
        assert!((1..=bytes.len()).contains(&header.len));
        let alone = bytes.get(..header.len).unwrap_or_default();
        assert_eq!(parse(alone), whole, "by itself");
    }
    for end in (0..bytes.len()).take(600) {
        let part = parse(bytes.get(..end).unwrap_or_default());
        match &whole {
            Ok(Some(header)) if end >= header.len => assert_eq!(part, whole, "cut at {end}"),
            Ok(_) => assert_eq!(part, Ok(None), "cut at {end}"),
            Err(refusal) => {
                assert!(matches!(&part, Ok(None)) || part == Err(*refusal), "cut at {end}");
            }
        }
    }
}
