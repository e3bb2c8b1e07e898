//! A serializable type is a promise to somebody outside, so such types live in few places.

use syn::visit::{self, Visit};
use syn::{Attribute, ItemImpl, Path};

use super::Complaint;
use super::source::Source;

/// Where a type may be serializable, as the beginning of its path, and who reads it there.
const PLACES: &[(&str, &str)] = &[
    ("crates/analysis/src/", "what was learned and found: the store keeps it"),
    ("crates/console/src/api", "the JSON API"),
    ("crates/console/src/live", "what the pages' script is told"),
    ("crates/console/src/page/", "queries and forms that the pages send, chart data"),
    ("crates/exchange/src/", "an Observation and its parts: the journal keeps them; recordings"),
    ("crates/palisade/src/report", "what `analyze` prints"),
    ("crates/policy/src/document", "the file that an operator writes"),
];

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    if source.is_test_file() || PLACES.iter().any(|(place, _)| source.path.starts_with(place)) {
        return Vec::new();
    }
    let mut types = Types { source, complaints: Vec::new() };
    types.visit_file(&source.syntax);
    types.complaints
}

struct Types<'a> {
    source: &'a Source,
    complaints: Vec<Complaint>,
}

impl Types<'_> {
    fn complain(&mut self, line: usize) {
        if !self.source.is_test_line(line) {
            let what = "a serializable type outside the places for them (xtask tidy, serializable)";
            self.complaints.push(self.source.complain(line, what));
        }
    }
}

impl<'ast> Visit<'ast> for Types<'_> {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let mut serde = false;
        if attribute.path().is_ident("derive") {
            let each = attribute.parse_nested_meta(|meta| {
                serde |= is_serde(&meta.path);
                Ok(())
            });
            serde &= each.is_ok();
        }
        if serde {
            self.complain(attribute.pound_token.span.start().line);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if item.trait_.as_ref().is_some_and(|(_, path, _)| is_serde(path)) {
            self.complain(item.impl_token.span.start().line);
        }
        visit::visit_item_impl(self, item);
    }
}

fn is_serde(path: &Path) -> bool {
    path.segments
        .last()
        .is_some_and(|last| last.ident == "Serialize" || last.ident == "Deserialize")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derives_and_impls_are_found_outside_the_places() {
        let complaints = |path, text| check(&Source::of(path, text)).len();
        let derive = "#[derive(Debug, serde::Serialize)]\nstruct S;";
        let by_hand = "impl<'de> Deserialize<'de> for S {}";
        assert_eq!(complaints("crates/inspect/src/view.rs", derive), 1);
        assert_eq!(complaints("crates/inspect/src/view.rs", by_hand), 1);
        assert_eq!(complaints("crates/policy/src/document.rs", derive), 0);
        assert_eq!(complaints("crates/inspect/src/view.rs", "#[derive(Debug)]\nstruct S;"), 0);
        let in_test = "#[cfg(test)]\nmod tests {\n#[derive(Serialize)]\nstruct S;\n}";
        assert_eq!(complaints("crates/inspect/src/view.rs", in_test), 0);
    }
}
