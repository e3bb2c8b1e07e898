//! Ports of this machine's loopback interface, and waiting until something answers there.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// `N` different ports that nothing listens on.
pub(super) fn free_ports<const N: usize>() -> Result<[u16; N]> {
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
pub(super) fn wait_until_ok(port: u16, path: &str, patience: Duration) -> Result<Duration> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if status(port, path) == Some(200) {
            return Ok(begun.elapsed());
        }
        thread::sleep(Duration::from_millis(2));
    }
    bail!("http://127.0.0.1:{port}{path} has not answered 200 within {patience:?}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_distinct_and_silent() {
        let [a, b] = free_ports().unwrap();
        assert_ne!(a, b);
        assert!(wait_until_ok(a, "/", Duration::from_millis(20)).is_err());
    }
}
