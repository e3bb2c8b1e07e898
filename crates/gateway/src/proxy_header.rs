//! Whose connection it is, where a balancer says so in a PROXY header.

use std::net::IpAddr;

use tokio::net::TcpStream;
use wire::Refusal;
use wire::limits::PROXY_V2_BYTES;
use wire::proxy_protocol::{ProxyHeader, parse};

use crate::limits::PROXY_HEADER;
use crate::ticker::Watch;
use crate::worker::Worker;

/// Takes the header off the connection's beginning and returns the client's address, or `peer`
/// when the balancer speaks for itself. Without a header from one who may send it there is no
/// address, and the connection is to be closed: an answer would be read as the balancer's.
pub(crate) async fn client(worker: &Worker, stream: &TcpStream, peer: IpAddr) -> Option<IpAddr> {
    if !worker.table().peer(peer).trusted {
        worker.counts.refused(Refusal::ProxyPeer);
        return None;
    }
    let watch = worker.ticker.enroll();
    watch.arm(PROXY_HEADER);
    match header(stream, &watch).await {
        Some(Ok(header)) => Some(header.ends.map_or(peer, |ends| ends.source.ip())),
        Some(Err(refusal)) => {
            worker.counts.refused(refusal);
            None
        }
        None => None,
    }
}

/// Reads up to the header's last byte and not one further: what follows belongs to TLS or HTTP.
/// `None` if the other end goes away or takes too long.
async fn header(stream: &TcpStream, watch: &Watch) -> Option<Result<ProxyHeader, Refusal>> {
    let mut bytes = Vec::with_capacity(PROXY_V2_BYTES);
    let mut piece = vec![0; PROXY_V2_BYTES];
    loop {
        let peeked = watch.within(stream.peek(&mut piece)).await.ok()?.ok()?;
        if peeked == 0 {
            return None;
        }
        let known = bytes.len();
        bytes.extend_from_slice(piece.get(..peeked)?);
        let parsed = match parse(&bytes) {
            Ok(parsed) => parsed,
            Err(refusal) => return Some(Err(refusal)),
        };
        // without an end, everything so far belongs to the header
        let end = parsed.map_or(bytes.len(), |header| header.len);
        let mut taken = known;
        while taken < end {
            let rest = piece.get_mut(..end - taken)?;
            match stream.try_read(rest) {
                Ok(0) => return None,
                Ok(count) => taken += count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    watch.within(stream.readable()).await.ok()?.ok()?;
                }
                Err(_) => return None,
            }
        }
        if let Some(header) = parsed {
            return Some(Ok(header));
        }
    }
}
