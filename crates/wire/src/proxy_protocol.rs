//! The PROXY protocol, versions 1 and 2: how a balancer in front says whose connection this is.
//!
//! The format is HAProxy's `doc/proxy-protocol.txt`. A header stands once, before the first byte
//! of TLS or HTTP, and only where the settings expect it: guessing would let any client name any
//! address. So whoever calls [`parse`] has decided that there must be one, and that the peer may
//! send it; what is not a header in every detail is refused, and the connection closed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::limits::{PROXY_V1_BYTES, PROXY_V2_BYTES};
use crate::refusal::Refusal;

/// What every header of version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What every header of version 1 begins with.
const V1: &[u8; 6] = b"PROXY ";

/// Bytes of version 2 before what its length counts.
const V2_FIXED: usize = 16;

/// The type of the checksum among the extensions of version 2 (`PP2_TYPE_CRC32C`).
const TYPE_CRC32C: u8 = 0x03;

/// A complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyHeader {
    /// Bytes of the header; what follows belongs to the connection's own protocol.
    pub len: usize,
    /// The two ends of the client's connection; `None` when the sender speaks for itself
    /// (`LOCAL`, as health checks do) or does not know (`UNKNOWN`, `UNSPEC`).
    pub ends: Option<Ends>,
}

/// The two ends of a connection. An IPv4 address written as IPv6 is told as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    /// Where it comes from.
    pub source: SocketAddr,
    /// Where it was going.
    pub destination: SocketAddr,
}

/// Reads a header at the beginning of `buf`; `None` if it is in order so far and goes on.
///
/// # Errors
/// [`Refusal::ProxyHeader`] for what is not, or will never be, a header.
pub fn parse(buf: &[u8]) -> Result<Option<ProxyHeader>, Refusal> {
    if begins(buf, SIGNATURE) {
        return second(buf);
    }
    if begins(buf, V1) {
        return first(buf);
    }
    Err(Refusal::ProxyHeader)
}

/// Whether `buf` begins with `start`, or may still come to.
fn begins(buf: &[u8], start: &[u8]) -> bool {
    buf.iter().zip(start).all(|(a, b)| a == b)
}

/// Version 1: one line of text.
fn first(buf: &[u8]) -> Result<Option<ProxyHeader>, Refusal> {
    let refused = Err(Refusal::ProxyHeader);
    let within = buf.get(..PROXY_V1_BYTES).unwrap_or(buf);
    let Some(end) = within.iter().position(|byte| !matches!(byte, b' '..=b'~')) else {
        return if within.len() < PROXY_V1_BYTES { Ok(None) } else { refused };
    };
    match within.get(end..).unwrap_or_default() {
        [b'\r', b'\n', ..] => {}
        [b'\r'] if within.len() < PROXY_V1_BYTES => return Ok(None),
        _ => return refused,
    }
    let line = within.get(V1.len()..end).and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.ok_or(Refusal::ProxyHeader)?.split(' ');
    let ends = match words.next() {
        Some("TCP4") => Some(text_ends::<Ipv4Addr>(words)?),
        Some("TCP6") => Some(text_ends::<Ipv6Addr>(words)?),
        // what else is on the line must not be looked at
        Some("UNKNOWN") => None,
        _ => return refused,
    };
    Ok(Some(ProxyHeader { len: end + 2, ends }))
}

/// `SOURCE DESTINATION SOURCE-PORT DESTINATION-PORT`, and nothing more.
fn text_ends<'w, A>(words: impl Iterator<Item = &'w str>) -> Result<Ends, Refusal>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let words: Vec<&str> = words.take(5).collect();
    let [source, destination, from, to] = words[..] else { return Err(Refusal::ProxyHeader) };
    let address = |text: &str| text.parse::<A>().ok().map(Into::into);
    let ends = (|| Some(ends(address(source)?, port(from)?, address(destination)?, port(to)?)))();
    ends.ok_or(Refusal::ProxyHeader)
}

/// A port in decimal digits without leading zeros.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0'))).then(|| text.parse().ok())?
}

fn ends(source: IpAddr, from: u16, destination: IpAddr, to: u16) -> Ends {
    Ends {
        source: SocketAddr::new(source.to_canonical(), from),
        destination: SocketAddr::new(destination.to_canonical(), to),
    }
}

/// Version 2: a fixed part, addresses, and extensions.
fn second(buf: &[u8]) -> Result<Option<ProxyHeader>, Refusal> {
    let Some((&[version_command, family, high, low], rest)) =
        buf.get(SIGNATURE.len()..).and_then(<[u8]>::split_first_chunk)
    else {
        // a version that will not do need not be waited for
        return match buf.get(SIGNATURE.len()) {
            Some(version) if version >> 4 != 2 => Err(Refusal::ProxyHeader),
            _ => Ok(None),
        };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let len = V2_FIXED + length;
    if len > PROXY_V2_BYTES || !matches!(version_command, 0x20 | 0x21) {
        return Err(Refusal::ProxyHeader);
    }
    let addresses = match (version_command, family) {
        // LOCAL: the sender speaks for itself, whatever stands there
        (0x20, _) | (_, 0x00) => 0,
        (_, 0x11) => 12,
        (_, 0x21) => 36,
        // datagrams and UNIX sockets do not come to a TCP listener
        _ => return Err(Refusal::ProxyHeader),
    };
    if length < addresses {
        return Err(Refusal::ProxyHeader);
    }
    let Some(block) = rest.get(..length) else { return Ok(None) };
    let (addresses, extensions) = block.split_at_checked(addresses).unwrap_or_default();
    if version_command == 0x21 {
        let whole = buf.get(..len).unwrap_or_default();
        check_extensions(extensions, len - extensions.len(), whole)?;
    }
    Ok(Some(ProxyHeader { len, ends: binary_ends(addresses) }))
}

fn binary_ends(block: &[u8]) -> Option<Ends> {
    let port = |at: usize| Some(u16::from_be_bytes(*block.get(at..)?.first_chunk()?));
    let v4 = |at: usize| Some(IpAddr::from(*block.get(at..)?.first_chunk::<4>()?));
    let v6 = |at: usize| Some(IpAddr::from(*block.get(at..)?.first_chunk::<16>()?));
    match block.len() {
        12 => Some(ends(v4(0)?, port(8)?, v4(4)?, port(10)?)),
        36 => Some(ends(v6(0)?, port(32)?, v6(16)?, port(34)?)),
        _ => None,
    }
}

/// Extensions are type, length in two bytes, value, up to the very end. Of their values only the
/// checksum over the whole header is looked at. `at` is where they begin in it.
fn check_extensions(mut rest: &[u8], mut at: usize, whole: &[u8]) -> Result<(), Refusal> {
    while !rest.is_empty() {
        let (&[kind, high, low], after) = rest.split_first_chunk().ok_or(Refusal::ProxyHeader)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, after) = after.split_at_checked(length).ok_or(Refusal::ProxyHeader)?;
        if kind == TYPE_CRC32C {
            let sum: [u8; 4] = value.try_into().map_err(|_| Refusal::ProxyHeader)?;
            if crc32c(whole, at + 3) != u32::from_be_bytes(sum) {
                return Err(Refusal::ProxyHeader);
            }
        }
        at += 3 + length;
        rest = after;
    }
    Ok(())
}

/// CRC-32C (RFC 3720 §12.1) of `bytes`, with the four bytes at `sum_at` taken as zero. Bit by
/// bit: headers are short, and come once for each connection.
fn crc32c(bytes: &[u8], sum_at: usize) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for (at, byte) in bytes.iter().enumerate() {
        let byte = if (sum_at..sum_at + 4).contains(&at) { 0 } else { *byte };
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (REVERSED_POLYNOMIAL & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}
