//! A Rust file as the rules read it: its text, its syntax tree, and which lines are tests.

use std::ops::RangeInclusive;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item};

use super::Complaint;
use crate::tree::Tree;

/// One `.rs` file.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) syntax: syn::File,
    /// The lines of items marked `#[cfg(test)]`, attribute and doc comment included.
    pub(super) test_lines: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// Parses a file; a file that is no Rust is a complaint.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Complaint> {
        let syntax = syn::parse_file(text).map_err(|error| {
            Complaint::new(path, error.span().start().line, format!("no Rust: {error}"))
        })?;
        let mut tests = TestItems::default();
        tests.visit_file(&syntax);
        let (path, text) = (path.to_owned(), text.to_owned());
        Ok(Self { path, text, syntax, test_lines: tests.lines })
    }

    /// Whether the file is a test as a whole, by where it lies.
    pub(super) fn is_test_file(&self) -> bool {
        self.path.contains("/tests/")
    }

    /// Whether the line belongs to a test.
    pub(super) fn is_test_line(&self, line: usize) -> bool {
        self.is_test_file() || self.test_lines.iter().any(|range| range.contains(&line))
    }

    /// A complaint about this file.
    pub(super) fn complain(&self, line: usize, what: impl Into<String>) -> Complaint {
        Complaint::new(&self.path, line, what)
    }

    /// Text that must parse, for the tests of the rules.
    #[cfg(test)]
    pub(super) fn of(path: &str, text: &str) -> Self {
        Self::parse(path, text).unwrap()
    }
}

/// Every Rust file of the tree, and a complaint for each that does not parse.
pub(super) fn parse_all(tree: &Tree) -> (Vec<Source>, Vec<Complaint>) {
    let mut sources = Vec::new();
    let mut complaints = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".rs")) {
        match Source::parse(path, text) {
            Ok(source) => sources.push(source),
            Err(complaint) => complaints.push(complaint),
        }
    }
    (sources, complaints)
}

#[derive(Default)]
struct TestItems {
    lines: Vec<RangeInclusive<usize>>,
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_cfg_test) {
            let span = item.span();
            self.lines.push(span.start().line..=span.end().line);
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        if method.attrs.iter().any(is_cfg_test) {
            let span = method.span();
            self.lines.push(span.start().line..=span.end().line);
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_cfg_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_are_told_from_the_rest() {
        let text =
            "fn a() {}\n\n/// Doc.\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = Source::of("crates/x/src/lib.rs", text);
        let tests: Vec<usize> = (1..=8).filter(|line| source.is_test_line(*line)).collect();
        assert_eq!(tests, [3, 4, 5, 6, 7]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_named_with_its_line() {
        let tree = Tree::of(&[("crates/x/src/lib.rs", "fn a() {}\nfn {}\n")]);
        let (sources, complaints) = parse_all(&tree);
        assert!(sources.is_empty());
        assert_eq!((complaints.len(), complaints[0].line), (1, 2));
    }
}
