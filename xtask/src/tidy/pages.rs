//! Whatever can be reported has a page that is its manual and its test: each detector, each check
//! of the posture, and each rule id that the sources name.

use std::collections::BTreeMap;

use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, Lit, LitStr};

use super::Complaint;
use super::source::Source;
use crate::tree::Tree;

/// A directory of sources, one thing per file, and the directory of their pages.
const CATALOGUES: &[(&[&str], &str)] = &[
    (&["crates/inspect/src/detector/"], "crates/inspect/tests/detectors/"),
    (
        &["crates/analysis/src/drift/", "crates/analysis/src/posture/"],
        "crates/analysis/tests/posture/",
    ),
];

pub(super) fn check(tree: &Tree, sources: &[Source]) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (rooms, pages) in CATALOGUES {
        pair_up(tree, rooms, pages, &mut complaints);
    }
    let pages: Vec<&str> =
        tree.texts().filter(|(path, _)| is_page(path)).map(|(_, text)| text).collect();
    for (rule, (path, line)) in named_rules(sources) {
        if !pages.iter().any(|page| page.contains(&rule)) {
            let what = format!("{rule} has no page under crates/*/tests/");
            complaints.push(Complaint::new(&path, line, what));
        }
    }
    complaints
}

/// Complains about each file without a page and each page without a file.
fn pair_up(tree: &Tree, rooms: &[&str], pages: &str, complaints: &mut Vec<Complaint>) {
    for path in tree.files.keys() {
        let code = rooms.iter().find_map(|room| single(path, room, ".rs"));
        if let Some(name) = code.filter(|name| *name != "mod") {
            let page = format!("{pages}{name}.md");
            if !tree.files.contains_key(&page) {
                complaints.push(Complaint::new(path, 0, format!("has no page {page}")));
            }
        }
        if let Some(name) = single(path, pages, ".md").filter(|name| *name != "README") {
            let described = |room: &&str| tree.files.contains_key(&format!("{room}{name}.rs"));
            if !rooms.iter().any(described) {
                let source = format!("{}{name}.rs", rooms.last().unwrap_or(&""));
                complaints.push(Complaint::new(path, 0, format!("describes no {source}")));
            }
        }
    }
}

/// The name of a file right inside a directory, without its ending.
fn single<'a>(path: &'a str, directory: &str, ending: &str) -> Option<&'a str> {
    let name = path.strip_prefix(directory)?.strip_suffix(ending)?;
    (!name.contains('/')).then_some(name)
}

fn is_page(path: &str) -> bool {
    path.starts_with("crates/") && path.contains("/tests/") && path.ends_with(".md")
}

/// Every rule id in shipped code, with the place where it is first named.
fn named_rules(sources: &[Source]) -> BTreeMap<String, (String, usize)> {
    let mut rules = BTreeMap::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/")) {
        if source.is_test_file() {
            continue;
        }
        let mut names = Names::default();
        names.visit_file(&source.syntax);
        for (rule, line) in names.rules {
            if !source.is_test_line(line) {
                rules.entry(rule).or_insert_with(|| (source.path.clone(), line));
            }
        }
    }
    rules
}

/// Collects rule ids from string literals and from `RuleId::new(Family::Auth, 4)`; doc comments and
/// other attributes are left out.
#[derive(Default)]
struct Names {
    rules: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Some(rule) = constructed(call) {
            self.rules.push((rule, call.paren_token.span.open().start().line));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_lit_str(&mut self, literal: &'ast LitStr) {
        let line = literal.span().start().line;
        let text = literal.value();
        let ids =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|w| is_rule(w));
        self.rules.extend(ids.map(|id| (id.to_owned(), line)));
    }
}

/// The id that a call of `RuleId::new` with literal arguments makes.
fn constructed(call: &ExprCall) -> Option<String> {
    let Expr::Path(function) = &*call.func else { return None };
    let mut path = function.path.segments.iter().rev();
    if path.next()?.ident != "new" || path.next()?.ident != "RuleId" {
        return None;
    }
    let mut arguments = call.args.iter();
    let (Some(Expr::Path(family)), Some(Expr::Lit(number))) = (arguments.next(), arguments.next())
    else {
        return None;
    };
    let Lit::Int(number) = &number.lit else { return None };
    let family = family.path.segments.last()?.ident.to_string().to_ascii_uppercase();
    Some(format!("PAL-{family}-{:03}", number.base10_parse::<u16>().ok()?))
}

/// `PAL-`, a family in capitals, `-`, three digits.
fn is_rule(word: &str) -> bool {
    let mut parts = word.split('-');
    let (head, family, number) = (parts.next(), parts.next(), parts.next());
    head == Some("PAL")
        && parts.next().is_none()
        && family.is_some_and(|f| !f.is_empty() && f.bytes().all(|b| b.is_ascii_uppercase()))
        && number.is_some_and(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::parse_all;

    fn complaints(files: &[(&str, &str)]) -> Vec<String> {
        let tree = Tree::of(files);
        let (sources, broken) = parse_all(&tree);
        assert!(broken.is_empty());
        check(&tree, &sources).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_detector_with_its_page_is_complete() {
        let found = complaints(&[
            ("crates/inspect/src/detector/mod.rs", ""),
            ("crates/inspect/src/detector/sql.rs", "const ID: &str = \"PAL-INJ-001\";"),
            ("crates/inspect/tests/detectors/sql.md", "# PAL-INJ-001 sql"),
        ]);
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn what_stands_alone_is_named() {
        let found = complaints(&[
            ("crates/inspect/src/detector/sql.rs", "/// PAL-DOC-001\nfn f() {}"),
            ("crates/analysis/tests/posture/lonely.md", "nothing"),
            ("crates/gateway/src/lib.rs", "const ID: &str = \"see PAL-WIRE-001.\";"),
            ("crates/store/src/lib.rs", "static ID: RuleId = RuleId::new(Family::Auth, 4);"),
        ]);
        let page = "crates/inspect/tests/detectors/sql.md";
        let source = "crates/analysis/src/posture/lonely.rs";
        assert_eq!(
            found,
            [
                format!("crates/inspect/src/detector/sql.rs: has no page {page}"),
                format!("crates/analysis/tests/posture/lonely.md: describes no {source}"),
                "crates/store/src/lib.rs:1: PAL-AUTH-004 has no page under crates/*/tests/".into(),
                "crates/gateway/src/lib.rs:1: PAL-WIRE-001 has no page under crates/*/tests/"
                    .into(),
            ]
        );
    }
}
