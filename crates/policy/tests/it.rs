//! The settings file from outside: what it means, and how its mistakes are told.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::{Contract, SourceDocument};
use policy::document::Document;
use policy::{Mode, Policy, Revision};
use wire::Profile;

mod upstreams;

const SMALLEST: &str = r#"
mode = "block"
[[listeners]]
bind = "127.0.0.1:8080"
[services.shop]
upstreams = ["http://127.0.0.1:9000"]
spec = "openapi.yaml"
"#;

const CONTRACT: &str = r#"
openapi: 3.1.0
info: {title: shop, version: "1"}
paths: {/v1/health: {get: {responses: {"200": {description: fine}}}}}
"#;

fn contracts() -> BTreeMap<String, Arc<Contract>> {
    let source = SourceDocument { name: "openapi.yaml".into(), text: CONTRACT.into() };
    let contract = Arc::new(Contract::from_documents(&[source]).unwrap());
    BTreeMap::from([("shop".to_owned(), contract)])
}

fn resolve(text: &str) -> Policy {
    let document = Document::read(text).unwrap();
    Policy::resolve(&document, &contracts(), Revision::of([text])).unwrap()
}

#[test]
fn the_smallest_file_guards_something() {
    let document = Document::read(SMALLEST).unwrap();
    assert_eq!(document.listeners[0].bind.to_string(), "127.0.0.1:8080");
    let upstream = &document.services[0].upstreams.targets[0];
    assert_eq!((upstream.host.as_str(), upstream.port), ("127.0.0.1", 9000));
    let policy = resolve(SMALLEST);
    let service = &policy.services[0];
    assert_eq!((service.mode, service.undocumented), (Mode::Block, Mode::Block));
    assert_eq!(service.profile, Profile::Strict);
    assert!(service.contract.is_some());
    assert_eq!(policy.service_for("any.example"), Some(0));
}

#[test]
fn every_setting_of_this_version_is_read() {
    let document = Document::read(
        r#"
mode = "observe"
[[listeners]]
bind = "[::1]:8080"
[trust]
proxies = ["10.0.0.0/8", "192.0.2.1"]
identity = ["X-User-Id", "X_Role"]
[services.shop]
hosts = ["api.example.com", "*.shop.example"]
upstreams = ["http://[::1]:9000", "http://shop.internal"]
spec = ["openapi.yaml"]
mode = "block"
profile = "compat"
correlate = true
undocumented = "observe"
limits = { body = "64KiB", on_overflow = "observe" }
[console]
bind = "127.0.0.1:9440"
[storage]
store = "sqlite:palisade.db"
observations = "sqlite:palisade.db"
meters = "memory"
[telemetry]
bind = "127.0.0.1:9441"
[runtime]
workers = 2
[access_log]
file = "access.log"
format = "combined"
paths = "raw"
"#,
    )
    .unwrap();
    assert_eq!(document.trusted.len(), 2);
    assert_eq!(document.workers, Some(2));
    let log = document.access_log.as_ref().unwrap();
    assert_eq!(log.file, "access.log");
    assert_eq!((log.format.as_str(), log.paths.as_str()), ("combined", "raw"));
    assert_eq!(document.store.as_deref(), Some("palisade.db"));
    let service = &document.services[0];
    assert_eq!(service.upstreams.targets[0].host, "::1");
    assert_eq!(service.upstreams.targets[1].port, 80);
    assert_eq!(service.body_bytes_max, Some(64 << 10));
    assert_eq!(service.on_overflow, Some(Mode::Observe));
    let policy = Policy::resolve(&document, &contracts(), Revision::of([""])).unwrap();
    assert_eq!(policy.service_for("a.shop.example"), Some(0));
    assert_eq!(policy.service_for("shop.example"), None);
    assert_eq!(policy.services[0].undocumented, Mode::Observe);
    assert_eq!(policy.services[0].profile, Profile::Compat);
    assert!(policy.services[0].correlate);
    for (name, owned) in [("x-user_id", true), ("X-Role", true), ("X-Team", false)] {
        assert_eq!(policy.identity.contains(name.as_bytes()), owned, "{name}");
    }
}

/// (a file, the code of its first mistake, the marked text, a part of the remedy)
const MISTAKES: &[(&str, &str, &str, &str)] = &[
    ("mod = \"block\"", "config::unknown_key", "mod", "did you mean `mode`?"),
    ("mode = \"off\"", "config::unknown_mode", "\"off\"", "disabled"),
    ("mode = 1", "config::type", "1", "a text in quotes"),
    ("mode = ", "config::syntax", "", "TOML"),
    ("[[listeners]]\nbind = \"8080\"", "config::address", "\"8080\"", "127.0.0.1:8080"),
    ("[[listeners]]", "config::missing", "", "add an address"),
    ("[access_log]\nformat = \"json\"", "config::missing", "", "access.log"),
    (
        "[access_log]\nfile = \"a\"\nformat = \"xml\"",
        "config::access_log",
        "\"xml\"",
        "write format = \"json\"",
    ),
    ("[access_log]\nfile = \"a\"\npath = \"raw\"", "config::unknown_key", "path", "paths"),
    (
        "[console]\nbind = \"127.0.0.1:1\"\noidc = {}",
        "config::not_in_this_version",
        "oidc",
        "remove it",
    ),
    ("[services.a]\nupstream = []", "config::missing", "a", "http://127.0.0.1:9000"),
    (
        "[services.a]\nupstreams = [\"ftp://x\"]",
        "config::upstream",
        "\"ftp://x\"",
        "http://HOST:PORT",
    ),
    (
        "[services.a]\nupstreams = [\"http://x/y\"]",
        "config::upstream",
        "\"http://x/y\"",
        "without a path",
    ),
    (
        "[services.a]\nupstreams = [\"http://x\"]\nspec = \"learned\"",
        "config::not_in_this_version",
        "\"learned\"",
        "OpenAPI",
    ),
    (
        "[services.a]\nupstreams = [\"http://x\"]\nlimits = { body = \"1MB\" }",
        "config::size",
        "\"1MB\"",
        "MiB",
    ),
    ("[trust]\nproxies = [\"10.0.0.0/33\"]", "config::network", "\"10.0.0.0/33\"", "10.0.0.0/8"),
    ("[trust]\nidentity = [\"X User\"]", "config::field_name", "\"X User\"", "X-User-Id"),
    (
        "[services.a]\nupstreams = [\"http://x\"]\nprofile = \"lax\"",
        "config::profile",
        "\"lax\"",
        "compat",
    ),
    ("[storage]\nstore = \"postgres://x\"", "config::storage", "\"postgres://x\"", "sqlite:"),
    ("[storage]\nmeters = \"redis://x\"", "config::storage", "\"redis://x\"", "memory"),
    ("[runtime]\nworkers = 0", "config::range", "0", "one worker per core"),
    ("[policies.x]", "config::not_in_this_version", "policies", "false promise"),
];

#[test]
fn mistakes_are_told_with_place_and_remedy() {
    let mut told = 0;
    for (text, code, marked, remedy) in MISTAKES {
        let errors = Document::read(text).unwrap_err();
        let first = &errors[0];
        assert_eq!(first.code, *code, "{text}: {errors:?}");
        assert!(first.remedy.contains(remedy), "{text}: {}", first.remedy);
        if !marked.is_empty() {
            let span = first.span.clone().unwrap();
            assert_eq!(text.get(span), Some(*marked), "{text}");
        }
        told += 1;
    }
    assert_eq!(told, 22);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "mode = \"on\"\nlisteners = 1\n[services.a]\nupstreams = [\"ftp://x\"]\nmoed = 1";
    let codes: Vec<_> =
        Document::read(text).unwrap_err().into_iter().map(|error| error.code).collect();
    assert_eq!(
        codes,
        ["config::unknown_mode", "config::type", "config::upstream", "config::unknown_key"]
    );
}

#[test]
fn contradictions_between_parts_are_told() {
    let twice =
        "[services.a]\nupstreams = [\"http://x\"]\n[services.b]\nupstreams = [\"http://y\"]";
    let nothing = "mode = \"block\"\n[services.a]\nupstreams = [\"http://x\"]";
    for (text, code) in [
        (twice, "config::host_twice"),
        (nothing, "config::block_without_contract"),
        ("", "config::no_service"),
    ] {
        let document = Document::read(text).unwrap();
        let errors =
            Policy::resolve(&document, &BTreeMap::new(), Revision::of([text])).unwrap_err();
        assert_eq!(errors[0].code, code, "{text}");
    }
}

#[test]
fn a_revision_depends_on_every_text() {
    let one = Revision::of(["a", "b"]);
    assert_eq!(one, Revision::of(["a", "b"]));
    assert_ne!(one, Revision::of(["ab"]));
    assert_ne!(one, Revision::of(["b", "a"]));
    assert_eq!(one.to_string().len(), 16);
}
