//! PROXY headers: what is read, what is refused, at every cut, and whatever comes.

use proptest::prelude::*;
use wire::Refusal;
use wire::limits::{PROXY_V1_BYTES, PROXY_V2_BYTES};
use wire::proxy_protocol::{ProxyHeader, parse};

use crate::table::plain;

/// (a header, its source and destination; `-` where it names none)
const READ: &[(&str, &str)] = &[
    ("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\\r\\n", "192.0.2.1:56324 198.51.100.2:443"),
    ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\\r\\n", "0.0.0.0:0 255.255.255.255:65535"),
    ("PROXY TCP6 2001:db8::1 ::1 1 2\\r\\n", "[2001:db8::1]:1 [::1]:2"),
    ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\\r\\n", "192.0.2.1:1 [::1]:2"),
    ("PROXY UNKNOWN\\r\\n", "-"),
    ("PROXY UNKNOWN anything, even 10.0.0.1 10.0.0.2 1 2\\r\\n", "-"),
    ("PROXY UNKNOWN \\{91*x}\\r\\n", "-"),
    (
        "^\\x21\\x11\\x00\\x0c\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x00\\x50\\x01\\xbb",
        "1.2.3.4:80 5.6.7.8:443",
    ),
    // a mapped address, then an extension without a value
    (
        "^\\x21\\x21\\x00\\x27\\{10*\\x00}\\xff\\xff\\x0a\\x00\\x00\\x01\\{15*\\x00}\\x01\
      \\x00\\x50\\x01\\xbb\\x04\\x00\\x00",
        "10.0.0.1:80 [::1]:443",
    ),
    ("^\\x20\\x00\\x00\\x00", "-"),
    ("^\\x20\\xff\\x00\\x03\\xff\\xff\\xff", "-"),
    ("^\\x21\\x00\\x00\\x00", "-"),
    // the checksum of RFC 3720's polynomial
    (
        "^\\x21\\x11\\x00\\x13\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x00\\x50\\x01\\xbb\
      \\x03\\x00\\x04\\x5c\\x04\\x43\\xc9",
        "1.2.3.4:80 5.6.7.8:443",
    ),
];

const REFUSED: &[&str] = &[
    "GET / HTTP/1.1\\r\\n",
    "\\x16\\x03\\x01\\x02\\x00\\x01",
    "proxy TCP4 192.0.2.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\\rX",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\\r\\n",
    "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1\\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\\r\\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\\r\\n",
    "PROXY TCP4 010.1.1.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 0x0a.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 10.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 ::1 ::2 1 2\\r\\n",
    "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP6 [::1] ::2 1 2\\r\\n",
    "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\\r\\n",
    "PROXY TCP4 192.0.2.1\\x00 192.0.2.2 1 2\\r\\n",
    "PROXY \\{200*x}",
    "PROXY UNKNOWN \\{92*x}\\r\\n",
    // version 1 in version 2's clothes; an unknown command; UDP; a UNIX socket
    "^\\x11",
    "^\\x22\\x11\\x00\\x00",
    "^\\x21\\x12\\x00\\x0c",
    "^\\x21\\x31\\x00\\xd8",
    // too short for its addresses; too long for anything
    "^\\x21\\x11\\x00\\x0b",
    "^\\x21\\x21\\x00\\x0c",
    "^\\x20\\x00\\x10\\x00",
    // extensions that are cut, longer than the header, or a checksum that is wrong or short
    "^\\x21\\x11\\x00\\x0e\\{12*\\x00}\\x04\\x00",
    "^\\x21\\x11\\x00\\x0f\\{12*\\x00}\\x04\\x00\\x01",
    "^\\x21\\x11\\x00\\x13\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x00\\x50\\x01\\xbb\
     \\x03\\x00\\x04\\x5c\\x04\\x43\\xc8",
    "^\\x21\\x11\\x00\\x10\\{12*\\x00}\\x03\\x00\\x01\\x00",
];

/// `^` stands for the signature of version 2.
fn bytes(text: &str) -> Vec<u8> {
    plain(&text.replace('^', "\\r\\n\\r\\n\\x00\\r\\nQUIT\\n"))
}

#[test]
fn headers_are_read_at_every_cut_and_end_where_they_end() {
    let mut ran = 0;
    for (text, ends) in READ {
        let header = bytes(text);
        for cut in 0..header.len() {
            assert_eq!(parse(&header[..cut]), Ok(None), "{text} cut at {cut}");
        }
        let follows = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
        let parsed = parse(&follows).unwrap().unwrap();
        assert_eq!(parsed.len, header.len(), "{text}");
        let told = parsed.ends.map(|ends| format!("{} {}", ends.source, ends.destination));
        assert_eq!(told.as_deref().unwrap_or("-"), *ends, "{text}");
        ran += 1;
    }
    assert_eq!(ran, 13);
}

#[test]
fn what_is_not_a_header_in_every_detail_is_refused() {
    let mut ran = 0;
    for text in REFUSED {
        assert_eq!(parse(&bytes(text)), Err(Refusal::ProxyHeader), "{text}");
        ran += 1;
    }
    assert_eq!(ran, 33);
}

#[test]
fn what_will_never_be_a_header_is_not_waited_for() {
    assert_eq!(parse(b"PROXX"), Err(Refusal::ProxyHeader));
    assert_eq!(parse(b"\r\nG"), Err(Refusal::ProxyHeader));
    let line = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; PROXY_V1_BYTES]].concat();
    assert_eq!(parse(&line[..PROXY_V1_BYTES - 1]), Ok(None));
    assert_eq!(parse(&line[..PROXY_V1_BYTES]), Err(Refusal::ProxyHeader));
}

proptest! {
    #[test]
    fn no_bytes_are_read_beyond_a_header_or_make_a_panic(
        version in 0..3_u8,
        tail in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let start: &[u8] = match version {
            1 => b"PROXY TCP4 ",
            2 => b"\r\n\r\n\0\r\nQUIT\n",
            _ => b"",
        };
        let buf = [start, &tail].concat();
        if let Ok(Some(ProxyHeader { len, .. })) = parse(&buf) {
            prop_assert!(len <= buf.len() && len <= PROXY_V2_BYTES);
            // only the header decides
            prop_assert_eq!(parse(&buf[..len]), parse(&buf));
            prop_assert_eq!(parse(&buf[..len - 1]), Ok(None));
        }
    }
}
