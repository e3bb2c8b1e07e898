//! Handshakes: the TL cases of the hostile-input list on real sockets.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use gateway::tls::{
    Alpn, Connector, Fault, File, Material, Pair, Secured, Terminator, UpstreamMaterial,
};
use policy::document::tls::ClientNeed;
use rcgen::{
    CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair,
    KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, Resumption, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, NamedGroup, Stream};

use crate::pki::{Authority, Leaf, client, file, moment, pem};

const HOST: &str = "api.example.com";

/// How one handshake went on our side: what it showed or why there was none, and how long it took.
type Went = (Result<Secured, Fault>, Duration);

/// A listener that carries out handshakes and then answers one byte with one byte.
pub(crate) struct Door {
    address: SocketAddr,
    went: std::sync::mpsc::Receiver<Went>,
}

fn need(name: Option<&str>) -> ClientNeed {
    match name {
        Some("open.example.com") => ClientNeed::Off,
        Some("asks.example.com") => ClientNeed::Optional,
        _ => ClientNeed::Required,
    }
}

impl Door {
    pub(crate) fn open(terminator: Terminator) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let (tell, went) = std::sync::mpsc::channel();
        let serve = async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let begun = Instant::now();
                let outcome = terminator.accept(stream, need).await;
                let (shown, stream) = match outcome {
                    Ok((stream, shown)) => (Ok(shown), Some(stream)),
                    Err(fault) => (Err(fault), None),
                };
                if tell.send((shown, begun.elapsed())).is_err() {
                    return;
                }
                if let Some(mut stream) = stream
                    && let Ok(byte) = stream.read_u8().await
                {
                    stream.write_u8(byte).await.unwrap();
                    stream.flush().await.unwrap();
                }
            }
        };
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve);
        });
        Self { address, went }
    }

    /// One handshake for `name` and one byte there and back. Returns how it went on either side.
    pub(crate) fn visit(&self, name: &str, config: &Arc<ClientConfig>) -> Visit {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
        let mut socket = std::net::TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut stream = Stream::new(&mut connection, &mut socket);
        let echoed = (|| -> std::io::Result<u8> {
            stream.write_all(b"x")?;
            stream.flush()?;
            let mut byte = [0];
            stream.read_exact(&mut byte)?;
            Ok(byte[0])
        })();
        let kind = connection.handshake_kind();
        drop(socket);
        let (shown, took) = self.went.recv_timeout(Duration::from_secs(10)).unwrap();
        Visit { echoed: echoed.ok(), shown, took, kind }
    }

    /// Sends these bytes, and returns what came back up to the end, with how it went.
    fn raw(&self, bytes: &[u8]) -> (Vec<u8>, Result<Secured, Fault>) {
        let mut socket = std::net::TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // it may have been closed before the end of what was sent
        let _ = socket.write_all(bytes);
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let mut back = Vec::new();
        let _ = socket.read_to_end(&mut back);
        (back, self.went.recv_timeout(Duration::from_secs(10)).unwrap().0)
    }
}

pub(crate) struct Visit {
    echoed: Option<u8>,
    shown: Result<Secured, Fault>,
    took: Duration,
    kind: Option<HandshakeKind>,
}

impl Visit {
    fn fault(&self) -> Option<Fault> {
        assert_eq!(self.echoed.is_some(), self.shown.is_ok(), "both sides see the same");
        self.shown.as_ref().err().copied()
    }
}

/// A server's authority, partners' authority, and a listener for the hosts of the tests.
struct World {
    server: Authority,
    partners: Authority,
}

impl World {
    fn new() -> Self {
        Self { server: Authority::new("server root"), partners: Authority::new("partner root") }
    }

    fn material(&self) -> Material {
        let names = [HOST, "open.example.com", "asks.example.com"];
        Material {
            certificates: vec![self.server.issue(&names).pair()],
            client_ca: Some(self.partners.file()),
            ..Material::default()
        }
    }

    fn door(&self) -> Door {
        self.door_with(|_| {})
    }

    fn door_with(&self, change: impl FnOnce(&mut Material)) -> Door {
        let mut material = self.material();
        change(&mut material);
        Door::open(Terminator::new(material, SystemTime::now()).unwrap())
    }

    fn client(&self, leaf: Option<&Leaf>) -> Arc<ClientConfig> {
        client(self.server.roots(), leaf, &["http/1.1"])
    }
}

fn self_signed() -> Leaf {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["a.partner".to_owned()]).unwrap();
    let der = params.self_signed(&key).unwrap().der().clone();
    Leaf { chain: vec![der], key: key.serialize_der() }
}

/// Certificates of clients, with the case that they stand for and whether they open the door.
fn presented(world: &World) -> Vec<(&'static str, Option<Leaf>, bool)> {
    let stranger = Authority::new("another root");
    let root = &world.partners;
    let with = |change: fn(&mut CertificateParams)| Some(root.issue_with(&["a.partner"], change));
    let constrained = |permitted: Vec<GeneralSubtree>, excluded: Vec<GeneralSubtree>| {
        root.below("constrained", |params| {
            params.name_constraints = Some(NameConstraints {
                permitted_subtrees: permitted,
                excluded_subtrees: excluded,
            });
        })
    };
    let dns = |name: &str| GeneralSubtree::DnsName(name.to_owned());
    let good = constrained(vec![dns("partner.example")], Vec::new());
    let loopback = GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8));
    let no_loopback = constrained(Vec::new(), vec![loopback]);
    let not_evil = constrained(Vec::new(), vec![dns("evil.example")]);
    vec![
        ("good", Some(root.issue(&["a.partner"])), true),
        ("good below an intermediate", Some(root.below("x", |_| {}).issue(&["a.partner"])), true),
        ("TL-01 none", None, false),
        ("TL-01 another authority", Some(stranger.issue(&["a.partner"])), false),
        ("TL-01 self-signed", Some(self_signed()), false),
        ("TL-02 expired", with(|params| params.not_after = moment(-60)), false),
        ("TL-02 not yet valid", with(|params| params.not_before = moment(3_600)), false),
        (
            "TL-03 client key usage",
            with(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            }),
            true,
        ),
        (
            "TL-03 for servers only",
            with(|params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            }),
            false,
        ),
        (
            "TL-03 an authority's",
            with(|params| {
                params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }),
            false,
        ),
        (
            "TL-03 for encryption only",
            with(|params| {
                params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
            }),
            false,
        ),
        ("TL-05 permitted", Some(good.issue(&["a.partner.example"])), true),
        ("TL-05 not permitted", Some(good.issue(&["a.evil.example"])), false),
        ("TL-05 a wildcard that reaches out", Some(good.issue(&["*.example"])), false),
        ("TL-05 excluded", Some(not_evil.issue(&["a.evil.example"])), false),
        (
            "TL-05 a wildcard over what is excluded",
            Some(not_evil.issue(&["*.evil.example"])),
            false,
        ),
        ("TL-05 an excluded address", Some(no_loopback.issue(&["127.0.0.1"])), false),
    ]
}

#[test]
fn clients_certificates_are_verified() {
    let world = World::new();
    let door = world.door();
    let mut counted = (0, 0);
    for (case, leaf, admitted) in presented(&world) {
        let visit = door.visit(HOST, &world.client(leaf.as_ref()));
        let expected = (!admitted).then_some(Fault::ClientCertificate);
        assert_eq!(visit.fault(), expected, "{case}");
        if admitted { counted.0 += 1 } else { counted.1 += 1 }
    }
    assert_eq!(counted, (4, 13));
}

/// TL-04: what a certificate says of its owner comes from its names, not from its subject.
#[test]
fn an_identity_is_a_name_of_the_certificate() {
    let world = World::new();
    let door = world.door();
    let leaf = world.partners.issue_with(&["A.Partner.Example"], |params| {
        params.distinguished_name.push(DnType::CommonName, "admin.partner.example");
        let uri = "spiffe://partner/a".try_into().unwrap();
        let email = "a@partner.example".try_into().unwrap();
        params.subject_alt_names.extend([SanType::URI(uri), SanType::Rfc822Name(email)]);
    });
    let shown = door.visit(HOST, &world.client(Some(&leaf))).shown.unwrap();
    let client = shown.client.unwrap();
    assert_eq!(client.san_dns, ["a.partner.example"]);
    assert_eq!(client.san_uri, ["spiffe://partner/a"]);
    assert_eq!(client.san_email, ["a@partner.example"]);
    assert_eq!(client.subject, "CN=admin.partner.example");
    assert_eq!((shown.sni.as_deref(), shown.alpn), (Some(HOST), Alpn::Http1));
}

/// TL-06: many authorities of one name, none of which leads to the root.
#[test]
fn a_maze_of_authorities_costs_little() {
    let world = World::new();
    let door = world.door();
    let maze = Authority::new("partner root");
    let mut leaf = maze.below("maze", |_| {}).issue(&["a.partner"]);
    for _ in 0..30 {
        let twin = Authority::new("partner root").below("maze", |_| {}).issue(&["b.partner"]);
        leaf.chain.extend(twin.chain.into_iter().skip(1));
    }
    assert_eq!(leaf.chain.len(), 32);
    let mut short = maze.below("maze", |_| {}).issue(&["a.partner"]);
    for _ in 0..6 {
        let twin = Authority::new("partner root").below("maze", |_| {}).issue(&["b.partner"]);
        short.chain.extend(twin.chain.into_iter().skip(1));
    }
    for leaf in [leaf, short] {
        let visit = door.visit(HOST, &world.client(Some(&leaf)));
        assert_eq!(visit.fault(), Some(Fault::ClientCertificate));
        // the best of some tries: other tests run beside this one
        let tries = (0..10).map(|_| door.visit(HOST, &world.client(Some(&leaf))).took);
        let took = tries.fold(visit.took, Duration::min);
        assert!(took < Duration::from_millis(50), "took {took:?}");
    }
}

/// TL-07 and TL-08: nobody comes in of whom it is not known that they are not revoked.
#[test]
fn revocation_fails_closed() {
    let world = World::new();
    let root = &world.partners;
    let leaf = |serial: u64| {
        root.issue_with(&["a.partner"], |params| {
            params.serial_number = Some(SerialNumber::from(serial));
        })
    };
    let other = Authority::new("another root");
    let cases = [
        ("not on the list", root.revoke(&[7], 1), 8, None),
        ("TL-08 revoked", root.revoke(&[7], 1), 7, Some(Fault::ClientCertificate)),
        ("TL-07 stale", root.revoke(&[7], -1), 8, Some(Fault::ClientCertificate)),
        ("TL-07 another's list", other.revoke(&[7], 1), 8, Some(Fault::ClientCertificate)),
    ];
    let mut told = 0;
    for (case, list, serial, expected) in cases {
        let list = pem("X509 CRL", &list);
        let door = world.door_with(|material| material.crls = vec![file("crl.pem", list)]);
        let visit = door.visit(HOST, &world.client(Some(&leaf(serial))));
        assert_eq!(visit.fault(), expected, "{case}");
        told += 1;
    }
    let good = root.revoke(&[7], 1);
    for bad in [good[..good.len() - 9].to_vec(), b"\x30\x03\x03\x01\x00".to_vec(), Vec::new()] {
        let mut material = world.material();
        material.crls = vec![file("bad.crl", bad)];
        let error = Terminator::new(material, SystemTime::now()).unwrap_err();
        assert_eq!(error.file, "bad.crl");
        told += 1;
    }
    assert_eq!(told, 7);
}

/// Keeps sessions without regard to whose they are.
#[derive(Debug)]
struct Smuggler(ClientSessionMemoryCache);

impl Default for Smuggler {
    fn default() -> Self {
        Self(ClientSessionMemoryCache::new(8))
    }
}

fn anybody() -> ServerName<'static> {
    ServerName::from(IpAddr::from([127, 0, 0, 1]))
}

impl ClientSessionStore for Smuggler {
    fn set_kx_hint(&self, _: ServerName<'static>, group: NamedGroup) {
        self.0.set_kx_hint(anybody(), group);
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        self.0.kx_hint(&anybody())
    }

    fn set_tls12_session(&self, _: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.0.set_tls12_session(anybody(), value);
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.0.tls12_session(&anybody())
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {
        self.0.remove_tls12_session(&anybody());
    }

    fn insert_tls13_ticket(&self, _: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.0.insert_tls13_ticket(anybody(), value);
    }

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.0.take_tls13_ticket(&anybody())
    }
}

/// TL-09: a session of a host that asks for nothing means nothing where a certificate is required.
#[test]
fn sessions_are_not_resumed_across_demands() {
    let world = World::new();
    let door = world.door();
    let leaf = world.partners.issue(&["a.partner"]);
    let mut told = 0;
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = |leaf: Option<&Leaf>| {
            let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_protocol_versions(versions)
                .unwrap()
                .with_root_certificates(world.server.roots())
                .with_no_client_auth();
            config.client_auth_cert_resolver =
                Arc::clone(&world.client(leaf).client_auth_cert_resolver);
            config
        };
        // a client that shows its ticket to every host
        let mut anonymous = config(None);
        anonymous.resumption = Resumption::store(Arc::new(Smuggler::default()));
        let anonymous = Arc::new(anonymous);
        assert_ne!(door.visit("open.example.com", &anonymous).kind, Some(HandshakeKind::Resumed));
        let again = door.visit("open.example.com", &anonymous);
        assert_eq!(again.kind, Some(HandshakeKind::Resumed));
        assert_eq!(door.visit(HOST, &anonymous).fault(), Some(Fault::ClientCertificate));
        // where one was shown, the session goes on with it
        let named = Arc::new(config(Some(&leaf)));
        assert_eq!(door.visit(HOST, &named).fault(), None);
        let again = door.visit(HOST, &named);
        assert_eq!(again.kind, Some(HandshakeKind::Resumed));
        assert!(again.shown.unwrap().client.is_some());
        told += 1;
    }
    assert_eq!(told, 2);
}

/// A ClientHello in one record: its version, suites, compression methods and extensions.
fn hello(version: [u8; 2], suites: &[u8], compression: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    body.push(0);
    let length = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    body.extend(length(suites.len()));
    body.extend(suites);
    body.push(u8::try_from(compression.len()).unwrap());
    body.extend(compression);
    if !extensions.is_empty() {
        body.extend(length(extensions.len()));
        body.extend(extensions);
    }
    let mut message = vec![22, 3, 1];
    message.extend(length(body.len() + 4));
    message.extend([1, 0]);
    message.extend(length(body.len()));
    message.extend(body);
    message
}

/// TL-11: nothing older than TLS 1.2, no broken cipher, no compression.
#[test]
fn old_versions_and_ciphers_are_refused() {
    const ECDHE_AES: &[u8] = &[0xc0, 0x2b, 0xc0, 0x2f];
    const ECDHE_CBC: &[u8] = &[0xc0, 0x09, 0xc0, 0x13];
    // supported_groups x25519 and P-256, signature_algorithms, extended_master_secret
    const EXTENSIONS: &[u8] = &[
        0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4, 0, 11, 0, 2, 1, 0, 0, 23,
        0, 0,
    ];
    let world = World::new();
    let door = world.door();
    let cases: [(&str, Vec<u8>, Option<u8>); 8] = [
        ("TLS 1.2 as it should be", hello([3, 3], ECDHE_AES, &[0], EXTENSIONS), None),
        ("SSL 3.0", hello([3, 0], ECDHE_AES, &[0], EXTENSIONS), Some(70)),
        ("TLS 1.0", hello([3, 1], ECDHE_CBC, &[0], EXTENSIONS), Some(70)),
        ("TLS 1.1", hello([3, 2], ECDHE_CBC, &[0], EXTENSIONS), Some(70)),
        ("RC4", hello([3, 3], &[0xc0, 0x11, 0, 5], &[0], EXTENSIONS), Some(49)),
        ("3DES", hello([3, 3], &[0xc0, 0x12, 0, 10], &[0], EXTENSIONS), Some(49)),
        ("CBC", hello([3, 3], ECDHE_CBC, &[0], EXTENSIONS), Some(49)),
        ("compression only", hello([3, 3], ECDHE_AES, &[1], EXTENSIONS), Some(47)),
    ];
    let mut told = 0;
    for (case, mut bytes, alert) in cases {
        // who is answered goes away with a close_notify
        bytes.extend([21, 3, 3, 0, 2, 1, 0]);
        let (back, went) = door.raw(&bytes);
        match alert {
            None => assert_eq!(back[0], 22, "{case}: a ServerHello"),
            Some(alert) => assert_eq!(back, [21, 3, 3, 0, 2, 2, alert], "{case}"),
        }
        assert!(went.is_err(), "{case}");
        told += 1;
    }
    assert_eq!(told, 8);
}

/// TL-12: what is not agreed on is not spoken.
#[test]
fn protocols_are_agreed_on() {
    let world = World::new();
    let door = world.door();
    let cases: [(&[&str], Result<Alpn, Fault>); 5] = [
        (&["h2", "http/1.1"], Ok(Alpn::Http2)),
        (&["h2"], Ok(Alpn::Http2)),
        (&["http/1.1"], Ok(Alpn::Http1)),
        (&[], Ok(Alpn::Http1)),
        (&["http/0.9"], Err(Fault::NothingInCommon)),
    ];
    let mut told = 0;
    for (offered, expected) in cases {
        let config = client(world.server.roots(), None, offered);
        let visit = door.visit("open.example.com", &config);
        assert_eq!(visit.shown.map(|shown| shown.alpn), expected, "{offered:?}");
        told += 1;
    }
    assert_eq!(told, 5);
}

/// TL-13: early data, which can be replayed, is not taken.
#[test]
fn early_data_is_off() {
    let world = World::new();
    let door = world.door();
    let mut config = ClientConfig::clone(&world.client(None));
    config.enable_early_data = true;
    let config = Arc::new(config);
    assert_eq!(door.visit("open.example.com", &config).fault(), None);
    let name = ServerName::try_from("open.example.com").unwrap();
    let mut again = ClientConnection::new(config, name).unwrap();
    // the ticket of the first visit allows none
    assert!(again.early_data().is_none());
    assert_eq!(again.handshake_kind(), None);
}

/// SL-06: a ClientHello in pieces is the same ClientHello.
#[test]
fn a_hello_in_pieces_meets_the_same_demand() {
    let world = World::new();
    let door = world.door();
    let leaf = world.partners.issue(&["a.partner"]);
    for (leaf, expected) in [(Some(&leaf), None), (None, Some(Fault::ClientCertificate))] {
        let name = ServerName::try_from(HOST).unwrap();
        let mut connection = ClientConnection::new(world.client(leaf), name).unwrap();
        let mut whole = Vec::new();
        connection.write_tls(&mut whole).unwrap();
        let mut socket = std::net::TcpStream::connect(door.address).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let body = whole.split_off(5);
        for byte in body {
            socket.write_all(&[22, 3, 1, 0, 1, byte]).unwrap();
        }
        let mut stream = Stream::new(&mut connection, &mut socket);
        let _ = stream.write_all(b"x").and_then(|()| stream.read_exact(&mut [0]));
        let went = door.went.recv_timeout(Duration::from_secs(10)).unwrap().0;
        assert_eq!(went.err(), expected);
    }
}

/// SL-07 and what is no TLS at all: an end, and a thread that goes on.
#[test]
fn nonsense_ends_handshakes() {
    let world = World::new();
    let door = world.door();
    let closing = [21, 3, 3, 0, 2, 1, 0].repeat(1_000);
    let mut begun = hello([3, 3], &[0xc0, 0x2b], &[0], &[]);
    begun.extend(&closing);
    let cases: [(&str, Vec<u8>); 5] = [
        ("SL-07 close_notify first", closing),
        ("SL-07 close_notify after the hello", begun),
        ("plain HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("an endless record", vec![22, 3, 1, 0xff, 0xff, 1]),
        ("SSL 2.0", vec![0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]),
    ];
    let mut told = 0;
    for (case, bytes) in cases {
        let (_, went) = door.raw(&bytes);
        assert!(went.is_err(), "{case}");
        told += 1;
    }
    assert_eq!(told, 5);
    let leaf = world.partners.issue(&["a.partner"]);
    assert_eq!(door.visit(HOST, &world.client(Some(&leaf))).fault(), None);
}

/// Certificates are chosen by name: exact before wildcard, one label for a wildcard.
#[test]
fn the_name_chooses_the_certificate() {
    let root = Authority::new("server root");
    let pairs: Vec<_> = [&["first.test"][..], &["*.wild.test"], &["named.wild.test"]]
        .iter()
        .map(|names| root.issue(names).pair())
        .collect();
    let material = Material { certificates: pairs.clone(), ..Material::default() };
    let door = Door::open(Terminator::new(material, SystemTime::now()).unwrap());
    let cases = [
        ("first.test", true),
        ("FIRST.test", true),
        ("a.wild.test", true),
        ("named.wild.test", true),
        ("a.b.wild.test", false),
        ("wild.test", false),
        ("other.test", false),
    ];
    let mut told = 0;
    for (name, served) in cases {
        let visit = door.visit(name, &client(root.roots(), None, &[]));
        // a client that does not find its name in the certificate goes away as well
        assert_eq!(visit.fault(), (!served).then_some(Fault::UnknownName), "{name}");
        told += 1;
    }
    assert_eq!(told, 7);
}

/// FA-19: a pair that cannot be served is refused, with the file, what it has and what to do.
#[test]
fn bad_pairs_are_told() {
    let root = Authority::new("root");
    let middle = root.below("middle", |_| {});
    let good = middle.issue(&[HOST]);
    let pair = good.pair();
    let with = |change: fn(&mut CertificateParams)| middle.issue_with(&[HOST], change).pair();
    let chain_of = |ders: &[usize]| {
        let text: String = ders.iter().map(|at| pem("CERTIFICATE", &good.chain[*at])).collect();
        file("cert.pem", text)
    };
    let lonely = root.issue_with(&[HOST], |params| {
        // authorityInfoAccess: the issuer's certificate is at http://i
        let access = b"\x30\x16\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x02\x86\x08http://i";
        let oid = [1, 3, 6, 1, 5, 5, 7, 1, 1];
        let access = rcgen::CustomExtension::from_oid_content(&oid, access.to_vec());
        params.custom_extensions.push(access);
    });
    let mut cases = vec![
        ("no file", "cert.pem", "no certificate"),
        ("a key as certificate", "cert.pem", "no certificate"),
        ("a certificate as key", "key.pem", "no private key"),
        ("another key", "key.pem", "another certificate"),
        ("expired", "cert.pem", "expired"),
        ("not yet valid", "cert.pem", "not valid before"),
        ("chain upside down", "cert.pem", "where the issuer"),
        ("chain missing", "cert.pem", "without its issuer"),
        ("no names", "cert.pem", "without subjectAltName"),
    ]
    .into_iter();
    let bad = [
        Pair { certificate: file("cert.pem", ""), ..pair.clone() },
        Pair { certificate: File { name: "cert.pem".into(), ..pair.key.clone() }, ..pair.clone() },
        Pair { key: File { name: "key.pem".into(), ..pair.certificate.clone() }, ..pair.clone() },
        Pair { key: middle.issue(&[HOST]).pair().key, ..pair.clone() },
        with(|params| params.not_after = moment(-60)),
        with(|params| params.not_before = moment(3_600)),
        Pair { certificate: chain_of(&[1, 0]), ..pair.clone() },
        lonely.pair(),
        with(|params| params.subject_alt_names.clear()),
    ];
    for bad in bad {
        let (case, file, found) = cases.next().unwrap();
        let material = Material { certificates: vec![bad], ..Material::default() };
        let error = Terminator::new(material, SystemTime::now()).expect_err(case);
        assert_eq!(error.file, file, "{case}: {error}");
        assert!(error.found.contains(found), "{case}: {error}");
    }
    assert_eq!(cases.next(), None);
    let material = Material { certificates: vec![pair], ..Material::default() };
    assert!(Terminator::new(material, SystemTime::now()).is_ok());
}

/// TL-14: an upstream that cannot prove its name is not spoken to.
#[test]
fn upstreams_are_verified() {
    let world = World::new();
    let expired = |params: &mut CertificateParams| params.not_after = moment(-60);
    let stranger = Authority::new("another root");
    let cases = [
        ("its name", world.server.issue(&["up.test"]), None, true),
        ("another name", world.server.issue(&["other.test"]), None, false),
        ("the name of the settings", world.server.issue(&["other.test"]), Some("other.test"), true),
        ("expired", world.server.issue_with(&["up.test"], expired), None, false),
        ("another authority", stranger.issue(&["up.test"]), None, false),
    ];
    let mut told = 0;
    for (case, leaf, server_name, verified) in cases {
        let upstream = Upstream::start(&leaf);
        let connector = Connector::new(UpstreamMaterial {
            ca: Some(world.server.file()),
            server_name: server_name.map(str::to_owned),
            client: None,
        });
        let connected = upstream.reach(&connector.unwrap(), false);
        assert_eq!(connected.is_ok(), verified, "{case}: {connected:?}");
        // an upstream that speaks no HTTP/2 is not asked in HTTP/2
        assert!(
            upstream
                .reach(
                    &Connector::new(UpstreamMaterial {
                        ca: Some(world.server.file()),
                        ..UpstreamMaterial::default()
                    })
                    .unwrap(),
                    true
                )
                .is_err(),
            "{case}"
        );
        told += 1;
    }
    assert_eq!(told, 5);
}

/// A TLS server that speaks HTTP/1.1 only, by its ALPN.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
}

impl Upstream {
    pub(crate) fn start(leaf: &Leaf) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from_pem_slice(&leaf.pair().key.bytes).unwrap();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(leaf.chain.clone(), key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut socket = socket.unwrap();
                std::thread::spawn(move || {
                    let mut stream = Stream::new(&mut connection, &mut socket);
                    let mut head = [0; 4_096];
                    while stream.read(&mut head).is_ok_and(|count| count > 0) {
                        if stream.write_all(crate::harness::OK).is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { address }
    }

    fn reach(&self, connector: &Connector, http2: bool) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(self.address).await?;
            connector.connect(stream, "up.test", http2).await.map(drop)
        })
    }
}
