//! HAR documents and entries by line, with what tools write and leave out.

use exchange::body::Why;
use exchange::recording::Skip;

use crate::seen::{Bytes, Seen, read, read_chunks, read_every_way};

const START: &str = r#""startedDateTime":"2026-01-15T09:00:00.000Z","time":12.5"#;

/// A document around these entries.
fn document(entries: &[&str]) -> String {
    format!(r#"{{"log":{{"version":"1.2","entries":[{}]}}}}"#, entries.join(",\n"))
}

/// An entry with these members of request and response.
fn entry(request: &str, response: &str) -> String {
    format!(r#"{{{START},"request":{{{request}}},"response":{{{response}}}}}"#)
}

const GET: &str =
    r#""method":"GET","url":"https://Shop.Example:8443/v1/orders?page=2#top","headers":[]"#;
const OK: &str =
    r#""status":200,"headers":[],"content":{"size":2,"mimeType":"application/json","text":"{}"}"#;

fn one(request: &str, response: &str) -> Seen {
    let (seen, tally) = read("a.har", document(&[&entry(request, response)]).as_bytes());
    assert_eq!((seen.len(), tally.skipped), (1, 0), "{request} {response} {tally:?}");
    seen.into_iter().next().unwrap()
}

fn skipped(entry: &str) -> &'static str {
    let (seen, tally) = read("a.har", document(&[entry]).as_bytes());
    assert_eq!((seen.len(), tally.skipped), (0, 1), "{entry}");
    tally.reasons.into_keys().next().unwrap()
}

#[test]
fn an_entry_is_an_exchange() {
    let text = document(&[&entry(GET, OK)]);
    let (seen, tally) = read_every_way("a.har", text.as_bytes());
    assert_eq!(tally.exchanges, 1);
    assert_eq!(
        seen,
        [Seen {
            at: "2026-01-15T09:00:00.000Z".into(),
            duration_us: 12_500,
            client: None,
            trusted: true,
            user: None,
            request: "GET Https shop.example /v1/orders?page=2".into(),
            request_fields: vec![],
            request_body: Bytes::Absent(Why::Empty),
            status: 200,
            response_fields: vec![],
            response_body: Bytes::text("{}"),
        }]
    );
}

#[test]
fn documents_in_every_order_and_shape() {
    let entry = entry(GET, OK);
    let documents = [
        format!(r#"{{"log":{{"entries":[{entry}],"pages":[{{"a":"]}}"}}],"version":"1.2"}}}}"#),
        format!(
            r#"{{"a":[1,{{"entries":[2]}}],"log":{{"pages":[],"entries":[{entry}]}},"b":null}}"#
        ),
        format!("\u{feff}  {{\n\"log\" : {{ \"entries\" : [ {entry} ] }} }}\n\n"),
        format!(r#"[{entry}]"#),
        format!(r#"{{"entries":[{entry}]}}"#),
        format!(r#"{{"log":{{"comment":"\"entries\":[","entries":[{entry},]}}}}"#),
        format!(r#"{{"log":{{"creator":"\\","entries":[{entry}]}}}}"#),
        format!(
            "{{\"log\":{{\"entries\":[{}]}}}}",
            entry
                .replace(',', " ,\r\n\t")
                .replace(':', " :")
                .replace("https ://Shop.Example :", "https://Shop.Example:")
                .replace("09 :00 :00", "09:00:00")
        ),
    ];
    for text in &documents {
        let (seen, tally) = read_every_way("a.har", text.as_bytes());
        assert_eq!((seen.len(), tally.skipped), (1, 0), "{text}");
        assert!(tally.places.is_empty(), "{text} {tally:?}");
        assert_eq!(seen[0].request, "GET Https shop.example /v1/orders?page=2");
    }
    assert_eq!(documents.len(), 8);
    let twice = format!("{}{}", document(&[&entry]), document(&[&entry]));
    assert_eq!(read("a.har", twice.as_bytes()).0.len(), 2);
}

#[test]
fn urls_name_scheme_host_path_and_query() {
    let cases = [
        ("http://a.example", "GET Http a.example /"),
        ("HTTPS://A.EXAMPLE./", "GET Https a.example /"),
        ("https://user:pw@a.example/x", "GET Https a.example /x"),
        ("http://[2001:DB8::1]:8080/x", "GET Http [2001:db8::1] /x"),
        ("http://a.example?q=1", "GET Http a.example /?q=1"),
        ("http://a.example/x?q=http://b/", "GET Http a.example /x?q=http://b/"),
        ("http://a.example/x#y?z", "GET Http a.example /x"),
        ("/relative?x=1", "GET Unknown host.example /relative?x=1"),
        ("http://127.0.0.1:5000/x", "GET Http 127.0.0.1 /x"),
    ];
    for (url, expected) in cases {
        let headers = r#"[{"name":"Host","value":"HOST.example:80"}]"#;
        let seen = one(&format!(r#""method":"GET","url":"{url}","headers":{headers}"#), OK);
        assert_eq!(seen.request, expected, "{url}");
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn bodies_are_given_as_the_server_meant_them() {
    let absent = |why| Bytes::Absent(why);
    let cases: &[(&str, Bytes)] = &[
        (r#""content":{"text":"a\u00e9\ud83d\ude00\n\"\\"}"#, Bytes::text("aé😀\n\"\\")),
        (r#""content":{"text":"half \ud800 pair"}"#, Bytes::text("half \u{fffd} pair")),
        (r#""content":{"text":"eyJhIjoxfQ==","encoding":"base64"}"#, Bytes::text("{\"a\":1}")),
        (r#""content":{"encoding":"base64","text":"eyJhIj\noxfQ"}"#, Bytes::text("{\"a\":1}")),
        (r#""content":{"encoding":"base64","text":"\/\/8="}"#, Bytes::Whole(vec![255, 255])),
        (r#""content":{"encoding":"base64","text":"***"}"#, absent(Why::NotRecorded)),
        (r#""content":{"size":12,"mimeType":"text/html"}"#, absent(Why::NotRecorded)),
        (r#""content":{"size":12,"text":""}"#, absent(Why::NotRecorded)),
        (r#""content":{"size":0,"text":""}"#, absent(Why::Empty)),
        (r#""content":{"size":0}"#, absent(Why::Empty)),
        (r#""content":{"size":-1,"mimeType":"text/html"}"#, absent(Why::NotRecorded)),
        (r#""content":{}"#, absent(Why::NotRecorded)),
        (r#""content":null"#, absent(Why::NotRecorded)),
        (r#""bodySize":0"#, absent(Why::Empty)),
        (r#""bodySize":0,"content":{"size":5}"#, absent(Why::NotRecorded)),
        (r#""content":{"text":null,"size":3}"#, absent(Why::NotRecorded)),
    ];
    for (response, expected) in cases {
        let seen = one(GET, &format!(r#""status":200,"headers":[],{response}"#));
        assert_eq!(seen.response_body, *expected, "{response}");
    }
    assert_eq!(cases.len(), 16);
    for (method, status) in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        let request = GET.replace("GET", method);
        let response = format!(r#""status":{status},"content":{{"text":"cached","size":6}}"#);
        assert_eq!(one(&request, &response).response_body, Bytes::Absent(Why::Empty));
    }
}

#[test]
fn request_bodies_come_from_text_or_from_a_form() {
    let form = r#""mimeType":"application/x-www-form-urlencoded; charset=utf-8""#;
    let cases: &[(String, Bytes)] = &[
        (r#""postData":{"text":"{\"a\":1}"}"#.into(), Bytes::text("{\"a\":1}")),
        (
            format!(
                r#""postData":{{{form},"params":[{{"name":"a b","value":"c&d=é"}},{{"name":"e"}}]}}"#
            ),
            Bytes::text("a+b=c%26d%3D%C3%A9&e="),
        ),
        (
            r#""postData":{"mimeType":"multipart/form-data","params":[{"name":"a"}]}"#.into(),
            Bytes::Absent(Why::NotRecorded),
        ),
        (
            r#""postData":{"mimeType":"a/b","text":""},"bodySize":0"#.into(),
            Bytes::Absent(Why::Empty),
        ),
        (r#""bodySize":7"#.into(), Bytes::Absent(Why::NotRecorded)),
        (r#""bodySize":-1"#.into(), Bytes::Absent(Why::Empty)),
    ];
    for (members, expected) in cases {
        let seen = one(&format!(r#""method":"POST","url":"http://a.example/x",{members}"#), OK);
        assert_eq!(seen.request_body, *expected, "{members}");
    }
    assert_eq!(cases.len(), 6);
}

#[test]
fn fields_are_those_of_the_message() {
    let request = r#""method":"GET","url":"https://a.example/","headers":[
        {"name":":authority","value":"a.example"},{"name":":path","value":"/"},
        {"value":"x\"y","comment":"","name":"X-Quoted"},{"name":"Empty"},{"name":"accept","value":"*/*"}],
        "cookies":[{"name":"sid","value":"1","path":"/"},{"name":"b","value":"2"}]"#;
    let response = r#""status":200,"headers":[{"name":"Content-Encoding","value":"gzip"},
        {"name":"Content-Type","value":"application/json"}],"content":{"text":"{}"},
        "cookies":[{"name":"sid","value":"9"}]"#;
    let seen = one(request, response);
    assert_eq!(
        seen.request_fields,
        ["X-Quoted: x\"y", "Empty: ", "accept: */*", "cookie: sid=1; b=2"]
    );
    assert_eq!(seen.response_fields, ["Content-Type: application/json", "set-cookie: sid=9"]);

    // what is still compressed keeps the field that says so, and so does a body that is not there
    for content in [r#"{"text":"H4sIAAAAAAAA","encoding":"base64"}"#, r#"{"size":9}"#] {
        let headers = r#"[{"name":"content-encoding","value":"gzip"}]"#;
        let seen = one(GET, &format!(r#""status":200,"headers":{headers},"content":{content}"#));
        assert_eq!(seen.response_fields, ["content-encoding: gzip"], "{content}");
    }
    let both = r#""method":"GET","url":"https://a.example/","headers":[{"name":"Cookie","value":"a=1"}],
        "cookies":[{"name":"a","value":"1"}]"#;
    assert_eq!(one(both, OK).request_fields, ["Cookie: a=1"]);
}

#[test]
fn the_client_is_recorded_or_forwarded() {
    let with = r#","_clientIPAddress":"198.51.100.7"}"#;
    let text = entry(GET, OK).strip_suffix('}').unwrap().to_owned() + with;
    let (seen, _) = read("a.har", document(&[&text]).as_bytes());
    assert_eq!((seen[0].client.as_deref(), seen[0].trusted), (Some("198.51.100.7"), false));
    assert!(one(GET, OK).trusted);
}

#[test]
fn what_is_no_exchange_is_counted_by_reason() {
    let url = |url: &str| entry(&format!(r#""method":"GET","url":"{url}""#), OK);
    let socket = entry(GET, OK).replacen('{', r#"{"_resourceType":"websocket","#, 1);
    let messages = entry(GET, OK).replacen('{', r#"{"_webSocketMessages":[{"data":"}"}],"#, 1);
    let cases = [
        (url("data:text/plain,x"), "not http"),
        (url("blob:https://a.example/1"), "not http"),
        (url("chrome-extension://abc/x.js"), "not http"),
        (url("about:blank"), "not http"),
        (url("https:///nohost"), "not http"),
        (url("wss://a.example/chat"), "websocket"),
        (url("ws://a.example/chat"), "websocket"),
        (socket, "websocket"),
        (messages, "websocket"),
        (entry(GET, r#""status":101"#), "websocket"),
        (entry(GET, r#""status":0"#), "no response"),
        (entry(GET, ""), "no response"),
        (format!(r#"{{{START},"request":{{{GET}}}}}"#), "no response"),
        (entry("", OK), "broken entry"),
        (entry(r#""method":"GET""#, OK), "broken entry"),
        (entry(r#""method":"G T","url":"http://a.example/""#, OK), "broken entry"),
        (entry(r#""method":7,"url":"http://a.example/""#, OK), "broken entry"),
        ("{}".into(), "broken entry"),
        ("5".into(), "broken entry"),
        ("null".into(), "broken entry"),
        ("\"text\"".into(), "broken entry"),
        ("[[1],{}]".into(), "broken entry"),
    ];
    for (entry, reason) in &cases {
        assert_eq!(skipped(entry), *reason, "{entry}");
    }
    assert_eq!(cases.len(), 22);
}

#[test]
fn a_broken_entry_costs_no_other() {
    let good = entry(GET, OK);
    let broken = [
        good.replace("\"GET\"", "GET"),
        good.replace("\"GET\",", "\"GET"),
        good.replace("https://", "https://\""),
        good.strip_suffix('}').unwrap().to_owned(),
        good.strip_suffix("}}").unwrap().to_owned(),
        format!("{good}}}"),
        good.replace("\"headers\":[]", "\"headers\":[}"),
        good.replace("\"request\":{", "\"request\":{{"),
        good.replace("\"url\":", "\"url\""),
        "{\"startedDateTime\":\"2026".to_owned(),
        "nonsense".to_owned(),
        "{\"x\":\u{1}}".to_owned(),
    ];
    for broken in &broken {
        let text = document(&[&good, broken, &good, &good]);
        let (seen, tally) = read_every_way("a.har", text.as_bytes());
        assert_eq!(seen.len(), if broken.starts_with(&good) { 4 } else { 3 }, "{broken} {tally:?}");
        assert_eq!(
            tally.reasons.into_iter().collect::<Vec<_>>(),
            [("broken entry", 1)],
            "{broken}"
        );
        let place = &tally.places[0];
        assert_eq!(place.skip, Skip::BrokenEntry);
        assert!(!place.found.is_empty() && !place.expected.is_empty());
        let second = text.find(&good).unwrap() + good.len();
        assert!(place.offset as usize >= second, "{broken} {place:?}");
        assert!(place.offset as usize <= second + broken.len() + 8, "{broken} {place:?}");
    }
    assert_eq!(broken.len(), 12);
}

#[test]
fn a_document_that_stops_keeps_what_was_whole() {
    let good = entry(GET, OK);
    let text = document(&[&good, &good]);
    for end in 0..text.len() - 1 {
        let part = &text.as_bytes()[..end];
        let (seen, tally) = read("a.har", part);
        let (first, second) = (text.find(&good).unwrap(), text.rfind(&good).unwrap());
        let whole =
            usize::from(end >= first + good.len()) + usize::from(end >= second + good.len());
        assert_eq!(seen.len(), whole, "{end}");
        assert!(!tally.places.is_empty() || end < 2, "{end} {tally:?}");
    }
}

#[test]
fn entries_by_line_are_read_as_well() {
    let good = entry(GET, OK);
    let text = format!("{good}\n\n{good}\r\n{}\n{{}}\n{good}", good.replace("\"GET\"", "GET"));
    let (seen, tally) = read_every_way("a.ndjson", text.as_bytes());
    assert_eq!(seen.len(), 3);
    assert_eq!(tally.reasons["broken entry"], 2);
    assert_eq!(tally.places[0].number, 4);
    // the first line decides nothing when it is the broken one
    let text = format!("{}\n{good}\n", good.replace("\"GET\"", "GET"));
    let (seen, tally) = read_every_way("entries", text.as_bytes());
    assert_eq!((seen.len(), tally.skipped), (1, 1));
}

#[test]
fn an_entry_without_a_time_has_that_of_the_one_before() {
    let timeless = entry(GET, OK).replace(START, r#""time":"7""#);
    let (seen, _) = read("a.har", document(&[&entry(GET, OK), &timeless]).as_bytes());
    assert_eq!((seen[1].at.as_str(), seen[1].duration_us), ("2026-01-15T09:00:00.000Z", 7_000));
}

#[test]
fn exchanges_with_credentials_are_counted() {
    let with = |name: &str| {
        let headers = format!(r#""headers":[{{"name":"{name}","value":"x"}}]"#);
        entry(&GET.replace(r#""headers":[]"#, &headers), OK)
    };
    let names = ["AUTHORIZATION", "cookie", "Proxy-Authorization", "X-API-Key", "set-cookie"];
    let mut entries: Vec<String> = names.iter().map(|name| with(name)).collect();
    entries.extend([with("Accept"), with("X-Authorization-Hint")]);
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    assert_eq!(read("a.har", document(&entries).as_bytes()).1.credentials_dropped, 5);
}

#[test]
fn a_large_document_is_read_in_chunks() {
    let body = "x".repeat(50_000);
    let large = entry(GET, &OK.replace("{}", &body));
    let entries: Vec<&str> = (0..200).map(|_| large.as_str()).collect();
    let text = document(&entries);
    let chunks: Vec<&[u8]> = text.as_bytes().chunks(7_919).collect();
    let (seen, tally) = read_chunks("a.har", &chunks);
    assert_eq!((seen.len(), tally.skipped), (200, 0));
    assert!(seen.iter().all(|seen| seen.response_body == Bytes::text(&body)));
}
