//! A function fits a screen: at most 70 lines from its signature to its closing brace. Its doc
//! comment and attributes do not count; tests do.

use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use super::Complaint;
use super::source::Source;

/// Lines of one function.
const LINES_MAX: usize = 70;

pub(super) fn check(source: &Source) -> Vec<Complaint> {
    let mut functions = Functions { source, complaints: Vec::new() };
    functions.visit_file(&source.syntax);
    functions.complaints
}

struct Functions<'a> {
    source: &'a Source,
    complaints: Vec<Complaint>,
}

impl Functions<'_> {
    fn measure(&mut self, signature: &Signature, body: &Block) {
        let first = signature.fn_token.span.start().line;
        let last = body.brace_token.span.close().end().line;
        let lines = last + 1 - first;
        if lines > LINES_MAX {
            let name = &signature.ident;
            let what = format!("fn {name} has {lines} lines, at most {LINES_MAX}: split it");
            self.complaints.push(self.source.complain(first, what));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(statements: usize) -> Source {
        let body = "        let _ = \"}\"; // }\n".repeat(statements);
        let text =
            format!("struct S;\nimpl S {{\n    /// Doc.\n    fn long() {{\n{body}    }}\n}}\n");
        Source::of("crates/x/src/lib.rs", &text)
    }

    #[test]
    fn seventy_one_lines_are_one_too_many() {
        assert_eq!(check(&source(68)), []);
        let complaints = check(&source(69));
        let expected = "crates/x/src/lib.rs:4: fn long has 71 lines, at most 70: split it";
        assert_eq!(complaints[0].to_string(), expected);
    }
}
