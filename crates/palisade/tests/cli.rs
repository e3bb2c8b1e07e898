//! The commands that describe: explain, check, completions, man, schema, version.

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;

fn palisade(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_palisade"))
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_rule_has_a_page() {
    let directory = tempfile::tempdir().unwrap();
    let list = text(&palisade(&["explain"], directory.path()).stdout);
    let rules: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(
        rules,
        [
            "PAL-AUTH-001",
            "PAL-AUTH-002",
            "PAL-AUTH-004",
            "PAL-CONF-001",
            "PAL-DATA-001",
            "PAL-DATA-003",
            "PAL-SPEC-001",
            "PAL-SPEC-002",
            "PAL-SPEC-005",
            "PAL-WIRE-001",
            "PAL-WIRE-002",
            "PAL-WIRE-003",
        ]
    );
    for rule in rules {
        let output = palisade(&["explain", rule], directory.path());
        let page = text(&output.stdout);
        for heading in ["## What it notices", "## Why is this bad?", "## How to fix it"] {
            assert!(page.contains(heading), "{rule}: {heading}");
        }
    }
    let unknown = palisade(&["explain", "PAL-NONE-001"], directory.path());
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn check_says_what_is_in_force_or_where_the_mistake_is() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let settings = at.join("palisade.toml");
    let none = palisade(&["check"], at);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("no settings file"));

    std::fs::write(
        at.join("openapi.yaml"),
        "openapi: 3.1.0\ninfo: {title: a, version: '1'}\npaths: {/a: {get: {responses: {'200': \
         {description: b}}}}}\n",
    )
    .unwrap();
    let good = "mode = \"block\"\n[[listeners]]\nbind = \"127.0.0.1:8080\"\n[services.shop]\n\
                upstreams = [\"http://127.0.0.1:9000\"]\nspec = \"openapi.yaml\"\n";
    std::fs::write(&settings, good).unwrap();
    let sound = palisade(&["check", "--print", "effective"], at);
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stderr));
    let shown = text(&sound.stdout);
    assert!(shown.contains("service shop: block for every host; 1 operations"), "{shown}");
    for line in [
        "telemetry.bind = \"127.0.0.1:9441\"    # default",
        "trust.identity = []    # default",
        "services.shop.protocol = \"http1\"    # default",
        "services.shop.profile = \"strict\"    # default",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }

    std::fs::write(&settings, good.replace("upstreams", "upstream")).unwrap();
    let wrong = palisade(&["check"], at);
    assert_eq!(wrong.status.code(), Some(2));
    let shown = text(&wrong.stderr);
    assert!(shown.contains("error[config::unknown_key]"), "{shown}");
    assert!(shown.contains("palisade.toml:5:1") && shown.contains("^^^^^^^^"), "{shown}");
    assert!(shown.contains("did you mean `upstreams`?"), "{shown}");

    std::fs::write(&settings, good).unwrap();
    std::fs::write(at.join("openapi.yaml"), "openapi: 3.1.0\npaths: [\n").unwrap();
    let contract = palisade(&["check"], at);
    assert_eq!(contract.status.code(), Some(2));
    assert!(text(&contract.stderr).contains("openapi.yaml:"), "{}", text(&contract.stderr));
}

/// Everything about TLS is told by the names of files; nothing that is in them is.
#[test]
fn check_shows_what_tls_is_made_of() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
    let encode = |bytes: &[u8]| base64::prelude::BASE64_STANDARD.encode(bytes);
    let pem = |kind: &str, bytes: &[u8]| {
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", encode(bytes))
    };
    let key = encode(&made.signing_key.serialize_der());
    std::fs::write(at.join("cert.pem"), pem("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(at.join("key.pem"), pem("PRIVATE KEY", &made.signing_key.serialize_der()))
        .unwrap();
    let settings = "[[listeners]]\nbind = \"127.0.0.1:8443\"\n\
        tls = { cert = \"cert.pem\", key = \"key.pem\" }\nclient_ca = \"cert.pem\"\n\
        [services.shop]\nupstreams = [\"https://127.0.0.1:9000\"]\n\
        client_certificate = { san_dns = [\"*.partner.example\"] }\n\
        upstream_tls = { ca = \"cert.pem\", client_cert = \"cert.pem\", client_key = \"key.pem\" }\n";
    std::fs::write(at.join("palisade.toml"), settings).unwrap();
    let sound = palisade(&["check", "--print", "effective"], at);
    let shown = text(&sound.stdout);
    assert_eq!(sound.status.code(), Some(0), "{}", text(&sound.stderr));
    let lines = [
        "listeners.tls = { cert = \"cert.pem\", key = \"key.pem\" }",
        "listeners.client_ca = \"cert.pem\"",
        "services.shop.client_certificate = { need = \"required\", \
         san_dns = [\"*.partner.example\"], san_uri = [], spki_sha256 = [] }",
        "services.shop.upstream_tls.ca = \"cert.pem\"",
        "services.shop.upstream_tls.client_key = \"key.pem\"",
    ];
    for line in lines {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    assert!(!shown.contains(key.get(..24).unwrap()) && !shown.contains("BEGIN"));
}

#[test]
fn completions_manual_and_version() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = palisade(&["completions", shell], directory.path());
        assert!(text(&script.stdout).contains("analyze"), "{shell}");
    }
    let man = palisade(&["man", "--out", "man"], directory.path());
    assert_eq!(man.status.code(), Some(0));
    let page = std::fs::read_to_string(directory.path().join("man/palisade-analyze.1")).unwrap();
    assert!(page.contains("RECORDING"));
    let version = palisade(&["version"], directory.path());
    assert_eq!(text(&version.stdout), format!("palisade {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn nothing_is_promised_that_does_not_work() {
    let directory = tempfile::tempdir().unwrap();
    let help = text(&palisade(&["--help"], directory.path()).stdout);
    for later in ["  lint", "  audit", "  diff", "  catalog", "  policy", "  mcp"] {
        assert!(!help.contains(later), "{later} is listed: {help}");
    }
    assert!(help.contains("analyze") && help.contains("demo"));
}
