//! What is linked into what, out of `cargo metadata`; what only tests or builds use is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A crate's name and version.
pub(super) type Release<'a> = (&'a str, &'a str);

/// The graph of shipped crates, by package id.
pub(super) struct Graph<'a> {
    nodes: BTreeMap<&'a str, (Release<'a>, Vec<&'a str>)>,
}

impl<'a> Graph<'a> {
    pub(super) fn shipped(metadata: &'a Value) -> Self {
        let mut nodes = BTreeMap::new();
        for package in metadata["packages"].as_array().into_iter().flatten() {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            nodes.insert(text("id"), ((text("name"), text("version")), Vec::new()));
        }
        for node in metadata["resolve"]["nodes"].as_array().into_iter().flatten() {
            let Some((_, links)) = node["id"].as_str().and_then(|id| nodes.get_mut(id)) else {
                continue;
            };
            for dependency in node["deps"].as_array().into_iter().flatten() {
                let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
                if kinds.any(|kind| kind["kind"].is_null()) {
                    links.extend(dependency["pkg"].as_str());
                }
            }
        }
        Self { nodes }
    }

    /// Everything linked into the packages of a name.
    pub(super) fn linked_into(&self, name: &str) -> BTreeSet<Release<'a>> {
        let named = self.nodes.iter().filter(|(_, ((one, _), _))| *one == name);
        named.flat_map(|(id, _)| self.reachable(id)).collect()
    }

    /// Everything reachable from a package, itself included.
    pub(super) fn reachable(&self, from: &str) -> BTreeSet<Release<'a>> {
        let mut releases = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some((release, links)) = open.pop().and_then(|id| self.nodes.get(id)) {
            releases.insert(*release);
            open.extend(links.iter().filter(|id| seen.insert(**id)));
        }
        releases
    }
}
