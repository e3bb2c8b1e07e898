//! Ports of this machine's loopback interface, and waiting until something answers there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// `N` different ports that nothing listens on.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Asks until `GET path` is answered with 200; how long that took.
pub(crate) fn wait_until_ok(port: u16, path: &str, patience: Duration) -> Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if status(port, path) == Some(200) {
            return Ok(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("http://127.0.0.1:{port}{path} has not answered 200 within {patience:?}")
}

/// Tries until a connection is accepted; how long that took.
pub(crate) fn wait_until_open(port: u16, patience: Duration) -> Result<Duration> {
    let begun = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while begun.elapsed() < patience {
        if TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok() {
            return Ok(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("nothing has listened on 127.0.0.1:{port} within {patience:?}")
}

/// The status of one `GET`; nothing when there is no answer.
fn status(port: u16, path: &str) -> Option<u16> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    let line = std::str::from_utf8(&head).ok()?;
    line.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// An answer with a declared length, as all servers of the bench give.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Head and body.
    pub(crate) length: usize,
    /// The connection carries no other exchange.
    pub(crate) closes: bool,
}

impl Answer {
    /// The answer at the start of `bytes`; nothing while it is not all there.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end])?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3));
        let status = status.and_then(|status| status.parse().ok());
        let (mut body, mut closes) = (None, false);
        for line in lines {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                body = value.trim().parse::<usize>().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                closes |= value.trim().eq_ignore_ascii_case("close");
            }
        }
        let (Some(status), Some(body)) = (status, body) else {
            bail!("an answer without a status or a length: {head:?}");
        };
        let length = end + 4 + body;
        Ok((bytes.len() >= length).then_some(Self { status, length, closes }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_where_they_say() {
        let text = b"HTTP/1.1 404 Not Found\r\nconnection: Close\r\ncontent-length: 3\r\n\r\nabcd";
        let expected = Answer { status: 404, length: text.len() - 1, closes: true };
        assert_eq!(Answer::parse(text).unwrap(), Some(expected));
        assert_eq!(Answer::parse(&text[..text.len() - 2]).unwrap(), None);
        assert_eq!(Answer::parse(b"HTTP/1.1 200 OK\r\n").unwrap(), None);
        assert!(Answer::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn ports_are_distinct_and_silent() {
        let [a, b] = free_ports().unwrap();
        assert_ne!(a, b);
        assert!(wait_until_ok(a, "/", Duration::from_millis(20)).is_err());
        assert!(wait_until_open(b, Duration::from_millis(20)).is_err());
    }
}
