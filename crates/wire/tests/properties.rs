//! What holds for every input: no panic, no dependence on how bytes were cut, stable forms.

use proptest::prelude::*;
use wire::field::OWNED;
use wire::serialize::{self, Outgoing};
use wire::target::percent_decode;
use wire::{
    Asked, Authority, BodyLimits, BodyReader, CanonicalPath, Framing, HeadLimits, NameSet, Parsed,
    Profile, RequestHead, request,
};

use crate::reader::{read_request, read_response};

/// Pieces of messages, sound and unsound, from which requests are put together.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"GET /a HTTP/1.1\r\n",
        b"POST /b?c HTTP/1.1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 204\r\n",
        b"Host: a\r\n",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"X-Y:  z \t\r\n",
        b"\r\n",
        b"\r",
        b"\n",
        b" ",
        b"\t",
        b":",
        b"3\r\nabc\r\n",
        b"0\r\n",
        b"0\r\n\r\n",
        b"abc",
    ];
    prop_oneof![
        12 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

/// Field lines that some profile refuses, and some that none does.
fn field_line() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"Connection: X-Tenant\r\n",
        b"Connection: close, te\r\n",
        b"Connection: Host\r\n",
        b"Expect: 200-ok\r\n",
        b"Content-Length: 0\r\n",
        b"X-Tenant: a\r\n",
    ];
    prop::sample::select(known).prop_map(<[u8]>::to_vec)
}

/// Pieces of paths.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&'static [u8]> = vec![
        b"/", b"/", b"a", b".", b"..", b"%2e", b"%2F", b"%5c", b"\\", b"%25", b"%", b"2e", b";",
        b"%3b", b"%00", b"%c3%a9", b"%c0", b"\xc3", b"%7e", b"?", b"#", b" ",
    ];
    let piece = prop_oneof![
        20 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn requests_do_not_depend_on_how_they_are_cut(bytes in message(), step in 1_usize..40) {
        for profile in [Profile::Strict, Profile::Compat, Profile::Observe] {
            let whole = read_request(&bytes, usize::MAX, profile);
            prop_assert_eq!(&read_request(&bytes, step, profile), &whole);
            prop_assert_eq!(&read_request(&bytes, 1, profile), &whole);
        }
    }

    /// A head that was read mildly and is then held to a profile fares as if it had been read
    /// under it.
    #[test]
    fn a_second_look_sees_what_the_first_would_have(
        raw in path(),
        fields in prop::collection::vec(field_line(), 0..4),
    ) {
        let mut bytes = [b"GET /".as_slice(), &raw, b" HTTP/1.1\r\nHost: a\r\n"].concat();
        fields.iter().for_each(|line| bytes.extend_from_slice(line));
        bytes.extend_from_slice(b"\r\n");
        let limits = HeadLimits::request();
        let mut head = RequestHead::new();
        let mild = request::parse_head(&bytes, &limits, Profile::Observe, &mut head);
        for profile in [Profile::Strict, Profile::Compat, Profile::Observe] {
            let direct =
                request::parse_head(&bytes, &limits, profile, &mut RequestHead::new());
            let twice = match (mild, head.refused_by(profile)) {
                (Ok(_), Some(refusal)) => Err(refusal),
                _ => mild,
            };
            prop_assert_eq!(twice, direct);
        }
    }

    #[test]
    fn responses_do_not_depend_on_how_they_are_cut(bytes in message(), step in 1_usize..40) {
        for asked in [Asked::Plain, Asked::Head, Asked::Upgrade] {
            let whole = read_response(&bytes, usize::MAX, asked);
            prop_assert_eq!(&read_response(&bytes, step, asked), &whole);
            prop_assert_eq!(&read_response(&bytes, 1, asked), &whole);
        }
    }

    #[test]
    fn canonical_paths_stay_as_they_are(raw in path()) {
        let (once, _) = CanonicalPath::read(&raw);
        let (twice, oddities) = CanonicalPath::read(once.as_str().as_bytes());
        prop_assert_eq!(&once, &twice);
        prop_assert!(once.as_str().starts_with('/') && once.as_str().is_ascii());
        prop_assert!(once.segments().all(|segment| segment != "." && segment != ".."));
        if let Ok(strict) = CanonicalPath::parse(&raw, Profile::Strict) {
            prop_assert_eq!(strict, once);
            prop_assert!(oddities.is_empty());
        }
    }

    /// P6 of the catalogue: a path that is accepted strictly means the same to servers that decode
    /// once or twice, merge slashes, resolve dots, or cut at semicolons.
    #[test]
    fn strict_paths_have_one_reading(raw in path()) {
        if let Ok(strict) = CanonicalPath::parse(&raw, Profile::Strict) {
            let once = percent_decode(strict.as_str().as_bytes()).into_owned();
            prop_assert_eq!(&percent_decode(&once), &once);
            prop_assert!(!once.iter().any(|byte| matches!(byte, b';' | b'\\' | 0..0x20 | 0x7f)));
            prop_assert!(!once.windows(2).any(|pair| pair == b"//"));
            let segments: Vec<&[u8]> = once.split(|byte| *byte == b'/').collect();
            prop_assert!(!segments.iter().any(|it| *it == b"." || it.ends_with(b"..")));
            prop_assert_eq!(
                segments.iter().filter(|it| !it.is_empty()).count(),
                strict.segments().count()
            );
        }
    }

    /// P7 of the catalogue: a name that is ours is ours in every spelling.
    #[test]
    fn owned_names_are_removed_in_every_spelling(
        which in 0_usize..5,
        case in any::<u64>(),
        underscores in any::<u64>(),
    ) {
        let name = ["X-Forwarded-For", "Forwarded", "X-Original-URL", "SSL-Client-Verify",
            "X-HTTP-Method-Override"][which];
        let spelled: String = name
            .chars()
            .enumerate()
            .map(|(at, letter)| match letter {
                '-' if underscores >> at & 1 == 1 => '_',
                _ if case >> at & 1 == 1 => letter.to_ascii_uppercase(),
                _ => letter.to_ascii_lowercase(),
            })
            .collect();
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{spelled}: evil\r\n\r\n");
        let mut head = RequestHead::new();
        let limits = HeadLimits::request();
        request::parse_head(bytes.as_bytes(), &limits, Profile::Strict, &mut head).unwrap();
        let mut out = Vec::new();
        let remove: &[&NameSet] = &[&OWNED];
        serialize::request(&head, &Outgoing { remove, ..Outgoing::new(Framing::None) }, &mut out);
        prop_assert_eq!(out, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }

    /// P2 of the catalogue: one framing goes out, whatever came in and whatever is asked for.
    #[test]
    fn one_framing_goes_out(bytes in message(), length in 0_u64..1000, kind in 0_u8..3) {
        let mut head = RequestHead::new();
        let limits = HeadLimits::request();
        if let Ok(Parsed::Complete { .. }) =
            request::parse_head(&bytes, &limits, Profile::Observe, &mut head)
        {
            let framing =
                [Framing::None, Framing::Length(length), Framing::Chunked][usize::from(kind)];
            let mut out = Vec::new();
            serialize::request(&head, &Outgoing::new(framing), &mut out);
            let text = String::from_utf8_lossy(&out).to_ascii_lowercase();
            let lengths = text.matches("\r\ncontent-length:").count();
            let codings = text.matches("\r\ntransfer-encoding:").count();
            let expected = match framing {
                Framing::Length(_) => (1, 0),
                Framing::Chunked => (0, 1),
                _ => (0, 0),
            };
            prop_assert_eq!((lengths, codings), expected);
        }
    }

    #[test]
    fn what_compat_accepts_it_accepts_again(raw in path()) {
        if let Ok(once) = CanonicalPath::parse(&raw, Profile::Compat) {
            let again = CanonicalPath::parse(once.as_str().as_bytes(), Profile::Compat);
            prop_assert_eq!(again, Ok(once));
        }
    }

    #[test]
    fn authorities_are_read_back_as_they_are_written(text in "[a-zA-Z0-9.:\\[\\]_-]{0,20}") {
        if let Ok(authority) = Authority::parse(text.as_bytes()) {
            let written = authority.to_string();
            prop_assert_eq!(Authority::parse(written.as_bytes()), Ok(authority));
        }
    }

    #[test]
    fn what_goes_out_is_read_as_what_came_in(
        raw in path(),
        fields in prop::collection::vec(("[A-Za-z-]{1,12}", "[ -~\\t\u{e9}]{0,12}"), 0..8),
        length in prop::option::of(0_u64..1000),
    ) {
        let mut bytes = [b"PUT /".as_slice(), &raw, b" HTTP/1.1\r\n"].concat();
        bytes.extend_from_slice(b"host: EXAMPLE.com:80\r\n");
        for (name, value) in &fields {
            bytes.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        }
        if let Some(length) = length {
            bytes.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        let limits = HeadLimits::request();
        for profile in [Profile::Strict, Profile::Compat] {
            let mut head = RequestHead::new();
            if request::parse_head(&bytes, &limits, profile, &mut head).is_err() {
                continue;
            }
            let mut out = Vec::new();
            serialize::request(&head, &Outgoing::new(head.framing()), &mut out);
            let mut again = RequestHead::new();
            let parsed = request::parse_head(&out, &limits, profile, &mut again);
            prop_assert_eq!(parsed, Ok(Parsed::Complete { head_len: out.len() }));
            prop_assert_eq!(again.path(), head.path());
            prop_assert_eq!(again.query(), head.query());
            prop_assert_eq!(again.authority(), head.authority());
            prop_assert_eq!(again.framing(), head.framing());
            let mut twice = Vec::new();
            serialize::request(&again, &Outgoing::new(again.framing()), &mut twice);
            prop_assert_eq!(twice, out);
        }
    }

    #[test]
    fn any_bytes_end_in_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_request(&bytes, 7, Profile::Observe);
        read_response(&bytes, 7, Asked::Plain);
        let limits = BodyLimits::request();
        let mut reader = BodyReader::new(Framing::Chunked, &limits).unwrap();
        if let Ok((consumed, _)) = reader.advance(&bytes) {
            prop_assert!(consumed <= bytes.len());
        }
    }
}
