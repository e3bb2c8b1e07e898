//! Base paths: what stands before every path, from the URLs of `servers`. Hosts are ignored, since
//! a request is matched after its host has chosen the service.

use std::collections::BTreeSet;

use super::refs::At;
use crate::error::Report;

/// Base paths of one list of servers. Variables with many values multiply.
const BASES_MAX: usize = 32;

/// The base paths that a list of servers gives, without a slash at the end; the first is that of
/// the first server. `None` when there is no such list.
pub(super) fn bases(holder: At<'_>, report: &mut Report) -> Option<Vec<String>> {
    let servers = holder.get("servers")?;
    if servers.node.as_list().is_none() {
        report.error(servers.defect(
            format!("{} as `servers`", servers.node.kind()),
            "a list of servers",
            "write `servers:` and below it `- url: /base/path`",
        ));
    }
    let mut bases: Vec<String> = Vec::new();
    for server in servers.elements() {
        let Some(url) = server.node.text("url") else {
            report.warn(
                "server",
                server.defect("a server without `url`", "a URL", "add it or remove the server"),
            );
            continue;
        };
        for url in expanded(server, url) {
            let base = path_of(&url);
            if !bases.contains(&base) && bases.len() < BASES_MAX {
                bases.push(base);
            }
        }
    }
    (!bases.is_empty()).then_some(bases)
}

/// The URL with every combination of the values that its variables may have, the defaults first.
fn expanded(server: At<'_>, url: &str) -> Vec<String> {
    let mut urls = vec![url.to_owned()];
    for (name, variable) in server.get("variables").into_iter().flat_map(At::members) {
        let placeholder = format!("{{{name}}}");
        let default = variable.node.text("default").unwrap_or_default();
        let others = variable.get("enum").into_iter().flat_map(At::elements);
        let values: Vec<_> = std::iter::once(default)
            .chain(others.filter_map(|value| value.node.as_text()).filter(|it| *it != default))
            .collect();
        let mut seen = BTreeSet::new();
        urls = values
            .iter()
            .flat_map(|value| urls.iter().map(|url| url.replace(&placeholder, value)))
            .filter(|url| seen.insert(path_of(url)))
            .take(BASES_MAX)
            .collect();
    }
    urls
}

/// The path of a URL, absolute or relative, without a slash at the end.
fn path_of(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let path = match url.split_once("://").or_else(|| url.split_once("//")) {
        Some((_, behind)) => behind.split_once('/').map_or("", |(_, path)| path),
        // without a scheme, `api.example.com/v1` and `localhost:8080` are hosts all the same
        None if !url.starts_with(['/', '.']) => {
            let (first, rest) = url.split_once('/').unwrap_or((url, ""));
            if first.contains(['.', ':', '{']) { rest } else { url }
        }
        None => url.trim_start_matches('.'),
    };
    let path = path.trim_matches('/');
    if path.is_empty() { String::new() } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn paths_of_server_urls() {
        let cases = [
            ("https://api.example.com/v1/", "/v1"),
            ("https://api.example.com", ""),
            ("//api.example.com/v1", "/v1"),
            ("{scheme}://{host}:{port}/a/b", "/a/b"),
            ("/v2", "/v2"),
            ("v2", "/v2"),
            ("./v2", "/v2"),
            ("/", ""),
            ("", ""),
            ("localhost:8080", ""),
            ("api.example.com/v3?x=1", "/v3"),
        ];
        for (url, path) in cases {
            assert_eq!(path_of(url), path, "{url}");
        }
    }
}
