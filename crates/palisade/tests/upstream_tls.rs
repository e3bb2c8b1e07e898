//! The files of `upstream_tls` of a running process are read again when they change.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::acme::pem;
use crate::run::{Palisade, get, wait_until};

/// A server over TLS with a certificate that vouches for itself.
fn origin(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain: Vec<CertificateDer<'static>> = vec![made.cert.der().clone()];
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            std::thread::spawn(move || {
                let mut stream = StreamOwned::new(connection, socket);
                let mut head = [0; 4_096];
                while stream.read(&mut head).is_ok_and(|count| count > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                    if stream.write_all(answer).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn another_authority_is_believed_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let ca = directory.path().join("ca.pem");
    fs::write(&ca, pem("CERTIFICATE", other.cert.der())).unwrap();
    let text = format!(
        "[[listeners]]\nbind = \"127.0.0.1:0\"\n[services.shop]\nupstreams = [\"https://{}\"]\n\
         upstream_tls = {{ ca = \"ca.pem\" }}\n[console]\nbind = \"127.0.0.1:0\"\n\
         [telemetry]\nbind = \"127.0.0.1:0\"\n",
        origin(&made)
    );
    fs::write(directory.path().join("palisade.toml"), text).unwrap();
    let palisade = Palisade::start(directory.path());
    assert_eq!(get(&palisade.gateway, "/").0, 502, "nobody vouches for the upstream");
    fs::write(&ca, pem("CERTIFICATE", made.cert.der())).unwrap();
    wait_until("the new authority is believed", || get(&palisade.gateway, "/").0 == 200);
    // a file that cannot be used leaves all as it was, and is told
    fs::write(&ca, "nothing").unwrap();
    wait_until("the bad file is told", || {
        let metrics = get(&palisade.telemetry, "/metrics").1;
        metrics.contains("palisade_certificates_last_reload_successful 0")
    });
    assert_eq!(get(&palisade.gateway, "/").0, 200);
}
