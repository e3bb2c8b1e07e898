//! Reference resolution of RFC 3986 section 5.2, for the identifiers of schemas. Nothing here is
//! ever fetched.

/// The parts of a reference (RFC 3986 appendix B); the fragment has been split off before.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

/// `reference` as it is meant in a document named `base`, without its fragment, and the fragment.
pub(super) fn join<'r>(base: &str, reference: &'r str) -> (String, &'r str) {
    let (reference, fragment) = reference.split_once('#').unwrap_or((reference, ""));
    if reference.is_empty() {
        return (base.to_owned(), fragment);
    }
    let to = split(reference);
    let from = split(base);
    let parts = if to.scheme.is_some() {
        return (written(to.scheme, to.authority, &tidied(to.path), to.query), fragment);
    } else if to.authority.is_some() {
        (to.authority, tidied(to.path), to.query)
    } else if to.path.is_empty() {
        (from.authority, from.path.to_owned(), to.query.or(from.query))
    } else if to.path.starts_with('/') {
        (from.authority, tidied(to.path), to.query)
    } else {
        let folder = match from.path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/"),
            None if from.authority.is_some() => "/".to_owned(),
            None => String::new(),
        };
        (from.authority, tidied(&format!("{folder}{}", to.path)), to.query)
    };
    (written(from.scheme, parts.0, &parts.1, parts.2), fragment)
}

fn split(text: &str) -> Parts<'_> {
    let scheme = text.split_once(':').filter(|(name, _)| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it))
    });
    let (scheme, rest) = scheme.map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    let Some(behind) = rest.strip_prefix("//") else {
        return Parts { scheme, authority: None, path: rest, query };
    };
    let end = behind.find('/').unwrap_or(behind.len());
    let (authority, path) = behind.split_at(end);
    Parts { scheme, authority: Some(authority), path, query }
}

fn written(
    scheme: Option<&str>,
    authority: Option<&str>,
    path: &str,
    query: Option<&str>,
) -> String {
    let mut out = String::new();
    if let Some(scheme) = scheme {
        out.push_str(scheme);
        out.push(':');
    }
    if let Some(authority) = authority {
        out.push_str("//");
        out.push_str(authority);
    }
    out.push_str(path);
    if let Some(query) = query {
        out.push('?');
        out.push_str(query);
    }
    out
}

/// The path without `.` and `..` (section 5.2.4).
fn tidied(path: &str) -> String {
    if !path.contains("./") && !path.ends_with('.') {
        return path.to_owned();
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    let mut folder = false;
    for part in path.split('/').skip(usize::from(absolute)) {
        folder = matches!(part, "." | "..");
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let mut out = if absolute { "/".to_owned() } else { String::new() };
    out.push_str(&parts.join("/"));
    if folder && !parts.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let cases = [
            ("http://a/b/c/d?q", "g", "http://a/b/c/g"),
            ("http://a/b/c/d?q", "./g", "http://a/b/c/g"),
            ("http://a/b/c/d?q", "../../g", "http://a/g"),
            ("http://a/b/c/d?q", "../..", "http://a/"),
            ("http://a/b/c/d?q", "/g", "http://a/g"),
            ("http://a/b/c/d?q", "//g", "http://g"),
            ("http://a/b/c/d?q", "?y", "http://a/b/c/d?y"),
            ("http://a/b/c/d?q", "#s", "http://a/b/c/d?q"),
            ("http://a", "g", "http://a/g"),
            ("", "g/h", "g/h"),
            ("urn:uuid:1", "#a", "urn:uuid:1"),
            ("http://a/b", "urn:x:y", "urn:x:y"),
        ];
        for (base, reference, expected) in cases {
            assert_eq!(join(base, reference).0, expected, "{reference}");
        }
    }
}
