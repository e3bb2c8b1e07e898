//! What stands behind the readers that are proxies: answers each request that they send on with
//! what arrived. Reads naively and by itself, so that our own reader is not its judge.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

/// Starts a recorder on a free port of the loopback, for as long as the program runs.
pub(crate) fn start() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || record(stream));
        }
    });
    Ok(port)
}

/// Answers until the other side ends the connection or sends what this reader does not know.
fn record(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = Vec::new();
    loop {
        let head_len = loop {
            match buffer.windows(4).position(|end| end == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => more(&mut stream, &mut buffer)?,
            }
        };
        let head: Vec<u8> = buffer.drain(..head_len).collect();
        let mut lines = head.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let start = lines.next()?;
        let start = start.strip_suffix(b" HTTP/1.1").unwrap_or(start);
        let fields: Vec<&[u8]> = lines.collect();
        let mut seen = [start, b" ", field(&fields, "host"), b"\n"].concat();
        if field(&fields, "transfer-encoding").eq_ignore_ascii_case(b"chunked") {
            chunked(&mut stream, &mut buffer, &mut seen)?;
        } else {
            let length = std::str::from_utf8(field(&fields, "content-length")).ok()?;
            take(&mut stream, &mut buffer, length.parse().unwrap_or(0), &mut seen)?;
        }
        stream.write_all(&answer(&seen)).ok()?;
    }
}

/// An answer whose body is what was seen; for HEAD, a field in hexadecimal digits.
fn answer(seen: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", seen.len());
    if seen.starts_with(b"HEAD ") {
        let digits: String = seen.iter().map(|byte| format!("{byte:02x}")).collect();
        return format!("{head}Seen: {digits}\r\n\r\n").into_bytes();
    }
    [head.as_bytes(), b"\r\n", seen].concat()
}

/// The value of the first field of this name.
fn field<'a>(fields: &[&'a [u8]], name: &str) -> &'a [u8] {
    let value = fields.iter().find_map(|line| {
        let (before, after) = line.split_at_checked(name.len())?;
        let value = after.strip_prefix(b":")?;
        before.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    });
    value.unwrap_or_default()
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut piece = [0; 65_536];
    let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
    buffer.extend_from_slice(piece.get(..count)?);
    Some(())
}

fn take(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
    count: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    while buffer.len() < count {
        more(stream, buffer)?;
    }
    out.extend(buffer.drain(..count));
    Some(())
}

fn chunked(stream: &mut TcpStream, buffer: &mut Vec<u8>, out: &mut Vec<u8>) -> Option<()> {
    loop {
        let size = line(stream, buffer)?;
        let digits = size.split(|&byte| byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), 16).ok()?;
        if size == 0 {
            while !line(stream, buffer)?.is_empty() {}
            return Some(());
        }
        take(stream, buffer, size, out)?;
        line(stream, buffer)?;
    }
}

/// The next line, without its end.
fn line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = loop {
        match buffer.windows(2).position(|end| end == b"\r\n") {
            Some(at) => break at,
            None => more(stream, buffer)?,
        }
    };
    let line = buffer.drain(..end + 2).take(end).collect();
    Some(line)
}
