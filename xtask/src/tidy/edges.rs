//! Who may know whom: the edges between our own crates, as ARCHITECTURE.md draws them.
//!
//! `inspect` and `analysis` meet only in what lies below them; `gateway` knows neither `analysis`
//! nor `store`, so that traffic goes on when everything behind the outlet is dead.

use serde_json::Value;

use super::Complaint;

/// Each crate and those it may depend on, `palisade-` left out.
const EDGES: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("exchange", &["wire"]),
    ("contract", &["exchange", "wire"]),
    ("policy", &["contract", "exchange", "wire"]),
    ("inspect", &["contract", "exchange", "policy", "wire"]),
    ("analysis", &["contract", "exchange", "policy", "wire"]),
    ("gateway", &["contract", "exchange", "inspect", "policy", "wire"]),
    ("store", &["analysis", "contract", "exchange", "policy", "wire"]),
    ("console", &["analysis", "contract", "exchange", "policy", "store", "wire"]),
    (
        "palisade",
        &[
            "analysis", "console", "contract", "exchange", "gateway", "inspect", "policy", "store",
            "wire",
        ],
    ),
    // not shipped: what is put before other readers, and what fuzzing checks
    ("differential", &["contract", "exchange", "gateway", "inspect", "policy", "wire"]),
    ("properties", &["contract", "exchange", "inspect", "policy", "wire"]),
    ("xtask", &[]),
];

pub(super) fn check(metadata: &Value) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for package in members(metadata) {
        let name = short(package["name"].as_str().unwrap_or_default());
        let path = manifest(package);
        let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == name) else {
            complaints.push(Complaint::new(&path, 0, "a crate that no rule knows (tidy, edges)"));
            continue;
        };
        for to in own_dependencies(package).filter(|to| !allowed.contains(to)) {
            let what = format!("`{name}` may not know `{to}`");
            complaints.push(Complaint::new(&path, 0, what));
        }
    }
    complaints
}

/// The workspace's own packages.
pub(super) fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages.filter(|package| package["source"].is_null())
}

/// The manifest's path from the root of the repository.
pub(super) fn manifest(package: &Value) -> String {
    let path = package["manifest_path"].as_str().unwrap_or_default();
    let parts: Vec<&str> = path.rsplit('/').take(3).collect();
    let depth = if parts.get(1) == Some(&"xtask") { 2 } else { 3 };
    parts.into_iter().take(depth).rev().collect::<Vec<_>>().join("/")
}

/// A package's name as the rules write it.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("palisade-").unwrap_or(name)
}

/// Dependencies on crates of the workspace, those of the tests included.
fn own_dependencies(package: &Value) -> impl Iterator<Item = &str> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|dependency| dependency["path"].is_string())
        .filter_map(|dependency| dependency["name"].as_str())
        .map(short)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workspace(name: &str, dependency: &str) -> Value {
        json!({"packages": [{
            "name": name,
            "source": null,
            "manifest_path": "/somewhere/crates/x/Cargo.toml",
            "dependencies": [{"name": dependency, "path": "/somewhere/crates/y"}],
        }]})
    }

    #[test]
    fn an_edge_that_is_not_drawn_is_refused() {
        assert_eq!(check(&workspace("palisade-inspect", "palisade-policy")), []);
        let complaints = check(&workspace("palisade-inspect", "palisade-analysis"));
        assert_eq!(
            complaints[0].to_string(),
            "crates/x/Cargo.toml: `inspect` may not know `analysis`"
        );
        assert_eq!(check(&workspace("palisade-gateway", "palisade-store")).len(), 1);
        assert_eq!(check(&workspace("palisade-engine", "palisade-wire")).len(), 1);
    }
}
