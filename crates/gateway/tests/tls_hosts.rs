//! A gateway that terminates TLS: hosts with demands of their own, slow clients, and certificates
//! replaced under load.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use exchange::principal::Proof;
use gateway::tls::{Connector, Material, Terminator, TlsSlot, UpstreamMaterial};
use rcgen::{CertificateParams, DnType, KeyPair, SanType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::harness::{Fixture, OK, Upstream};
use crate::pki::{Authority, Leaf, client};

/// Names of the server's certificate; the address is for clients without SNI.
const NAMES: [&str; 7] = [
    "open.test",
    "also.test",
    "partners.test",
    "*.wild.test",
    "strict.test",
    "maybe.test",
    "127.0.0.1",
];

/// Authorities, a key that the settings know, and a gateway with one service for each demand.
struct World {
    server: Authority,
    partners: Authority,
    known: KeyPair,
    slot: TlsSlot,
    fixture: Fixture,
    // answers for as long as the gateway runs
    _upstream: Upstream,
}

type Connection = StreamOwned<ClientConnection, TcpStream>;

impl World {
    fn new() -> Self {
        let upstream = Upstream::says(OK);
        let (server, partners) = (Authority::new("server root"), Authority::new("partner root"));
        let known = KeyPair::generate().unwrap();
        let slot = TlsSlot::new(Some(terminator(&server, &partners)));
        let tls = slot.clone();
        let fixture = Fixture::with(&settings(upstream.address, &known), |config| {
            let plain = config.listeners[0].clone();
            config.listeners[0].tls = tls;
            config.listeners.push(plain);
            config.timeouts.tls_handshake = Duration::from_millis(500);
        });
        Self { server, partners, known, slot, fixture, _upstream: upstream }
    }

    fn client(&self, leaf: Option<&Leaf>) -> Arc<ClientConfig> {
        client(self.server.roots(), leaf, &["http/1.1"])
    }

    fn connect(&self, sni: &str, leaf: Option<&Leaf>) -> Connection {
        let name = ServerName::try_from(sni.to_owned()).unwrap();
        let connection = ClientConnection::new(self.client(leaf), name).unwrap();
        let socket = TcpStream::connect(self.fixture.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        StreamOwned::new(connection, socket)
    }
}

fn terminator(server: &Authority, partners: &Authority) -> Terminator {
    let material = Material {
        certificates: vec![server.issue(&NAMES).pair()],
        client_ca: Some(partners.file()),
        ..Material::default()
    };
    Terminator::new(material, SystemTime::now()).unwrap()
}

fn settings(upstream: SocketAddr, known: &KeyPair) -> String {
    use std::fmt::Write as _;
    let spki = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        &rcgen::PublicKeyData::subject_public_key_info(known),
    );
    let mut digest = String::new();
    spki.as_ref().iter().for_each(|byte| write!(digest, "{byte:02x}").unwrap());
    let service = |name: &str, hosts: &str, rule: &str| {
        format!("[services.{name}]\nhosts = {hosts}\nupstreams = [\"http://{upstream}\"]\n{rule}\n")
    };
    [
        "[[listeners]]\nbind = \"127.0.0.1:0\"\ntls = { cert = \"c\", key = \"k\" }\n\
         client_ca = \"ca\"\n"
            .to_owned(),
        service("open", "[\"open.test\", \"also.test\"]", ""),
        service(
            "partners",
            "[\"partners.test\", \"*.wild.test\"]",
            &format!(
                "client_certificate = {{ san_dns = [\"*.partner.example\"], \
                 san_uri = [\"spiffe://p/a\"], spki_sha256 = [\"{digest}\"] }}"
            ),
        ),
        service("strict", "[\"strict.test\"]", "client_certificate = \"required\""),
        service("maybe", "[\"maybe.test\"]", "client_certificate = \"optional\""),
    ]
    .concat()
}

/// Asks for `/` of `host`, and returns the status.
fn ask(connection: &mut Connection, host: &str) -> u16 {
    write!(connection, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let text = String::from_utf8(head).unwrap();
    let length = text
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap()];
    connection.read_exact(&mut body).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_handshake_must_be_enough_for_the_host() {
    let world = World::new();
    let root = &world.partners;
    let named = root.issue(&["a.partner.example"]);
    let with = |change: fn(&mut CertificateParams)| root.issue_with(&["b.test"], change);
    let stranger = with(|_| {});
    let common_name =
        with(|params| params.distinguished_name.push(DnType::CommonName, "a.partner.example"));
    let nul = with(|params| {
        let name = "a.partner.example\0.b.test".try_into().unwrap();
        params.subject_alt_names = vec![SanType::DnsName(name)];
    });
    let uri = with(|params| {
        params.subject_alt_names = vec![SanType::URI("spiffe://p/a".try_into().unwrap())];
    });
    let wild = root.issue(&["*.partner.example"]);
    let deep = root.issue(&["a.b.partner.example"]);
    let issued = root.issue_for(&["b.test"], &world.known, |_| {});
    let reissued = root.issue_for(&["c.test"], &world.known, |_| {});
    let cases: [(&str, &str, Option<&Leaf>, &str, u16); 23] = [
        ("no demand", "open.test", None, "open.test", 200),
        ("no demand, another name", "open.test", None, "also.test", 200),
        ("no demand, no name", "127.0.0.1", None, "open.test", 200),
        ("admitted", "partners.test", Some(&named), "partners.test", 200),
        ("admitted by wildcard host", "a.wild.test", Some(&named), "a.wild.test", 200),
        ("same service", "a.wild.test", Some(&named), "partners.test", 200),
        ("HO-11", "open.test", None, "partners.test", 421),
        ("HO-11 with a certificate", "open.test", Some(&named), "partners.test", 421),
        ("HO-12", "127.0.0.1", None, "partners.test", 421),
        ("HO-12 with a certificate", "127.0.0.1", Some(&named), "strict.test", 421),
        ("HO-13", "open.test", None, "a.wild.test", 421),
        ("HO-14 to another demand", "partners.test", Some(&named), "strict.test", 421),
        ("HO-14 to less", "partners.test", Some(&named), "open.test", 421),
        ("HO-14 from optional", "maybe.test", Some(&named), "strict.test", 421),
        ("optional, none", "maybe.test", None, "maybe.test", 200),
        ("optional, one", "maybe.test", Some(&stranger), "maybe.test", 200),
        ("TL-04 another name", "partners.test", Some(&stranger), "partners.test", 403),
        ("TL-04 common name", "partners.test", Some(&common_name), "partners.test", 403),
        ("TL-04 wildcard", "partners.test", Some(&wild), "partners.test", 403),
        ("TL-04 two labels", "partners.test", Some(&deep), "partners.test", 403),
        ("TL-04 NUL", "partners.test", Some(&nul), "partners.test", 403),
        ("TL-10 by key", "partners.test", Some(&issued), "partners.test", 200),
        ("TL-10 issued again", "partners.test", Some(&reissued), "partners.test", 200),
    ];
    let mut told = 0;
    for (case, sni, leaf, host, status) in cases {
        let mut connection = world.connect(sni, leaf);
        assert_eq!(ask(&mut connection, host), status, "{case}");
        told += 1;
    }
    assert_eq!(told, 23);
    assert_eq!(ask(&mut world.connect("partners.test", Some(&uri)), "partners.test"), 200);
    // in the clear nobody can show anything
    let clear = world.fixture.running.as_ref().unwrap().local_addrs()[1];
    for (host, status) in [("open.test", 200), ("maybe.test", 200), ("strict.test", 421)] {
        let mut wire = crate::harness::Wire::connect(clear);
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(wire.ask(request.as_bytes()).status(), status, "{host}");
    }
    assert_eq!(world.fixture.metric("palisade_tls_handshakes_total{result=\"done\"}"), 24);
}

/// SL-05.
#[test]
fn a_handshake_that_stands_still_is_dropped() {
    let world = World::new();
    let name = ServerName::try_from("open.test").unwrap();
    let mut connection = ClientConnection::new(world.client(None), name).unwrap();
    let mut hello = Vec::new();
    connection.write_tls(&mut hello).unwrap();
    for (case, sent) in [("nothing", 0), ("a part", 40), ("the whole hello", hello.len())] {
        let mut socket = TcpStream::connect(world.fixture.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let begun = Instant::now();
        socket.write_all(&hello[..sent]).unwrap();
        let mut back = Vec::new();
        let _ = socket.read_to_end(&mut back);
        assert!(begun.elapsed() < Duration::from_secs(5), "{case}: {:?}", begun.elapsed());
        assert_eq!(back.is_empty(), sent < hello.len(), "{case}");
    }
    world.fixture.wait_for("palisade_tls_handshakes_total{result=\"late\"}", 3);
}

/// HO-14 over HTTP/2.
#[test]
fn streams_of_one_connection_reach_one_demand() {
    let world = World::new();
    let leaf = world.partners.issue(&["a.partner.example"]);
    let config = client(world.server.roots(), Some(&leaf), &["h2"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let statuses = runtime.block_on(async {
        let socket = tokio::net::TcpStream::connect(world.fixture.address()).await.unwrap();
        let name = ServerName::try_from("partners.test").unwrap();
        let stream = tokio_rustls::TlsConnector::from(config).connect(name, socket).await.unwrap();
        let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut statuses = Vec::new();
        for host in ["partners.test", "strict.test", "open.test", "a.wild.test"] {
            let request = http::Request::get(format!("https://{host}/")).body(()).unwrap();
            let (response, _) = sender.send_request(request, true).unwrap();
            statuses.push(response.await.unwrap().status().as_u16());
        }
        statuses
    });
    assert_eq!(statuses, [200, 421, 421, 200]);
}

/// FA-19: who shakes hands while certificates are replaced gets one or the other, and who has a
/// connection keeps it.
#[test]
fn certificates_are_replaced_under_load() {
    const REPLACEMENTS: usize = 25;
    let world = World::new();
    let mut old = world.connect("open.test", None);
    assert_eq!(ask(&mut old, "open.test"), 200);
    let stop = AtomicBool::new(false);
    let (served, seen) = std::thread::scope(|scope| {
        let visitor = scope.spawn(|| {
            let mut served = 0;
            let mut seen: Vec<Vec<u8>> = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let mut connection = world.connect("open.test", None);
                assert_eq!(ask(&mut connection, "open.test"), 200);
                let leaf = connection.conn.peer_certificates().unwrap()[0].to_vec();
                if seen.last() != Some(&leaf) {
                    seen.push(leaf);
                }
                served += 1;
            }
            (served, seen)
        });
        for _ in 0..REPLACEMENTS {
            world.slot.replace(terminator(&world.server, &world.partners));
            std::thread::sleep(Duration::from_millis(20));
        }
        stop.store(true, Ordering::Relaxed);
        visitor.join().unwrap()
    });
    assert!(served > 5 && seen.len() > 2, "{served} handshakes, {} certificates", seen.len());
    // the very next handshake meets what was put in place last
    let last = terminator(&world.server, &world.partners);
    let expected = last.material().certificates[0].certificate.clone();
    world.slot.replace(last);
    let mut new = world.connect("open.test", None);
    assert_eq!(ask(&mut new, "open.test"), 200);
    let shown = crate::pki::pem("CERTIFICATE", &new.conn.peer_certificates().unwrap()[0]);
    assert_eq!(shown.as_bytes(), expected.bytes);
    assert_eq!(ask(&mut old, "open.test"), 200);
}

/// TL-14: an upstream that cannot prove its name is a broken upstream.
#[test]
fn upstreams_over_tls_prove_their_name() {
    let root = Authority::new("upstream root");
    let stranger = Authority::new("another root");
    let connector = |server_name: Option<&str>| {
        let material = UpstreamMaterial {
            ca: Some(root.file()),
            server_name: server_name.map(str::to_owned),
            client: None,
        };
        Some(Arc::new(Connector::new(material).unwrap()))
    };
    let cases = [
        ("its address", root.issue(&["127.0.0.1"]), connector(None), 200),
        ("the name of the settings", root.issue(&["up.test"]), connector(Some("up.test")), 200),
        ("another name", root.issue(&["up.test"]), connector(None), 502),
        ("another authority", stranger.issue(&["127.0.0.1"]), connector(None), 502),
        ("no way to verify", root.issue(&["127.0.0.1"]), None, 502),
    ];
    let mut told = 0;
    for (case, leaf, connector, status) in cases {
        let upstream = crate::tls::Upstream::start(&leaf);
        let text = format!("[services.a]\nupstreams = [\"https://{}\"]\n", upstream.address);
        let fixture = Fixture::new(&text);
        let arrangement = crate::harness::arrangement(&text).with_connectors(vec![connector]);
        fixture.running.as_ref().unwrap().reload(arrangement);
        let mut client = fixture.client();
        for _ in 0..2 {
            let answer = client.ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(answer.status(), status, "{case}");
        }
        told += 1;
    }
    assert_eq!(told, 5);
}

/// Checks go the way that requests go, and follow it when it changes.
#[test]
fn upstreams_over_tls_are_checked() {
    let root = Authority::new("upstream root");
    let stranger = Authority::new("another root");
    let upstream = crate::tls::Upstream::start(&root.issue(&["127.0.0.1"]));
    let text = format!(
        "[services.a]\nupstreams = [\"https://{}\"]\nhealth = {{ path = \"/up\", \
         interval = \"100ms\", timeout = \"2s\", unhealthy_after = 1, healthy_after = 1 }}\n",
        upstream.address
    );
    let fixture = Fixture::new(&text);
    let mut ran = 0;
    for (authority, well) in [(&root, 1), (&stranger, 0), (&root, 1)] {
        let ca = Some(authority.file());
        let material = UpstreamMaterial { ca, ..UpstreamMaterial::default() };
        let connector = Some(Arc::new(Connector::new(material).unwrap()));
        let arrangement = crate::harness::arrangement(&text).with_connectors(vec![connector]);
        fixture.running.as_ref().unwrap().reload(arrangement);
        // an exchange makes the worker look at what is in force
        fixture.client().ask(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        fixture.wait_for("palisade_upstream_healthy{", well);
        ran += 1;
    }
    assert_eq!(ran, 3);
}

#[test]
fn whom_a_certificate_names_is_the_principal() {
    let mut world = World::new();
    let named = world.partners.issue(&["a.partner.example"]);
    let other = world.partners.issue(&["b.partner.example"]);
    for leaf in [&named, &other, &named] {
        assert_eq!(ask(&mut world.connect("partners.test", Some(leaf)), "partners.test"), 200);
    }
    assert_eq!(ask(&mut world.connect("open.test", None), "open.test"), 200);
    let seen = world.fixture.observations(4);
    let proofs: Vec<Proof> = seen.iter().map(|one| one.principal.proof).collect();
    assert_eq!(proofs[..3], [Proof::Certificate; 3]);
    assert_eq!(proofs[3], Proof::None);
    assert_eq!(seen[0].principal.id, seen[2].principal.id);
    assert_ne!(seen[0].principal.id, seen[1].principal.id);
}
