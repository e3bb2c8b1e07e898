//! Access logs with a JSON object per line, as servers write them by default.

use crate::seen::{read, read_every_way};

/// Name, line, request, client, user, status, microseconds, fields.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    u16,
    u64,
    &'static [&'static str],
);

const CASES: &[Case] = &[
    (
        "Caddy",
        r#"{"level":"info","ts":1768467600.25,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"42614","client_ip":"192.0.2.7","proto":"HTTP/2.0","method":"GET","host":"Shop.example:8443","uri":"/v1/orders?page=2","headers":{"User-Agent":["curl/7.82.0"],"Accept":["*/*","text/html"]},"tls":{"resumed":false}},"bytes_read":0,"user_id":"","duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"]}}"#,
        "GET Unknown shop.example /v1/orders?page=2",
        Some("192.0.2.7"),
        None,
        200,
        929,
        &["User-Agent: curl/7.82.0", "Accept: */*", "Accept: text/html"],
    ),
    (
        "nginx",
        r#"{"time_iso8601":"2026-01-15T09:00:00.250+00:00","remote_addr":"192.0.2.7","remote_user":"frank","request":"POST /v1/orders?x=\"1\" HTTP/1.1","status":"201","body_bytes_sent":"612","request_time":"0.012","http_referer":"","http_user_agent":"curl","host":"shop.example"}"#,
        "POST Unknown shop.example /v1/orders?x=\"1\"",
        Some("192.0.2.7"),
        Some("frank"),
        201,
        12_000,
        &["User-Agent: curl"],
    ),
    (
        "Traefik",
        r#"{"ClientAddr":"192.0.2.7:50000","ClientHost":"192.0.2.7","ClientPort":"50000","ClientUsername":"-","DownstreamContentSize":19,"DownstreamStatus":404,"Duration":1520000,"OriginStatus":0,"RequestAddr":"shop.example","RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/v1/orders/7","RequestProtocol":"HTTP/1.1","RequestScheme":"https","StartUTC":"2026-01-15T09:00:00.25Z","level":"info","time":"2026-01-15T09:00:01Z","request_User-Agent":"curl"}"#,
        "GET Https shop.example /v1/orders/7",
        Some("192.0.2.7"),
        None,
        404,
        1_520,
        &["User-Agent: curl"],
    ),
    (
        "Envoy",
        r#"{"start_time":"2026-01-15T09:00:00.250Z","method":"GET","path":"/v1/a?b=c","protocol":"HTTP/2","response_code":503,"duration":7,"authority":"shop.example","user_agent":"grpc","downstream_remote_address":"192.0.2.7:5500","x_forwarded_for":null,"request_id":"1"}"#,
        "GET Unknown shop.example /v1/a?b=c",
        Some("192.0.2.7"),
        None,
        503,
        7_000,
        &["User-Agent: grpc"],
    ),
    (
        "Amazon API Gateway",
        r#"{"requestId":"1","ip":"192.0.2.7","caller":"-","user":"-","requestTime":"15/Jan/2026:09:00:00 +0000","requestTimeEpoch":1768467600250,"httpMethod":"DELETE","path":"/prod/orders/7","status":"204","responseLatency":"15","domainName":"shop.example"}"#,
        "DELETE Unknown shop.example /prod/orders/7",
        Some("192.0.2.7"),
        None,
        204,
        15_000,
        &[],
    ),
    (
        "Google load balancer",
        r#"{"timestamp":"2026-01-15T09:00:00.250Z","httpRequest":{"requestMethod":"GET","requestUrl":"https://shop.example/v1/a","status":200,"userAgent":"x","remoteIp":"192.0.2.7","latency":"0.25s"}}"#,
        "GET Https shop.example /v1/a",
        Some("192.0.2.7"),
        None,
        200,
        250_000,
        &["User-Agent: x"],
    ),
    (
        "pino",
        r#"{"level":30,"time":1768467600250,"req":{"id":1,"method":"GET","url":"/v1/a","headers":{"host":"shop.example","authorization":"Bearer x"},"remoteAddress":"::ffff:192.0.2.7"},"res":{"statusCode":200},"responseTime":3}"#,
        "GET Unknown shop.example /v1/a",
        Some("::ffff:192.0.2.7"),
        None,
        200,
        3_000,
        &["host: shop.example", "authorization: Bearer x"],
    ),
    (
        "Elastic Common Schema",
        r#"{"@timestamp":"2026-01-15T09:00:00.250Z","http.request.method":"get","url":{"path":"/v1/a","query":"b=c","domain":"shop.example","scheme":"http"},"http":{"response":{"status_code":200}},"client":{"ip":"192.0.2.7"},"user":{"name":"ann"},"event":{"duration":4000000},"user_agent":{"original":"x"}}"#,
        "GET Http shop.example /v1/a?b=c",
        Some("192.0.2.7"),
        Some("ann"),
        200,
        4_000,
        &["User-Agent: x"],
    ),
];

#[test]
fn lines_of_many_makers_are_exchanges() {
    for (maker, line, request, client, user, status, micros, fields) in CASES {
        let (seen, tally) = read("access.json", format!("{line}\n{line}\n").as_bytes());
        assert_eq!((seen.len(), tally.skipped), (2, 0), "{maker} {tally:?}");
        let seen = &seen[1];
        assert_eq!(seen.request, *request, "{maker}");
        assert_eq!(seen.client.as_deref(), *client, "{maker}");
        assert_eq!(seen.user.as_deref(), *user, "{maker}");
        assert_eq!((seen.status, seen.duration_us), (*status, *micros), "{maker}");
        assert_eq!(seen.request_fields, *fields, "{maker}");
        assert!(seen.at == "2026-01-15T09:00:00.250Z", "{maker} {}", seen.at);
    }
    assert_eq!(CASES.len(), 8);
}

#[test]
fn however_they_are_cut() {
    let text = CASES.iter().take(3).map(|case| case.1).collect::<Vec<_>>().join("\n");
    assert_eq!(read_every_way("log", text.as_bytes()).0.len(), 3);
}

#[test]
fn other_lines_are_counted() {
    let good = CASES[3].1;
    let cases = [
        (r#"{"level":"info","ts":1768467600.1,"msg":"server running"}"#, "not http"),
        (r#"{"method":"GET","path":"/a"}"#, "not http"),
        (r#"{"method":"GET","path":"a","status":200}"#, "not http"),
        (r#"{"method":"GET","path":"/a","status":0}"#, "no response"),
        (r#"{"method":"GET","path":"/a","status":"x"}"#, "no response"),
        (r#"{"method":"GET","path":"/a","#, "broken line"),
        ("2026/01/15 09:00:00 [notice] reloading", "broken line"),
        ("[]", "broken line"),
        ("null", "broken line"),
    ];
    for (line, reason) in cases {
        let (seen, tally) = read("log", format!("{good}\n{line}\n{good}").as_bytes());
        assert_eq!(seen.len(), 2, "{line}");
        assert_eq!(tally.reasons.into_iter().collect::<Vec<_>>(), [(reason, 1)], "{line}");
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn deep_and_long_names_are_stepped_over() {
    let deep = format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let long = "n".repeat(10_000);
    let line = format!(
        r#"{{"{long}":{{"method":"PUT"}},"deep":{deep},"method":"GET","path":"/a","status":200}}"#
    );
    let (seen, _) = read("log", line.as_bytes());
    assert_eq!(seen[0].request, "GET Unknown  /a");
}
