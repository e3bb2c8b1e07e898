//! What a module offers and what it takes is spelled out: no `pub use x::*`, no `use crate::*`.

use syn::visit::Visit;
use syn::{ItemUse, UseTree, Visibility};

use super::Complaint;
use super::source::Source;

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let mut imports = Imports { source, complaints: Vec::new() };
    imports.visit_file(&source.syntax);
    imports.complaints
}

struct Imports<'a> {
    source: &'a Source,
    complaints: Vec<Complaint>,
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let what = if !matches!(item.vis, Visibility::Inherited) && has_glob(&item.tree) {
            "a glob re-export hides what the module offers: name the items"
        } else if is_whole_crate(&item.tree) {
            "`use crate::*` hides where a name comes from: name the items"
        } else {
            return;
        };
        let line = item.use_token.span.start().line;
        self.complaints.push(self.source.complain(line, what));
    }
}

fn has_glob(tree: &UseTree) -> bool {
    match tree {
        UseTree::Glob(_) => true,
        UseTree::Group(group) => group.items.iter().any(has_glob),
        UseTree::Path(path) => has_glob(&path.tree),
        UseTree::Name(_) | UseTree::Rename(_) => false,
    }
}

fn is_whole_crate(tree: &UseTree) -> bool {
    let UseTree::Path(path) = tree else { return false };
    path.ident == "crate"
        && match &*path.tree {
            UseTree::Glob(_) => true,
            UseTree::Group(group) => {
                group.items.iter().any(|item| matches!(item, UseTree::Glob(_)))
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_globs_that_hide_are_refused() {
        let complaints = |text| check(&Source::of("crates/x/src/lib.rs", text)).len();
        assert_eq!(complaints("pub use a::{b, c::*};"), 1);
        assert_eq!(complaints("pub(crate) use a::*;"), 1);
        assert_eq!(complaints("use crate::*;"), 1);
        assert_eq!(complaints("use crate::{*};"), 1);
        assert_eq!(complaints("mod tests { use super::*; use proptest::prelude::*; }"), 0);
    }
}
