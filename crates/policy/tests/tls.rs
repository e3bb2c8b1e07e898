//! Settings of TLS.

use std::collections::BTreeMap;

use policy::document::Document;
use policy::document::tls::{CertificateSource, ClientNeed, ClientRule};
use policy::{Policy, Revision};

#[test]
fn settings_of_tls_are_read() {
    let document = Document::read(
        r#"
[[listeners]]
bind = "127.0.0.1:8443"
tls = { certificates = [{ cert = "a.pem", key = "a.key" }, { cert = "b.pem", key = "b.key" }] }
client_ca = "ca.pem"
crl = "ca.crl"
[[listeners]]
bind = "127.0.0.1:8444"
tls = { cert = "a.pem", key = "a.key" }
[services.a]
hosts = ["a.test"]
upstreams = ["https://up.test", "https://[::1]:8443/"]
client_certificate = "optional"
upstream_tls = { ca = "up.pem", server_name = "up", client_cert = "c.pem", client_key = "c.key" }
[services.b]
hosts = ["b.test"]
upstreams = ["http://x"]
client_certificate = { san_dns = "*.Partner.example", spki_sha256 = [
  "00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
] }
[services.c]
hosts = ["c.test"]
upstreams = ["http://x"]
"#,
    )
    .unwrap();
    let tls = document.listeners[0].tls.as_ref().unwrap();
    let CertificateSource::Files(pairs) = &tls.source else { panic!("files are named") };
    assert_eq!((pairs.len(), pairs[1].key.value.as_str()), (2, "b.key"));
    assert_eq!((tls.client_ca.as_ref().unwrap().value.as_str(), tls.crl.len()), ("ca.pem", 1));
    assert!(document.listeners[1].tls.as_ref().unwrap().client_ca.is_none());
    let ports: Vec<u16> =
        document.services[0].upstreams.targets.iter().map(|one| one.port).collect();
    assert_eq!(ports, [443, 8443]);
    let upstream = document.services[0].upstream_tls.as_ref().unwrap();
    assert_eq!(upstream.client.as_ref().unwrap().cert.value, "c.pem");
    let policy = Policy::resolve(&document, &BTreeMap::new(), Revision::of([""])).unwrap();
    let needs: Vec<ClientNeed> = policy.services.iter().map(|one| one.client.need).collect();
    assert_eq!(needs, [ClientNeed::Optional, ClientNeed::Required, ClientNeed::Off]);
    let rule = &policy.services[1].client;
    assert_eq!(rule.san_dns, ["*.partner.example"]);
    assert_eq!((rule.spki_sha256[0][1], rule.spki_sha256[0][15]), (0x11, 0xff));
}

/// (a file, the code of its first mistake, the marked text, a part of the remedy)
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("tls = {}", "config::certificate_source", "", "cert.pem"),
    ("tls = { cert = \"c\" }", "config::incomplete_pair", "\"c\"", "`key`"),
    (
        "tls = { cert = \"c\", key = \"k\", certificates = [{ cert = \"c\", key = \"k\" }] }",
        "config::certificate_source",
        "cert = \"c\", key = \"k\", certificates = [{ cert = \"c\", key = \"k\" }]",
        "write tls",
    ),
    ("tls = { certificates = [{ cert = \"c\" }] }", "config::incomplete_pair", "", "`key`"),
    ("tls = { crt = \"c\" }", "config::certificate_source", "", "write tls"),
    ("client_ca = \"ca\"", "config::client_ca_without_tls", "\"ca\"", "add `tls"),
    (
        "tls = { cert = \"c\", key = \"k\" }\ncrl = [\"x\"]",
        "config::crl_without_ca",
        "\"x\"",
        "client_ca",
    ),
    ("tls = { domains = [] }", "config::range", "[]", "api.example.com"),
    ("tls = { domains = [\"*.a.test\"] }", "config::domain", "\"*.a.test\"", "wildcards"),
    ("tls = { domains = [\"10.0.0.1\"] }", "config::domain", "\"10.0.0.1\"", "addresses"),
    ("tls = { acme_email = \"a@b\" }", "config::acme_without_domains", "\"a@b\"", "add domains"),
    (
        "tls = { domains = [\"a.test\"], acme_directory = \"http://a\" }",
        "config::acme_directory",
        "\"http://a\"",
        "letsencrypt",
    ),
];

const SERVICE_MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("client_certificate = \"yes\"", "config::client_certificate", "\"yes\"", "required"),
    ("client_certificate = { need = \"no\" }", "config::client_certificate", "\"no\"", "off"),
    ("client_certificate = 1", "config::type", "1", "a table"),
    ("client_certificate = { san = [] }", "config::unknown_key", "san", "known here"),
    ("client_certificate = { spki_sha256 = \"aa\" }", "config::digest", "\"aa\"", "64"),
    ("upstream_tls = { ca = \"ca\" }", "config::upstream_tls_in_the_clear", "", "https://"),
];

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let listener = MISTAKES.iter().map(|(text, code, marked, remedy)| {
        (format!("[[listeners]]\nbind = \"127.0.0.1:1\"\n{text}"), code, marked, remedy)
    });
    let service = SERVICE_MISTAKES.iter().map(|(text, code, marked, remedy)| {
        (format!("[services.a]\nupstreams = [\"http://x\"]\n{text}"), code, marked, remedy)
    });
    let mut told = 0;
    for (text, code, marked, remedy) in listener.chain(service) {
        let errors = Document::read(&text).unwrap_err();
        let found = errors.iter().find(|error| error.code == *code);
        let found = found.unwrap_or_else(|| panic!("{text}: {errors:?}"));
        assert!(found.remedy.contains(remedy), "{text}: {}", found.remedy);
        if !marked.is_empty() {
            assert_eq!(text.get(found.span.clone().unwrap()), Some(*marked), "{text}");
        }
        told += 1;
    }
    assert_eq!(told, 18);
}

#[test]
fn a_demand_needs_a_listener_that_can_verify() {
    let text = "[[listeners]]\nbind = \"127.0.0.1:1\"\ntls = { cert = \"c\", key = \"k\" }\n\
                [services.a]\nupstreams = [\"http://x\"]\nclient_certificate = \"required\"";
    let document = Document::read(text).unwrap();
    let errors = Policy::resolve(&document, &BTreeMap::new(), Revision::of([text])).unwrap_err();
    assert_eq!(errors[0].code, "config::client_certificate_without_ca");
    assert_eq!(text.get(errors[0].span.clone().unwrap()), Some("\"required\""));
    let cached = text.replace("key = \"k\" }", "key = \"k\" }\nclient_ca = \"ca\"")
        + "\ncache = { size = \"64MiB\" }";
    let document = Document::read(&cached).unwrap();
    let errors = Policy::resolve(&document, &BTreeMap::new(), Revision::of([text])).unwrap_err();
    assert_eq!(errors[0].code, "config::cache_with_client_certificate");
}

#[test]
fn ordered_certificates_need_a_listener_over_which_names_are_proved() {
    let text = "[[listeners]]\nbind = \"127.0.0.1:1\"\ntls = { domains = [\"A.test\"] }\n\
                [services.a]\nupstreams = [\"http://x\"]\n";
    let resolve = |text: &str| {
        let document = Document::read(text).unwrap();
        Policy::resolve(&document, &BTreeMap::new(), Revision::of([text])).map(|_| document)
    };
    let errors = resolve(text).unwrap_err();
    assert_eq!(errors[0].code, "config::acme_without_plain_listener");
    assert_eq!(text.get(errors[0].span.clone().unwrap()), Some("[\"A.test\"]"));
    let document = resolve(&format!("{text}[[listeners]]\nbind = \"127.0.0.1:2\"\n")).unwrap();
    let source = &document.listeners[0].tls.as_ref().unwrap().source;
    let CertificateSource::Acme(acme) = source else { panic!("it is ordered") };
    assert_eq!((acme.domains.as_slice(), &acme.email), (["a.test".to_owned()].as_slice(), &None));
    assert!(acme.directory.starts_with("https://acme-v02."));
}

/// Which names of certificates a rule admits.
#[test]
fn identities_are_exact_or_one_label_more() {
    let rule = ClientRule {
        san_dns: vec!["a.test".to_owned(), "*.b.test".to_owned()],
        san_uri: vec!["spiffe://t/a".to_owned()],
        ..ClientRule::OPEN
    };
    let cases = [
        ("a.test", true),
        ("x.b.test", true),
        ("x.a.test", false),
        ("b.test", false),
        (".b.test", false),
        ("x.y.b.test", false),
        ("*.b.test", false),
        ("x.b.test\0.c", false),
        ("x\0.b.test", false),
        ("", false),
    ];
    let mut told = 0;
    for (name, admitted) in cases {
        let allowed = rule.allows(std::iter::once(name), std::iter::empty(), &[0; 32]);
        assert_eq!(allowed, admitted, "{name:?}");
        told += 1;
    }
    assert_eq!(told, 10);
    assert!(rule.allows(std::iter::empty(), std::iter::once("spiffe://t/a"), &[0; 32]));
    assert!(!rule.allows(std::iter::empty(), std::iter::once("spiffe://t/A"), &[0; 32]));
}
