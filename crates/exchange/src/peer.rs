//! Who is at the other end of the socket, and whom a trusted proxy says it speaks for.

use std::net::IpAddr;

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
}

impl Peer {
    /// The client's address: the peer's own, or, when the peer is trusted, the address nearest to
    /// it in `X-Forwarded-For` for which `is_proxy` does not hold. When all are proxies, the
    /// peer-most entry is taken: the left-most one is whatever the sender wrote there.
    #[must_use]
    pub fn client(&self, fields: &Fields, is_proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        if !self.trusted {
            return self.address;
        }
        let mut nearest = None;
        for value in fields.get_all("x-forwarded-for").collect::<Vec<_>>().into_iter().rev() {
            for hop in value.rsplit(|byte| *byte == b',') {
                let Some(address) = parse_hop(hop) else {
                    return nearest.or(self.address);
                };
                if !is_proxy(address) {
                    return Some(address);
                }
                nearest = nearest.or(Some(address));
            }
        }
        nearest.or(self.address)
    }
}

fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => text.rsplit_once(':')?.0,
    };
    // an IPv4 address in an IPv6 one is the same client (RFC 4291 §2.5.5.2)
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}
