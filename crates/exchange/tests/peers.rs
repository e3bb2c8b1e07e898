//! Whose request it is, from what proxies say of it.

use std::net::IpAddr;

use exchange::peer::Peer;
use wire::Fields;

/// Trusted: 10.0.0.0/8. (the fields, the client's address behind 10.0.0.1)
const CASES: &[(&[(&str, &str)], &str)] = &[
    (&[], "10.0.0.1"),
    (&[("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
    (&[("X-Forwarded-For", "198.51.100.9, 192.0.2.1")], "192.0.2.1"),
    (&[("X-Forwarded-For", "198.51.100.9, 192.0.2.1, 10.0.0.7")], "192.0.2.1"),
    (&[("X-Forwarded-For", "198.51.100.9"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
    (&[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.7")], "192.0.2.1"),
    (&[("X-Forwarded-For", "10.0.0.9, 10.0.0.8, 10.0.0.7")], "10.0.0.7"),
    (&[("X-Forwarded-For", "::ffff:192.0.2.1")], "192.0.2.1"),
    (&[("X-Forwarded-For", "192.0.2.1, ::ffff:10.0.0.7")], "192.0.2.1"),
    (&[("X-Forwarded-For", "192.0.2.1:4711")], "192.0.2.1"),
    (&[("X-Forwarded-For", "[2001:db8::1]:4711")], "2001:db8::1"),
    (&[("X-Forwarded-For", "[2001:db8::1]")], "2001:db8::1"),
    (&[("X-Forwarded-For", "2001:db8::1")], "2001:db8::1"),
    (&[("X-Forwarded-For", "192.0.2.1, unknown")], "10.0.0.1"),
    (&[("X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.7")], "10.0.0.1"),
    (&[("X-Forwarded-For", "unknown, 192.0.2.1")], "192.0.2.1"),
    (&[("X-Forwarded-For", "0x0a.1")], "10.0.0.1"),
    (&[("X-Forwarded-For", "010.1.1.1")], "10.0.0.1"),
    (&[("X-Forwarded-For", "10.1")], "10.0.0.1"),
    (&[("X-Forwarded-For", "192.0.2.1:http")], "10.0.0.1"),
    (&[("X-Forwarded-For", "192.0.2.1:")], "10.0.0.1"),
    (&[("X-Forwarded-For", "192.0.2.1:65536")], "10.0.0.1"),
    (&[("X-Forwarded-For", "[2001:db8::1]x")], "10.0.0.1"),
    (&[("X-Forwarded-For", "[192.0.2.1]")], "10.0.0.1"),
    (&[("X-Forwarded-For", "")], "10.0.0.1"),
    (&[("Forwarded", "for=192.0.2.1")], "192.0.2.1"),
    (&[("Forwarded", "proto=https; FOR = \"192.0.2.1:80\" ;by=10.0.0.2")], "192.0.2.1"),
    (&[("Forwarded", "for=\"[2001:db8::1]:4711\"")], "2001:db8::1"),
    (&[("Forwarded", "for=198.51.100.9, for=192.0.2.1;by=x, for=10.0.0.7")], "192.0.2.1"),
    (&[("Forwarded", "for=198.51.100.9"), ("Forwarded", "for=192.0.2.1")], "192.0.2.1"),
    (&[("Forwarded", "for=\"a, for=192.0.2.1")], "192.0.2.1"),
    (&[("Forwarded", "for=192.0.2.1, for=unknown")], "10.0.0.1"),
    (&[("Forwarded", "for=192.0.2.1, for=_hidden")], "10.0.0.1"),
    (&[("Forwarded", "for=192.0.2.1;for=192.0.2.2")], "10.0.0.1"),
    (&[("Forwarded", "for=\"192.0.2.1")], "10.0.0.1"),
    (&[("Forwarded", "proto=https")], "10.0.0.1"),
    (&[("Forwarded", "for=198.51.100.9"), ("X-Forwarded-For", "192.0.2.1")], "192.0.2.1"),
];

fn is_proxy(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.octets()[0] == 10)
}

fn fields(lines: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        assert!(fields.push(name.as_bytes(), value.as_bytes()));
    }
    fields
}

#[test]
fn a_trusted_peer_says_for_whom_it_speaks() {
    let peer =
        Peer { address: "10.0.0.1".parse().ok(), trusted: true, user: None, certificate: None };
    let mut ran = 0;
    for (lines, client) in CASES {
        let told = peer.client(&fields(lines), is_proxy);
        assert_eq!(told.map(|told| told.to_string()).as_deref(), Some(*client), "{lines:?}");
        ran += 1;
    }
    assert_eq!(ran, 37);
}

#[test]
fn nobody_else_does() {
    let peer = Peer {
        address: "::ffff:192.0.2.7".parse().ok(),
        trusted: false,
        user: None,
        certificate: None,
    };
    let mut ran = 0;
    for (lines, _) in CASES {
        assert_eq!(peer.client(&fields(lines), is_proxy), "192.0.2.7".parse().ok());
        ran += 1;
    }
    assert_eq!(ran, 37);
}

#[test]
fn a_chain_of_a_thousand_is_walked_from_the_right() {
    let chain = vec!["198.51.100.9"; 1_000].join(", ") + ", 192.0.2.1" + &", 10.0.0.2".repeat(900);
    let peer =
        Peer { address: "10.0.0.1".parse().ok(), trusted: true, user: None, certificate: None };
    let told = peer.client(&fields(&[("X-Forwarded-For", &chain)]), is_proxy);
    assert_eq!(told, "192.0.2.1".parse().ok());
}
