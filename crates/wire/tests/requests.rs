//! Requests, one row each: what is accepted, with which framing, and what is refused, and why.

use std::collections::BTreeSet;

use wire::{
    Asked, Authority, Fields, HeadLimits, Parsed, Profile, Query, Refusal, RequestHead, Sender,
    TargetForm, Upgrade, Version, request,
};

use crate::reader::read_request;
use crate::table::{bytes, plain, rows};

fn accepted(text: &str) -> RequestHead {
    let mut head = RequestHead::new();
    let bytes = bytes(text);
    let parsed = request::parse_head(&bytes, &HeadLimits::request(), Profile::Strict, &mut head);
    assert_eq!(parsed, Ok(Parsed::Complete { head_len: bytes.len() }), "{text}");
    head
}

#[test]
fn every_case_has_its_outcome_however_it_is_cut() {
    let mut ids = BTreeSet::new();
    for [id, input, expected] in rows(include_str!("cases/requests.txt")) {
        let bytes = bytes(input);
        for step in [usize::MAX, 1, 2, 3, 7, 16, 1500] {
            let outcome = read_request(&bytes, step, Profile::Strict);
            assert_eq!(outcome, expected, "{id} in pieces of {step}: {input}");
        }
        assert!(ids.insert(id), "{id} is there twice");
    }
    assert_eq!(ids.len(), 223);
}

#[test]
fn framing_is_as_strict_in_every_profile() {
    let mut cases = 0;
    for [id, input, expected] in rows(include_str!("cases/requests.txt")) {
        let about_target = ["path", "h1.target_byte", "h1.target_fragment", "h1.connection_option"]
            .iter()
            .any(|reason| expected.contains(reason));
        if about_target {
            continue;
        }
        for profile in [Profile::Compat, Profile::Observe] {
            assert_eq!(read_request(&bytes(input), usize::MAX, profile), expected, "{id}");
        }
        cases += 1;
    }
    assert_eq!(cases, 205);
}

#[test]
fn hosts_are_understood_in_one_form() {
    let mut cases = 0;
    for [id, input, expected] in rows(include_str!("cases/hosts.txt")) {
        let authority = Authority::parse(&plain(input)).unwrap();
        assert_eq!(authority.to_string(), expected, "{id}");
        let again = Authority::parse(authority.to_string().as_bytes());
        assert_eq!(again, Ok(authority), "{id}");
        cases += 1;
    }
    assert_eq!(cases, 8);
}

#[test]
fn a_head_says_what_was_asked() {
    let head = accepted("GET http://A/%61?b=c&d@Accept: */*\r\nX-A: 1\r\nx-a: 2\r\n\r\n");
    assert_eq!(head.method(), "GET");
    assert_eq!(head.raw_target(), b"http://A/%61?b=c&d");
    assert_eq!(head.form(), TargetForm::Absolute);
    assert_eq!(head.path().as_str(), "/a");
    assert_eq!(head.query(), Some(Query::new(b"b=c&d")));
    assert_eq!(head.authority().map(Authority::host), Some("a"));
    assert_eq!(head.version(), Version::Http11);
    assert_eq!(head.fields().get("x-A"), Some(b"1".as_slice()));
    assert_eq!(head.fields().get_all("X-a").collect::<Vec<_>>(), [b"1", b"2"]);
    let names: Vec<_> = head.fields().iter().map(|(name, _)| name).collect();
    assert_eq!(names, [b"Host".as_slice(), b"Accept", b"X-A", b"x-a"]);
    assert!(head.keep_alive() && !head.expects_continue());
    assert_eq!(accepted("OPTIONS *@\\r\\n").form(), TargetForm::Asterisk);
}

#[test]
fn connections_persist_as_their_version_and_options_say() {
    let cases = [
        ("GET /@\\r\\n", true),
        ("GET /@Connection: close\\r\\n\\r\\n", false),
        ("GET /@Connection: keep-alive, Close\\r\\n\\r\\n", false),
        ("GET / HTTP/1.0\\r\\n\\r\\n", false),
        ("GET / HTTP/1.0\\r\\nConnection: Keep-Alive\\r\\n\\r\\n", true),
        ("GET / HTTP/1.0\\r\\nConnection: keep-alive\\r\\nConnection: close\\r\\n\\r\\n", false),
    ];
    for (input, keep_alive) in cases {
        assert_eq!(accepted(input).keep_alive(), keep_alive, "{input}");
    }
    assert!(accepted("POST /@Expect: 100-continue\\r\\n\\r\\n").expects_continue());
    assert!(!accepted("GET / HTTP/1.0\\r\\nExpect: 100-continue\\r\\n\\r\\n").expects_continue());
}

#[test]
fn only_a_plain_websocket_upgrade_is_one() {
    let cases = [
        ("GET /@\\r\\n", None),
        ("GET /@Connection: Upgrade\\r\\nUpgrade: WebSocket\\r\\n\\r\\n", Some(Upgrade::WebSocket)),
        ("GET /@Upgrade: websocket\\r\\n\\r\\n", Some(Upgrade::Other)),
        ("POST /@Connection: upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n", Some(Upgrade::Other)),
        (
            "GET / HTTP/1.0\\r\\nConnection: upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n",
            Some(Upgrade::Other),
        ),
        (
            "GET /@Connection: upgrade\\r\\nUpgrade: websocket\\r\\nContent-Length: 1\\r\\n\\r\\n",
            Some(Upgrade::Other),
        ),
        ("GET /@Connection: upgrade\\r\\nUpgrade: websocket, h2c\\r\\n\\r\\n", Some(Upgrade::H2c)),
        ("GET /@Upgrade: h2c\\r\\nUpgrade: websocket\\r\\n\\r\\n", Some(Upgrade::H2c)),
    ];
    for (input, upgrade) in cases {
        let head = accepted(input);
        assert_eq!(head.upgrade(), upgrade, "{input}");
        assert_eq!(head.asked() == Asked::Upgrade, upgrade == Some(Upgrade::WebSocket));
    }
    assert_eq!(accepted("HEAD /@\\r\\n").asked(), Asked::Head);
}

#[test]
fn an_abandoned_head_leaves_nothing_behind() {
    let limits = HeadLimits::request();
    let mut head = RequestHead::new();
    let partial = b"GET /secret HTTP/1.1\r\nHost: b\r\nA: b\r\nC";
    let parsed = request::parse_head(partial, &limits, Profile::Strict, &mut head);
    assert_eq!(parsed, Ok(Parsed::Partial));
    assert_eq!(head.method(), "");
    head.clear();
    let whole = bytes("GET /@\\r\\n");
    let parsed = request::parse_head(&whole, &limits, Profile::Strict, &mut head);
    assert_eq!(parsed, Ok(Parsed::Complete { head_len: whole.len() }));
    assert_eq!((head.fields().len(), head.path().as_str()), (1, "/"));
}

#[test]
fn observing_keeps_the_target_and_names_its_oddities() {
    let mut head = RequestHead::new();
    let input = b"GET //a/%2e%2e/b\\c?d\\e#f HTTP/1.1\r\nHost: a\r\n\r\n";
    request::parse_head(input, &HeadLimits::request(), Profile::Observe, &mut head).unwrap();
    assert_eq!(head.raw_target(), b"//a/%2e%2e/b\\c?d\\e#f");
    assert_eq!(head.path().as_str(), "/b%5Cc");
    let codes: Vec<_> = head.path_oddities().iter().map(|oddity| oddity.code()).collect();
    let expected =
        ["path.dot_segment", "path.encoded_dot", "path.duplicate_slash", "path.backslash"];
    assert_eq!(codes, expected);
}

#[test]
fn refusals_have_one_code_each_and_say_nothing_of_the_message() {
    let all: Vec<Refusal> = Refusal::all().collect();
    let codes: BTreeSet<_> = all.iter().map(|refusal| refusal.code()).collect();
    assert_eq!((all.len(), codes.len()), (76, 76));
    for refusal in all {
        assert_eq!(refusal.status(Sender::Upstream), Some(502));
        assert!(refusal.client_connection_survives(Sender::Upstream));
        assert!(!refusal.client_connection_survives(Sender::Client));
        let status = refusal.status(Sender::Client);
        assert!(status.is_none_or(|status| (400..=505).contains(&status)), "{refusal:?}");
        assert!(refusal.to_string().ends_with('.') && refusal.code().contains('.'));
        assert!(refusal.client_message(Sender::Client).ends_with('.'));
    }
}

#[test]
fn queries_are_read_as_pairs() {
    let query = Query::new(b"a=1&&b&=c&%61=+%2B%zz&a=x=y");
    let pairs: Vec<_> = query.pairs().collect();
    let expected: [(&[u8], &[u8]); 5] =
        [(b"a", b"1"), (b"b", b""), (b"", b"c"), (b"%61", b"+%2B%zz"), (b"a", b"x=y")];
    assert_eq!(pairs, expected);
    let values: Vec<_> = query.values("a").map(|raw| Query::decode(raw).into_owned()).collect();
    assert_eq!(values, [b"1".to_vec(), b" +%zz".to_vec(), b"x=y".to_vec()]);
}

#[test]
fn recorded_fields_are_kept_within_bounds() {
    let mut fields = Fields::new();
    assert!(fields.push(b"B\r\nad", b" \xff\x00 "));
    assert_eq!(fields.get("b\r\nAD"), Some(b"\xff\x00".as_slice()));
    assert!(!fields.push(b"Huge", &vec![b'x'; wire::limits::FIELDS_BYTES]));
    assert_eq!(fields.len(), 1);
    assert_eq!(format!("{fields:?}"), r#"["B\r\nad"]"#);
}
