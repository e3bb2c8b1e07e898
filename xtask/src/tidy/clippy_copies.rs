//! Clippy reads the nearest `clippy.toml` and merges none, so every core crate has a copy of the
//! strict one. The copies must be equal.

use super::Complaint;
use crate::tree::Tree;

/// The crates without IO, clock, randomness, threads and async.
pub(super) const CORE: &[&str] = &["analysis", "contract", "exchange", "inspect", "policy", "wire"];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let paths = CORE.iter().map(|name| format!("crates/{name}/clippy.toml"));
    let texts: Vec<_> = paths.map(|path| (tree.text(&path).map(str::to_owned), path)).collect();
    let model = texts.iter().find_map(|(text, _)| text.clone());
    let mut complaints = Vec::new();
    for (text, path) in &texts {
        if text.is_none() {
            complaints.push(Complaint::new(path, 0, "missing: copy it from another core crate"));
        } else if *text != model {
            complaints.push(Complaint::new(path, 0, "differs from the other core crates' copies"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_copy_and_a_different_one_are_named() {
        let paths: Vec<String> =
            CORE.iter().map(|name| format!("crates/{name}/clippy.toml")).collect();
        let mut files: Vec<(&str, &str)> =
            paths.iter().map(|path| (path.as_str(), "a = 1\n")).collect();
        assert_eq!(check(&Tree::of(&files)), []);
        files[5].1 = "a = 2\n";
        files.remove(4);
        let named: Vec<String> = check(&Tree::of(&files)).into_iter().map(|c| c.path).collect();
        assert_eq!(named, ["crates/policy/clippy.toml", "crates/wire/clippy.toml"]);
    }
}
