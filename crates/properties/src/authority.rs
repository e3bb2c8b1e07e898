//! Authorities and client addresses: read back as they are written, without a byte that could
//! mean anything else, and no address that the list of proxies or the peer did not name.

use std::net::IpAddr;

use exchange::peer::Peer;
use wire::{Authority, Fields, Refusal};

use crate::input::Input;

/// Checks one input: the whole text as an authority, and its lines as forwarding fields.
pub fn check(bytes: &[u8]) {
    let input = Input::new(bytes);
    match Authority::parse(input.bytes) {
        Ok(authority) => read_back(&authority, input.bytes),
        Err(refusal) => assert!(matches!(refusal, Refusal::HostInvalid | Refusal::HostPort)),
    }
    client(&input);
}

fn read_back(authority: &Authority, text: &[u8]) {
    let written = authority.to_string();
    assert_eq!(Authority::parse(written.as_bytes()), Ok(authority.clone()));
    let plain =
        |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'[' | b']' | b':');
    assert!(written.bytes().all(plain) && !authority.host().is_empty(), "{written}");
    assert!(!authority.host().ends_with('.') && authority.port() != Some(0));
    // letter case and a last dot of the host mean nothing, so they change nothing
    let loud: Vec<u8> = text.to_ascii_uppercase();
    assert_eq!(Authority::parse(&loud), Ok(authority.clone()));
}

/// The client is the peer, or an address that a trusted peer has written down.
fn client(input: &Input<'_>) {
    let mut fields = Fields::new();
    let name: &[u8] = if input.choice & 2 == 0 { b"X-Forwarded-For" } else { b"Forwarded" };
    for line in input.bytes.split(|&byte| byte == b'\n') {
        fields.push(name, line);
    }
    let address = IpAddr::from([192, 0, 2, 1]);
    let peer = Peer {
        address: Some(address),
        trusted: input.choice & 1 == 1,
        user: None,
        certificate: None,
    };
    let proxies = input.number;
    let is_proxy = |hop: IpAddr| hop.to_string().len() % 16 == usize::from(proxies % 16);
    let found = peer.client(&fields, is_proxy);
    if !peer.trusted {
        return assert_eq!(found, Some(address));
    }
    let found = found.expect("a peer with an address has a client with one");
    if found == address {
        return;
    }
    let text = String::from_utf8_lossy(input.bytes);
    let mut hops = text.split(['\n', ',', ';']).map(|hop| {
        let node =
            hop.split_once('=').filter(|_| name == b"Forwarded").map_or(hop, |(_, node)| node);
        node.trim().trim_matches('"').trim()
    });
    let named = hops.any(|hop| hop_address(hop) == Some(found));
    assert!(named, "{found} stands nowhere in {text:?}");
}

/// An address with or without brackets and a port; an IPv4 address in IPv6 is that IPv4 address.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bracketed = || hop.strip_prefix('[')?.split_once(']')?.0.parse().ok();
    let with_port = || hop.rsplit_once(':')?.0.parse().ok();
    let address: Option<IpAddr> = hop.parse().ok().or_else(bracketed).or_else(with_port);
    address.map(|address| address.to_canonical())
}
