//! What it costs to be attacked: CPU and memory of the awkward forms of a request, beside those of
//! a plain request of the same size.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::rig::client::{get, post};
use crate::rig::figures::table;
use crate::rig::loopback::Answer;
use crate::rig::nginx::Nginx;
use crate::rig::palisade::{Palisade, Setup};
use crate::rig::{PATH, process};

/// How many times the CPU of a plain request a case may cost.
const CPU_RATIO_GOAL: f64 = 10.0;
/// How many times its own bytes a case may occupy in memory.
const MEMORY_RATIO_GOAL: f64 = 20.0;
/// What a connection may occupy whatever it has sent: buffers, and what 500 exchanges leave behind.
const MEMORY_FREE_BYTES: f64 = 4.0 * 1024.0 * 1024.0;
/// What it may occupy at most.
const MEMORY_BYTES_GOAL: f64 = 8.0 * 1024.0 * 1024.0;
/// How often the same in plain requests is sent before the growth of memory is measured.
const WARM_UPS: usize = 20;
/// How long the server is left alone then.
const REST: Duration = Duration::from_millis(200);
/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way to send something, and the plain way.
struct Case {
    name: &'static str,
    /// Sent on one connection.
    bytes: Vec<u8>,
    /// Answers that are waited for; fewer come when the server has had enough.
    answers: usize,
    /// Sent one after the other on one connection, as many times as there are answers.
    plain: Vec<u8>,
}

/// What sending something cost.
struct Cost {
    /// Milliseconds of CPU for each time.
    cpu_ms: f64,
    status: u16,
}

/// Measures each case against the binary.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
pub(super) fn measure(binary: &Path, seconds: u32) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let directory = directory.path();
    let origin = Nginx::origin(directory)?;
    let setup = Setup { binary, directory, origin: origin.port, contract: None, certificate: None };
    let (mut rows, mut figures) = (Vec::new(), Vec::new());
    for case in cases() {
        let palisade = Palisade::start(&setup)?;
        let grown = growth(&palisade, &case)?;
        let plain = cost(&palisade, &[case.plain.as_slice()].repeat(case.answers), 1, seconds)?;
        let hostile = cost(&palisade, &[case.bytes.as_slice()], case.answers, seconds)?;
        let cpu = hostile.cpu_ms / plain.cpu_ms;
        let size = case.bytes.len() as f64;
        let memory = grown / size;
        let small =
            grown <= MEMORY_FREE_BYTES || grown <= MEMORY_BYTES_GOAL && memory <= MEMORY_RATIO_GOAL;
        let met = cpu <= CPU_RATIO_GOAL && small;
        rows.push(vec![
            case.name.to_owned(),
            format!("{:.1}", size / 1e3),
            hostile.status.to_string(),
            format!("{:.3}", plain.cpu_ms),
            format!("{:.3}", hostile.cpu_ms),
            format!("**{cpu:.2}**"),
            format!("{:.1}", grown / 1_048_576.0),
            format!("{memory:.1}"),
            if met { "yes" } else { "no" }.to_owned(),
        ]);
        figures.push(json!({
            "case": case.name, "bytes": size, "status": hostile.status, "plain_ms": plain.cpu_ms,
            "hostile_ms": hostile.cpu_ms, "cpu_ratio": cpu, "grown_bytes": grown, "met": met,
        }));
        eprintln!("xtask: {}", case.name);
    }
    println!(
        "### Hostile requests beside plain ones of their size; goals: {CPU_RATIO_GOAL} times the \
         CPU, {MEMORY_RATIO_GOAL} times the bytes in memory (from 4 MiB on), 8 MiB\n"
    );
    let head = [
        "case",
        "kB",
        "status",
        "plain CPU ms",
        "CPU ms",
        "ratio",
        "peak grew MiB",
        "times its bytes",
        "met",
    ];
    println!("{}", table(&head, &rows));
    Ok(figures.into())
}

/// Sends the texts again and again, on a connection each time, and takes the CPU time.
fn cost(palisade: &Palisade, texts: &[&[u8]], answers: usize, seconds: u32) -> Result<Cost> {
    let mut status = send(palisade.port, texts, answers)?;
    let before = process::cpu_time(palisade.pid())?;
    let (begun, wanted) = (Instant::now(), Duration::from_secs(seconds.into()));
    let mut times = 0.0;
    while begun.elapsed() < wanted {
        status = send(palisade.port, texts, answers)?;
        times += 1.0;
    }
    let cpu = process::cpu_time(palisade.pid())?.since(before);
    Ok(Cost { cpu_ms: cpu.total() * 1e3 / times, status })
}

/// Bytes by which the memory of a fresh server, which has seen plain requests, grows at most while
/// the case is sent for the first time. Later it lives in what it has got by then.
#[expect(clippy::cast_precision_loss, reason = "a process has far less than 2^52 bytes")]
fn growth(palisade: &Palisade, case: &Case) -> Result<f64> {
    let pid = palisade.pid();
    for _ in 0..WARM_UPS {
        send(palisade.port, &[case.plain.as_slice()].repeat(case.answers), 1)?;
    }
    // what is analysed in the background has been, by then
    thread::sleep(REST);
    process::forget_memory_peak(pid)?;
    let before = process::memory_now(pid)?;
    send(palisade.port, &[case.bytes.as_slice()], case.answers)?;
    Ok(process::memory_peak(pid)?.saturating_sub(before) as f64)
}

/// Sends each text and waits for its answers; the status of the last answer, 0 for none. A server
/// that refuses may close at any time, and that is no error here.
fn send(port: u16, texts: &[&[u8]], answers: usize) -> Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut status = 0;
    for text in texts {
        let sent = stream.write_all(text);
        let mut inbox = Vec::new();
        for _ in 0..answers {
            let Some(answer) = next(&mut stream, &mut inbox)? else { return Ok(status) };
            status = answer.status;
            if answer.closes || sent.is_err() {
                return Ok(status);
            }
        }
    }
    // a server that lingers until we close costs no more for it
    let _ = stream.shutdown(Shutdown::Both);
    Ok(status)
}

/// Takes the next answer off the connection; nothing when it is closed or broken.
fn next(stream: &mut TcpStream, inbox: &mut Vec<u8>) -> Result<Option<Answer>> {
    let mut piece = [0; 16 << 10];
    loop {
        if let Some(answer) = Answer::parse(inbox)? {
            inbox.drain(..answer.length);
            return Ok(Some(answer));
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => inbox.extend_from_slice(&piece[..count]),
            _ => return Ok(None),
        }
    }
}

/// All cases.
fn cases() -> Vec<Case> {
    let one = |name, bytes: Vec<u8>| {
        let plain = plain(bytes.len());
        Case { name, bytes, answers: 1, plain }
    };
    vec![
        one("1,000,000 chunks of one byte", chunks(1_000_000)),
        one("100 fields", fields(100)),
        one("more fields than are allowed (2,000)", fields(2000)),
        one("a target of 7 kB", get(&format!("{PATH}?q={}", "a".repeat(7000)))),
        one(
            "a target of 7 kB, all of it encoded",
            get(&format!("{PATH}?q={}", "%61".repeat(2333))),
        ),
        one("1,000 parameters", get(&format!("{PATH}?{}", "a=1&".repeat(1000)))),
        one("JSON nested 60 deep, 64 kB", post(PATH, &nested(60, 64_000))),
        one(
            "JSON nested 20,000 deep",
            post(PATH, &format!("{}{}", "[".repeat(20_000), "]".repeat(20_000))),
        ),
        one("JSON with 5,000 names", post(PATH, &names(5000))),
        one("JSON of escapes, 64 kB", post(PATH, &format!("[\"{}\"]", "\\u0041".repeat(10_600)))),
        one("JSON that never ends, 64 kB", post(PATH, &format!("[\"{}", "a".repeat(64_000)))),
        Case {
            name: "500 requests at once on one connection",
            bytes: get(PATH).repeat(500),
            answers: 500,
            plain: get(PATH),
        },
    ]
}

/// A plain request of so many bytes: JSON in small flat objects.
fn plain(bytes: usize) -> Vec<u8> {
    const OBJECT: &str = r#"{"id":4711,"name":"Aberdeen","paid":true}"#;
    let body = |count: usize| format!("[{}]", vec![OBJECT; count.max(1)].join(","));
    post(PATH, &body((bytes.saturating_sub(150)) / (OBJECT.len() + 1)))
}

fn chunks(count: usize) -> Vec<u8> {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let mut bytes = head.into_bytes();
    bytes.extend(b"1\r\na\r\n".repeat(count));
    bytes.extend(b"0\r\n\r\n");
    bytes
}

fn fields(count: usize) -> Vec<u8> {
    let mut text = format!("GET {PATH} HTTP/1.1\r\nHost: localhost\r\n");
    for number in 0..count {
        let _ = write!(text, "X-Field-{number}: value-{number}\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// An array of arrays in arrays, of about so many bytes.
fn nested(depth: usize, bytes: usize) -> String {
    let one = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    format!("[{}]", vec![one.as_str(); bytes / (one.len() + 1)].join(","))
}

fn names(count: usize) -> String {
    let members: Vec<String> = (0..count).map(|n| format!("\"name{n}\":{n}")).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_requests_have_the_size_of_their_case() {
        let mut compared = 0;
        for case in cases().into_iter().filter(|case| case.answers == 1) {
            let (hostile, plain) = (case.bytes.len(), case.plain.len());
            assert!(plain.abs_diff(hostile) <= 60, "{}: {hostile} {plain}", case.name);
            compared += 1;
        }
        assert_eq!(compared, 11);
    }

    #[test]
    fn generated_json_is_what_it_is_called() {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(parsed(&names(5000)).as_object().unwrap().len(), 5000);
        let (mut value, mut depth) = (parsed(&nested(60, 64_000)), 0);
        while let Some(first) = value.get_mut(0).map(Value::take) {
            (value, depth) = (first, depth + 1);
        }
        assert_eq!(depth, 61);
    }
}
