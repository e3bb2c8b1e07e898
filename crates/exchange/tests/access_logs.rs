//! Access logs in text, in the forms of servers and proxies.

use exchange::body::Why;

use crate::seen::{Bytes, Seen, read, read_every_way};

fn one(line: &str) -> Seen {
    let (seen, tally) = read("access.log", format!("{line}\n").as_bytes());
    assert_eq!((seen.len(), tally.skipped), (1, 0), "{line} {tally:?}");
    seen.into_iter().next().unwrap()
}

#[test]
fn a_combined_line_is_an_exchange() {
    let line = r#"192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif?a=1 HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#;
    let (seen, tally) = read_every_way("access.log", format!("{line}\n{line}").as_bytes());
    assert_eq!((seen.len(), tally.skipped), (2, 0));
    assert_eq!(
        seen[0],
        Seen {
            at: "2000-10-10T20:55:36.000Z".into(),
            duration_us: 0,
            client: Some("192.0.2.7".into()),
            trusted: false,
            user: Some("frank".into()),
            request: "GET Unknown  /apache_pb.gif?a=1".into(),
            request_fields: vec![
                "Referer: http://www.example.com/start.html".into(),
                "User-Agent: Mozilla/4.08 [en] (Win98; I ;Nav)".into(),
            ],
            request_body: Bytes::Absent(Why::NotRecorded),
            status: 200,
            response_fields: vec![],
            response_body: Bytes::Absent(Why::NotRecorded),
        }
    );
}

/// Line, request, client, user, status, microseconds.
type Case = (&'static str, &'static str, Option<&'static str>, Option<&'static str>, u16, u64);

const VARIANTS: &[Case] = &[
    (
        r#"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 304 -"#,
        "GET Unknown  /",
        Some("192.0.2.7"),
        None,
        304,
        0,
    ),
    (
        r#"shop.example:443 2001:db8::1 - ann [10/Oct/2000:13:55:36 -0700] "POST /a HTTP/2.0" 201 5 "-" "curl""#,
        "POST Unknown shop.example /a",
        Some("2001:db8::1"),
        Some("ann"),
        201,
        0,
    ),
    (
        r#"client.example - - [10/Oct/2000:13:55:36 -0700] "DELETE /a/7 HTTP/1.1" 404 0"#,
        "DELETE Unknown  /a/7",
        None,
        None,
        404,
        0,
    ),
    (
        r#"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET http://Shop.example/a?b HTTP/1.1" 200 1"#,
        "GET Http shop.example /a?b",
        Some("192.0.2.7"),
        None,
        200,
        0,
    ),
    (
        r#"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /old" 200 1"#,
        "GET Unknown  /old",
        Some("192.0.2.7"),
        None,
        200,
        0,
    ),
    (
        r#"192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.1" 200 612 "-" "x" 0.005"#,
        "GET Unknown  /a",
        Some("192.0.2.7"),
        None,
        200,
        5_000,
    ),
    (
        r#"192.0.2.7 - - [2026-01-15T09:00:00+00:00] "GET /a HTTP/1.1" 200 612"#,
        "GET Unknown  /a",
        Some("192.0.2.7"),
        None,
        200,
        0,
    ),
    (
        r#"[2026-01-15T09:00:00.310Z] "POST /api/v1/x HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http""#,
        "POST Unknown  /api/v1/x",
        None,
        None,
        204,
        0,
    ),
    (
        r#"nova.log 2017-05-16 00:00:00.008 25746 INFO wsgi [req-1 - -] 10.11.10.1 "GET /v2/a/servers HTTP/1.1" status: 200 len: 1893 time: 0.25"#,
        "GET Unknown  /v2/a/servers",
        Some("10.11.10.1"),
        None,
        200,
        250_000,
    ),
];

#[test]
fn variants_of_servers() {
    for (line, request, client, user, status, micros) in VARIANTS {
        let seen = one(line);
        assert_eq!(seen.request, *request, "{line}");
        assert_eq!(seen.client.as_deref(), *client, "{line}");
        assert_eq!(seen.user.as_deref(), *user, "{line}");
        assert_eq!((seen.status, seen.duration_us), (*status, *micros), "{line}");
        assert_ne!(seen.at, "1970-01-01T00:00:00.000Z", "{line}");
    }
    assert_eq!(VARIANTS.len(), 9);
}

#[test]
fn escapes_of_apache_and_nginx() {
    let time = "[10/Oct/2000:13:55:36 -0700]";
    let apache = format!(r#"192.0.2.7 - - {time} "GET /a\"b\\c HTTP/1.1" 200 1 "-" "say \"hi\"""#);
    let seen = one(&apache);
    assert_eq!(seen.request_fields, ["User-Agent: say \"hi\""]);
    assert!(seen.request.starts_with("GET Unknown  /a%22b"), "{}", seen.request);
    let nginx = format!(
        r#"192.0.2.7 - - {time} "GET /a\x22?q=\xC3\xA9 HTTP/1.1" 200 1 "-" "\x22x\x22" "-""#
    );
    let seen = one(&nginx);
    assert_eq!(seen.request, "GET Unknown  /a%22?q=é");
    assert_eq!(seen.request_fields, ["User-Agent: \"x\""]);
    let main =
        format!(r#"10.0.0.1 - - {time} "GET / HTTP/1.1" 200 1 "-" "x" "192.0.2.9, 10.0.0.2""#);
    assert_eq!(one(&main).request_fields[1], "X-Forwarded-For: 192.0.2.9, 10.0.0.2");
}

#[test]
fn lines_that_are_no_exchange_are_counted() {
    let time = "192.0.2.7 - - [10/Oct/2000:13:55:36 -0700]";
    let cases = [
        (format!(r#"{time} "-" 408 0"#), "not http"),
        (format!(r#"{time} "" 400 0"#), "not http"),
        (format!(r#"{time} "\x16\x03\x01\x00" 400 226"#), "not http"),
        (format!(r#"{time} "CONNECT a.example:443 HTTP/1.1" 405 0"#), "not http"),
        (format!(r#"{time} "GET / HTTP/1.1" 000 0"#), "no response"),
        (format!(r#"{time} "GET / HTTP/1.1" - 0"#), "no response"),
        (format!(r#"{time} "GET / HTTP/1.1" 20 0"#), "broken line"),
        (format!(r#"{time} "GET / HTTP/1.1"#), "broken line"),
        (format!(r#"{time} GET / HTTP/1.1 200 0"#), "broken line"),
        ("[Sun Dec 04 04:47:44 2005] [error] mod_jk child in error state 6".into(), "broken line"),
        ("plain words".into(), "broken line"),
        ("\"".into(), "broken line"),
    ];
    for (line, reason) in &cases {
        let text = format!("{time} \"GET /first HTTP/1.1\" 200 1\n{line}\n");
        let (seen, tally) = read("access.log", text.as_bytes());
        assert_eq!(seen.len(), 1, "{line}");
        assert_eq!(tally.reasons.into_iter().collect::<Vec<_>>(), [(*reason, 1)], "{line}");
        if *reason == "broken line" {
            assert_eq!(tally.places[0].number, 2, "{line}");
        }
    }
    assert_eq!(cases.len(), 12);
}
