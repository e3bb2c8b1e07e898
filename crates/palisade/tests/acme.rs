//! Certificates that are ordered and renewed by themselves, from a real authority for tests:
//! pebble, with its own root and a name server to which every name is this machine.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::run::{Origin, Palisade, wait_until};

const DOMAIN: &str = "shop.test";

/// Seconds for which pebble's certificates are good.
const LIFE_S: u64 = 18;

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A program that is ended with the test.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        Self(quiet.spawn().expect("run scripts/install-pebble.sh"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Where everything is.
struct Scene {
    directory: tempfile::TempDir,
    origin: Origin,
    plain: u16,
    secure: u16,
    authority: u16,
    management: u16,
    names: u16,
    _names: Program,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [plain, secure, authority, management, names] = [(); 5].map(|()| free_port());
        let name_server = Program::start(Command::new("pebble-challtestsrv").args([
            "-defaultIPv4",
            "127.0.0.1",
            "-defaultIPv6",
            "",
            "-dns01",
            &format!("127.0.0.1:{names}"),
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-management",
            &format!("127.0.0.1:{}", free_port()),
        ]));
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let at = directory.path();
        fs::write(at.join("pebble.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
        let key = pem("PRIVATE KEY", &made.signing_key.serialize_der());
        fs::write(at.join("pebble.key"), key).unwrap();
        let pebble = format!(
            r#"{{"pebble": {{"listenAddress": "127.0.0.1:{authority}",
                "managementListenAddress": "127.0.0.1:{management}",
                "certificate": "pebble.pem", "privateKey": "pebble.key",
                "httpPort": {plain}, "tlsPort": 1, "ocspResponderURL": "",
                "certificateValidityPeriod": {LIFE_S}}}}}"#
        );
        fs::write(at.join("pebble.json"), pebble).unwrap();
        let origin = Origin::start();
        let text = format!(
            "[[listeners]]\nbind = \"127.0.0.1:{plain}\"\n\
             [[listeners]]\nbind = \"127.0.0.1:{secure}\"\n\
             tls = {{ acme_email = \"ops@shop.test\", domains = [\"{DOMAIN}\", \"www.{DOMAIN}\"], \
             acme_directory = \"https://localhost:{authority}/dir\", acme_ca = \"pebble.pem\" }}\n\
             [services.shop]\nupstreams = [\"http://{}\"]\n\
             [console]\nbind = \"127.0.0.1:0\"\n[telemetry]\nbind = \"127.0.0.1:0\"\n",
            origin.address
        );
        fs::write(at.join("palisade.toml"), text).unwrap();
        Self { directory, origin, plain, secure, authority, management, names, _names: name_server }
    }

    fn at(&self) -> &Path {
        self.directory.path()
    }

    fn pebble(&self) -> Program {
        let names = format!("127.0.0.1:{}", self.names);
        let mut command = Command::new("pebble");
        command.args(["-config", "pebble.json", "-dnsserver", &names]).current_dir(self.at());
        Program::start(command.env("PEBBLE_VA_NOSLEEP", "1"))
    }

    /// The answer to a request over plain HTTP for a host.
    fn plain(&self, host: &str, path: &str) -> String {
        let stream = TcpStream::connect(("127.0.0.1", self.plain)).unwrap();
        ask(stream, host, path).unwrap()
    }

    fn palisade(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_palisade"));
        let output = command.args(arguments).current_dir(self.at()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What a client that trusts pebble's root is served: the certificate and the answer.
    fn secure(&self, root: &CertificateDer<'static>) -> std::io::Result<(Vec<u8>, String)> {
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        over_tls(self.secure, DOMAIN, roots, "/v1/orders/7")
    }

    /// The root under which pebble issues.
    fn root(&self) -> CertificateDer<'static> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.at().join("pebble.pem")).unwrap()).unwrap();
        let (_, answer) = over_tls(self.management, "localhost", roots, "/roots/0").unwrap();
        let begins = answer.find("-----BEGIN").unwrap();
        CertificateDer::from_pem_slice(&answer.as_bytes()[begins..]).unwrap()
    }

    fn stored(&self) -> std::path::PathBuf {
        let authority = format!("localhost_{}", self.authority);
        self.at().join("acme").join(authority).join(format!("{DOMAIN}.pem"))
    }
}

pub(crate) fn pem(kind: &str, bytes: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(bytes);
    format!("-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n")
}

fn ask(mut stream: impl Read + Write, host: &str, path: &str) -> std::io::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    // an end without close_notify is an end, too
    match stream.read_to_end(&mut answer) {
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

fn over_tls(
    port: u16,
    name: &str,
    roots: RootCertStore,
    path: &str,
) -> std::io::Result<(Vec<u8>, String)> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).unwrap();
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut connection = ClientConnection::new(Arc::new(config), server).unwrap();
    let mut stream = stream;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let leaf = connection.peer_certificates().unwrap()[0].to_vec();
    let answer = ask(StreamOwned::new(connection, stream), name, path)?;
    Ok((leaf, answer))
}

#[test]
fn certificates_come_are_renewed_and_outlast_their_authority() {
    let scene = Scene::new();
    // the authority is down: traffic is not, and the name is not served without a certificate
    let palisade = Palisade::start(scene.at());
    assert!(scene.plain(DOMAIN, "/v1/orders/7").starts_with("HTTP/1.1 200"));
    let stranger = CertificateDer::from_pem_file(scene.at().join("pebble.pem")).unwrap();
    let refused = scene.secure(&stranger).unwrap_err().to_string();
    assert!(refused.contains("UnrecognisedName"), "{refused}");
    let told = scene.palisade(&["status"]);
    assert!(told.contains("tls        none yet at 127.0.0.1:"), "{told}");
    let failing = "palisade_acme_successful 0";
    wait_until("the failure is told", || {
        crate::run::get(&palisade.telemetry, "/metrics").1.contains(failing)
    });

    let pebble = scene.pebble();
    wait_until("pebble answers", || TcpStream::connect(("127.0.0.1", scene.management)).is_ok());
    let root = scene.root();
    wait_until("the certificate is served", || scene.secure(&root).is_ok());
    let (first, answer) = scene.secure(&root).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(scene.origin.requests() >= 2);
    wait_until("the success is told", || {
        let metrics = crate::run::get(&palisade.telemetry, "/metrics").1;
        metrics.contains("palisade_acme_successful 1")
    });

    let told = scene.palisade(&["status"]);
    assert!(told.contains("tls        shop.test www.shop.test until 20"), "{told}");
    let told = scene.palisade(&["doctor"]);
    assert!(told.contains("shop.test www.shop.test until \"20"), "{told}");

    // the gateway answers for its own names only, and only what it has been asked to show
    for (host, path, status) in [
        (DOMAIN, "/.well-known/acme-challenge/x", 404),
        ("WWW.shop.test", "/.well-known/acme-challenge/", 404),
        ("other.test", "/.well-known/acme-challenge/x", 200),
        (DOMAIN, "/.well-known/acme-challenges/x", 200),
    ] {
        let answer = scene.plain(host, path);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host} {path}: {answer}");
    }

    // nobody else reads the keys
    let stored = scene.stored();
    let account = stored.with_file_name("account.json");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&stored), mode(&account)), (0o600, 0o600));
    assert_eq!(mode(stored.parent().unwrap()), 0o700);

    // after two thirds of its life there is another one
    wait_until("the certificate is renewed", || {
        scene.secure(&root).is_ok_and(|(leaf, _)| leaf != first)
    });

    // an authority that is gone takes nothing along, and a restart needs none
    drop(pebble);
    assert!(scene.secure(&root).is_ok());
    drop(palisade);
    let before = fs::read(&stored).unwrap();
    let palisade = Palisade::start(scene.at());
    let served = scene.secure(&root).map(|(leaf, _)| leaf).unwrap();
    assert_ne!(served, first);
    assert_eq!(fs::read(&stored).unwrap(), before);
    drop(palisade);
}
