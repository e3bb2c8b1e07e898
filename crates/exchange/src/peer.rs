//! Who is at the other end of the socket, and whom a trusted proxy says it speaks for.

use std::net::{IpAddr, Ipv6Addr};

use wire::Fields;

/// The other end of the connection. A recording may not know it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Peer {
    /// The address of the socket, or the recorded client address.
    pub address: Option<IpAddr>,
    /// True when it may speak for others (`[trust] proxies`, or a recording behind a proxy).
    pub trusted: bool,
    /// The user that an access log names: somebody else has already checked its credential.
    pub user: Option<Box<[u8]>>,
    /// Whom the client's certificate names. It has been verified.
    pub certificate: Option<Box<str>>,
}

impl Peer {
    /// The client's address: the peer's own, or, when the peer is trusted, the address nearest to
    /// it that is no proxy, from what proxies wrote. When all are proxies, the peer-most one is
    /// taken: the left-most one is whatever the sender wrote there. An entry that is no address
    /// (`unknown`, a name, `010.1.1.1`) ends the walk at the peer.
    ///
    /// `X-Forwarded-For` is what nearly every proxy writes, and `Forwarded` (RFC 7239) what many
    /// pass on unread, so the latter counts only where the former is absent.
    #[must_use]
    pub fn client(&self, fields: &Fields, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let own = self.address.map(|address| address.to_canonical());
        if !self.trusted {
            return own;
        }
        let by_custom = fields.get("x-forwarded-for").is_some();
        let name = if by_custom { "x-forwarded-for" } else { "forwarded" };
        let read = if by_custom { parse_hop } else { parse_element };
        let mut nearest = None;
        for value in fields.get_all(name).collect::<Vec<_>>().into_iter().rev() {
            // from the right, so that nothing a client wrote decides how a proxy's words are read
            for hop in value.rsplit(|byte| *byte == b',') {
                let Some(address) = read(hop) else { return own };
                if !is_proxy(address) {
                    return Some(address);
                }
                nearest = nearest.or(Some(address));
            }
        }
        nearest.or(own)
    }
}

/// The address of one element of `Forwarded`: its `for`, given once.
fn parse_element(element: &[u8]) -> Option<IpAddr> {
    let mut given = element.split(|byte| *byte == b';').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(at)?;
        name.trim_ascii().eq_ignore_ascii_case(b"for").then(|| value.get(1..).unwrap_or_default())
    });
    let (node, None) = (given.next()?.trim_ascii(), given.next()) else { return None };
    match node.strip_prefix(b"\"") {
        Some(quoted) => parse_hop(quoted.strip_suffix(b"\"")?),
        None => parse_hop(node),
    }
}

/// An address, with or without a port. Only the usual notation counts: octal, hexadecimal and
/// shortened forms are read in different ways by different programs.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim_ascii();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (bare, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((bare, port)) => (IpAddr::V6(bare.parse::<Ipv6Addr>().ok()?), port),
        None => {
            let colon = text.find(':')?;
            let (bare, port) = text.split_at_checked(colon)?;
            (IpAddr::V4(bare.parse().ok()?), port)
        }
    };
    let digits = port.strip_prefix(':');
    let sound = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok()
    };
    (port.is_empty() || digits.is_some_and(sound)).then(|| bare.to_canonical())
}
