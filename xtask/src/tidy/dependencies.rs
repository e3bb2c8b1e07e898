//! The core has no IO, clock, randomness, threads or async, so each core crate has a list of the
//! foreign crates it may use. A new name is a decision: add it here and say why in the change.

use serde_json::Value;

use super::Complaint;
use super::edges::{manifest, members, short};
use super::graph::Graph;

/// Foreign crates that a core crate may name in `[dependencies]`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("wire", &["memchr", "thiserror"]),
    ("exchange", &["memchr", "serde", "serde_json", "siphasher", "thiserror"]),
    (
        "contract",
        &[
            "fancy-regex",
            "granit-parser",
            "jsonschema",
            "jsonschema-regex",
            "memchr",
            "referencing",
            "regex",
            "serde",
            "serde-saphyr",
            "serde_json",
            "thiserror",
        ],
    ),
    ("policy", &["ipnet", "serde", "serde_json", "sha2", "thiserror", "toml"]),
    (
        "inspect",
        &[
            "aho-corasick",
            "base64",
            "brotli",
            "flate2",
            "hashbrown",
            "memchr",
            "regex",
            "serde_json",
            "sha2",
            "siphasher",
        ],
    ),
    (
        "analysis",
        &["datasketches", "hashbrown", "regex", "serde", "serde_json", "siphasher", "thiserror"],
    ),
];

/// Crates that must not be reached from the core at any depth.
const NEVER: &[&str] = &[
    "async-std",
    "axum",
    "hyper",
    "mio",
    "rand",
    "reqwest",
    "rusqlite",
    "socket2",
    "tokio",
    "tonic",
];

pub(super) fn check(metadata: &Value) -> Vec<Complaint> {
    let graph = Graph::shipped(metadata);
    let mut complaints = Vec::new();
    for package in members(metadata) {
        let name = short(package["name"].as_str().unwrap_or_default());
        let Some((_, allowed)) = ALLOWED.iter().find(|(core, _)| *core == name) else { continue };
        let path = manifest(package);
        for foreign in foreign_dependencies(package).filter(|name| !allowed.contains(name)) {
            let what = format!("`{name}` is core: `{foreign}` is not on its list (xtask tidy)");
            complaints.push(Complaint::new(&path, 0, what));
        }
        let reached = graph.reachable(package["id"].as_str().unwrap_or_default());
        for (reached, _) in reached.into_iter().filter(|(name, _)| NEVER.contains(name)) {
            let what = format!("`{name}` is core and reaches `{reached}`");
            complaints.push(Complaint::new(&path, 0, what));
        }
    }
    complaints
}

/// Names in `[dependencies]` and `[build-dependencies]` that come from outside the workspace.
fn foreign_dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|one| one["path"].is_null() && one["kind"] != "dev")
        .filter_map(|one| one["name"].as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace(direct: &str) -> Value {
        json!({
            "packages": [
                {"id": "w", "name": "palisade-wire", "source": null,
                 "manifest_path": "/somewhere/crates/wire/Cargo.toml",
                 "dependencies": [
                     {"name": direct, "kind": null},
                     {"name": "tokio", "kind": "dev"},
                 ]},
                {"id": "d", "name": direct, "source": "registry"},
                {"id": "t", "name": "tokio", "source": "registry"},
            ],
            "resolve": {"nodes": [
                {"id": "w", "deps": [
                    {"pkg": "d", "dep_kinds": [{"kind": null}]},
                    {"pkg": "t", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "d", "deps": []},
            ]},
        })
    }

    #[test]
    fn what_only_tests_use_is_free() {
        assert_eq!(check(&workspace("memchr")), []);
    }

    #[test]
    fn a_name_off_the_list_is_refused() {
        let complaints = check(&workspace("chrono"));
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].what.contains("`chrono` is not on its list"));
    }

    #[test]
    fn io_is_refused_at_any_depth() {
        let mut metadata = workspace("memchr");
        metadata["resolve"]["nodes"][1]["deps"] =
            json!([{"pkg": "t", "dep_kinds": [{"kind": null}]}]);
        let complaints = check(&metadata);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].what.contains("reaches `tokio`"));
    }
}
