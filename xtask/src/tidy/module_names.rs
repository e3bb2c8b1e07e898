//! No junk drawers: a module or crate is named after what is in it.

use syn::visit::{self, Visit};

use super::Complaint;
use super::source::Source;

const FORBIDDEN: &[&str] =
    &["base", "common", "core", "helper", "helpers", "misc", "shared", "types"];

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let stem = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    let mut drawers = Drawers { source, complaints: Vec::new() };
    for part in stem.split('/').filter(|part| is_forbidden(part)) {
        drawers.complain(0, part);
    }
    drawers.visit_file(&source.syntax);
    drawers.complaints
}

fn is_forbidden(name: &str) -> bool {
    name.starts_with("util") || FORBIDDEN.contains(&name)
}

struct Drawers<'a> {
    source: &'a Source,
    complaints: Vec<Complaint>,
}

impl Drawers<'_> {
    fn complain(&mut self, line: usize, name: &str) {
        let what = format!("`{name}` says nothing: name the module after what is in it");
        self.complaints.push(self.source.complain(line, what));
    }
}

impl<'ast> Visit<'ast> for Drawers<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let name = module.ident.to_string();
        if module.content.is_some() && is_forbidden(&name) {
            self.complain(module.ident.span().start().line, &name);
        }
        visit::visit_item_mod(self, module);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_directories_and_inline_modules_are_named() {
        let complaints = |path, text| check(&Source::of(path, text)).len();
        assert_eq!(complaints("crates/x/src/utils.rs", ""), 1);
        assert_eq!(complaints("crates/x/src/common/mod.rs", ""), 1);
        assert_eq!(complaints("crates/x/src/lib.rs", "mod a { mod helpers {} }"), 1);
        assert_eq!(complaints("crates/x/src/score.rs", "mod tests {}"), 0);
    }
}
