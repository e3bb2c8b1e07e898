//! The repository speaks of itself only: no path of one person's machine, no registry's host.

use super::Complaint;
use crate::tree::Tree;

/// Put together here so that this file does not find itself.
const MARKS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tm", "p/"),
    concat!("/Us", "ers/"),
    concat!("registry.", "npmjs"),
    concat!("deb.", "debian"),
    concat!("static.", "crates"),
    concat!("index.", "crates"),
    concat!("files.", "pythonhosted"),
];

/// Where such a path may stand because traffic contains it.
const PAYLOADS: &[(&str, &str)] = &[
    ("crates/inspect/src/detector/", "what attackers ask for"),
    ("crates/inspect/tests/", "pages of attacks"),
    ("crates/palisade/src/demo/", "planted attacks"),
];

pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (path, text) in tree.texts() {
        if path == "Cargo.lock" || PAYLOADS.iter().any(|(place, _)| path.starts_with(place)) {
            continue;
        }
        for (words, line) in text.lines().zip(1..) {
            if let Some(mark) = MARKS.iter().find(|mark| begins_a_path(words, mark)) {
                let what = format!("`{mark}` is about one machine, not about the project");
                complaints.push(Complaint::new(path, line, what));
            }
        }
    }
    complaints
}

/// Whether the mark stands there by itself: `/x/` inside a longer path or URL is somebody's route.
fn begins_a_path(words: &str, mark: &str) -> bool {
    words.match_indices(mark).any(|(at, _)| {
        let before = words.get(..at).and_then(|before| before.chars().next_back());
        !mark.starts_with('/')
            || before.is_none_or(|c| !c.is_alphanumeric() && !"}*._-".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_hosts_are_found_and_routes_are_not() {
        let path = concat!("see /ho", "me/ann/notes\n");
        let route = concat!("GET /v1/ho", "me/ann\nGET {base}/ho", "me/\n");
        let host = concat!("from https://registry.", "npmjs.org\n");
        assert_eq!(check(&Tree::of(&[("README.md", path)])).len(), 1);
        assert_eq!(check(&Tree::of(&[("README.md", host)])).len(), 1);
        assert_eq!(check(&Tree::of(&[("README.md", route)])), []);
        assert_eq!(check(&Tree::of(&[("crates/inspect/src/detector/a.rs", path)])), []);
    }
}
