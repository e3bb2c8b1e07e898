//! One version of each shipped dependency: two are compiled twice, linked twice, and patched once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Complaint;
use super::graph::Graph;

/// Crates that are there in two versions, and why nothing can be done about it today.
const ACCEPTED: &[(&str, &str)] = &[
    ("base64", "certificates are ordered with pem 4, which is a step ahead of everybody else"),
    ("bit-vec", "rcgen's DER and jsonschema's expressions each name one, of some 2,000 lines"),
    ("getrandom", "on other systems only; here there is one, until ahash moves on from its own"),
    ("syn", "only at build time: derive macros are moving from syn 2 to syn 3"),
    ("untrusted", "some 300 lines without code of its own: aws-lc-rs and webpki name two versions"),
];

pub(super) fn check(metadata: &Value) -> Vec<Complaint> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, version) in Graph::shipped(metadata).linked_into("palisade") {
        versions.entry(name).or_default().push(version);
    }
    versions.retain(|name, each| each.len() > 1 && !ACCEPTED.iter().any(|(one, _)| one == name));
    let complain = |(name, each): (&str, Vec<&str>)| {
        let what = format!("{name} in versions {}: settle on one (cargo tree -d)", each.join(", "));
        Complaint::new("Cargo.lock", 0, what)
    };
    versions.into_iter().map(complain).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_versions_are_one_too_many_where_they_are_shipped() {
        let link = |id: &str| json!({"pkg": id, "dep_kinds": [{"kind": null}]});
        let package = |id: &str| {
            let (name, version) = id.split_once('@').unwrap();
            json!({"id": id, "name": name, "version": version})
        };
        let ids = ["palisade@1", "a@1", "a@2", "b@1", "b@2", "syn@2", "syn@3"];
        let metadata = json!({
            "packages": ids.map(package),
            "resolve": {"nodes": [
                {"id": "palisade@1", "deps": [
                    link("a@1"), link("b@1"), link("syn@2"), link("syn@3"),
                    {"pkg": "b@2", "dep_kinds": [{"kind": "dev"}]},
                ]},
                {"id": "b@1", "deps": [link("a@2")]},
            ]},
        });
        let complaints = check(&metadata);
        assert_eq!(complaints.len(), 1, "{complaints:?}");
        assert!(complaints[0].what.starts_with("a in versions 1, 2"));
    }
}
