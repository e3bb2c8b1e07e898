//! Live updates: the state at once, later ones at most every second, resumed by their id.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Client, read_head};
use crate::fixture::{self, NOW};
use crate::running::Running;

fn listen(client: &Client, fields: &[(&str, &str)]) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(client.open("GET", "/api/v1/events", fields, ""));
    let (status, fields) = read_head(&mut stream);
    assert_eq!(status, 200);
    assert!(fields.contains(&("content-type".to_owned(), "text/event-stream".to_owned())));
    stream
}

/// The next event's id and data.
fn next(stream: &mut BufReader<TcpStream>) -> (String, Value) {
    let (mut id, mut data) = (None, None);
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the stream ended");
        if let Some(value) = line.strip_prefix("id: ") {
            id = Some(value.trim().to_owned());
        } else if let Some(value) = line.strip_prefix("data: ") {
            data = Some(serde_json::from_str(value).unwrap());
        }
        if let (Some(id), Some(data)) = (&id, &data) {
            return (String::clone(id), Value::clone(data));
        }
    }
}

fn publish(running: &Running, seconds: i64) {
    let mut view = fixture::full();
    view.at = NOW.plus_micros(seconds * 1_000_000);
    running.view.send_replace(Arc::new(view));
}

#[test]
fn updates_are_coalesced_to_one_a_second() {
    let running = Running::new(fixture::full());
    let mut stream = listen(&running.client(), &[]);
    let (first, data) = next(&mut stream);
    assert_eq!(first, NOW.micros().to_string());
    assert_eq!(data["endpoints"], 22);
    let began = Instant::now();
    for second in 1..=20 {
        publish(&running, second);
        std::thread::sleep(Duration::from_millis(10));
    }
    let (second, _) = next(&mut stream);
    assert_eq!(second, NOW.plus_micros(20_000_000).micros().to_string(), "only the last is sent");
    assert!(began.elapsed() > Duration::from_millis(700), "{:?}", began.elapsed());
}

#[test]
fn a_stream_resumes_where_it_was() {
    let running = Running::new(fixture::full());
    let known = NOW.micros().to_string();
    let mut stream = listen(&running.client(), &[("Last-Event-ID", &known)]);
    publish(&running, 5);
    let (id, _) = next(&mut stream);
    assert_eq!(id, NOW.plus_micros(5_000_000).micros().to_string());
}

#[test]
fn a_stream_ends_with_its_session() {
    let running = Running::new(fixture::full());
    let client = running.client();
    let mut stream = listen(&client, &[]);
    next(&mut stream);
    let page = client.get("/").body;
    let token = page.split_once("name=\"token\" value=\"").unwrap().1.get(..64).unwrap();
    assert_eq!(client.post("/leave", &format!("token={token}")).status, 200);
    publish(&running, 5);
    let mut rest = String::new();
    while stream.read_line(&mut rest).unwrap() > 0 {}
    assert!(!rest.contains("data: "), "{rest}");
}
