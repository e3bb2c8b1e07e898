//! Vendored front-end assets are the upstream's bytes: each file is listed in `vendor.json` with
//! its SHA-256, and nothing lies beside them that is not listed.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Complaint;
use crate::tree::Tree;

const DIRECTORY: &str = "crates/console/asset/vendor/";
const LIST: &str = "crates/console/asset/vendor/vendor.json";

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let listed = tree.text(LIST).and_then(|text| serde_json::from_str::<Vec<Value>>(text).ok());
    let Some(packages) = listed else {
        return vec![Complaint::new(LIST, 0, "must be a list of packages in JSON")];
    };
    let mut complaints = Vec::new();
    let mut known = BTreeSet::from([LIST.to_owned()]);
    for package in &packages {
        check_package(tree, package, &mut known, &mut complaints);
    }
    for path in tree.files.keys().filter(|path| path.starts_with(DIRECTORY)) {
        if !known.contains(path) {
            complaints.push(Complaint::new(path, 0, "is not listed in vendor.json"));
        }
    }
    complaints
}

fn check_package(
    tree: &Tree,
    package: &Value,
    known: &mut BTreeSet<String>,
    complaints: &mut Vec<Complaint>,
) {
    let text = |key: &str| package[key].as_str().unwrap_or_default();
    let expected = format!("{}@{}", text("name"), text("version"));
    let directory = text("directory");
    if directory != expected || text("licence").is_empty() {
        let what = format!("`{directory}` should be `{expected}`, with a licence named");
        complaints.push(Complaint::new(LIST, 0, what));
    }
    for file in package["files"].as_array().into_iter().flatten() {
        let name = file["file"].as_str().unwrap_or_default();
        let path = format!("{DIRECTORY}{directory}/{name}");
        match tree.files.get(&path).map(|bytes| hex(&Sha256::digest(bytes))) {
            None => complaints.push(Complaint::new(&path, 0, "is listed but not there")),
            Some(hash) if file["sha256"] != *hash => {
                let what = format!("has sha256 {hash}, not the one listed: was it edited?");
                complaints.push(Complaint::new(&path, 0, what));
            }
            Some(_) => {}
        }
        known.insert(path);
    }
    if !known.contains(&format!("{DIRECTORY}{directory}/LICENSE")) {
        complaints.push(Complaint::new(LIST, 0, format!("`{directory}` lists no LICENSE")));
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const PLACE: &str = "crates/console/asset/vendor/a@1/";

    fn complaints(script: &str, extra: &[(&str, &str)]) -> Vec<String> {
        let list = format!(
            r#"[{{"name": "a", "version": "1", "licence": "MIT", "directory": "a@1", "files": [
                {{"file": "LICENSE", "sha256": "{OF_ABC}"}},
                {{"file": "a.js", "sha256": "{OF_ABC}"}}]}}]"#
        );
        let (licence, js) = (format!("{PLACE}LICENSE"), format!("{PLACE}a.js"));
        let mut files = vec![(LIST, list.as_str()), (&licence, "abc"), (&js, script)];
        files.extend(extra);
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn unchanged_files_pass() {
        assert_eq!(complaints("abc", &[]), [""; 0]);
    }

    #[test]
    fn an_edit_and_a_stranger_are_named() {
        let found = complaints("abd", &[("crates/console/asset/vendor/b.js", "x")]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("a@1/a.js: has sha256"), "{found:?}");
        assert!(found[1].ends_with("vendor/b.js: is not listed in vendor.json"), "{found:?}");
    }

    #[test]
    fn no_list_is_a_complaint() {
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}
