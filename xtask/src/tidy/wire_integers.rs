//! No 64-bit integers on the wire: JavaScript reads them as doubles and loses the low bits.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Finding, at, parse};
use crate::repo::Tree;

const FOLDER: &str = "crates/wire/src";
const BANNED: &[&str] = &["u64", "i64", "usize", "isize", "u128", "i128"];

/// Finds public fields of structs, and fields of enums, whose type holds a wide integer.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in tree.rust_below(FOLDER) {
        match parse(name, text) {
            Ok(file) => Fields { name, findings: &mut findings }.visit_file(&file),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

struct Fields<'a> {
    name: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Fields<'_> {
    fn check(&mut self, field: &syn::Field) {
        let mut integers = Integers::default();
        integers.visit_type(&field.ty);
        for integer in integers.found {
            let message = format!("`{integer}` on the wire; use a string, u32, or a capped type");
            self.findings.push(Finding::new(at(self.name, field.span().start().line), message));
        }
    }
}

impl<'ast> Visit<'ast> for Fields<'_> {
    fn visit_item_struct(&mut self, node: &'ast syn::ItemStruct) {
        for field in &node.fields {
            if !matches!(field.vis, syn::Visibility::Inherited) {
                self.check(field);
            }
        }
        visit::visit_item_struct(self, node);
    }

    fn visit_variant(&mut self, node: &'ast syn::Variant) {
        for field in &node.fields {
            self.check(field);
        }
        visit::visit_variant(self, node);
    }
}

#[derive(Default)]
struct Integers {
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Integers {
    fn visit_path(&mut self, node: &'ast syn::Path) {
        if let Some(word) = node.segments.last().map(|it| it.ident.to_string())
            && BANNED.contains(&word.as_str())
        {
            self.found.push(word);
        }
        visit::visit_path(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn found(text: &str) -> Vec<String> {
        words(&check(&Tree::from([("crates/wire/src/a.rs", text)])))
    }

    #[test]
    fn wide_integers_are_found_inside_other_types() {
        let text = "pub struct A {\n    pub at: u64,\n    pub many: Vec<Option<std::primitive::i64>>,\n}\n\
                    pub enum B {\n    C(usize),\n}\n";
        let found = found(text);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("crates/wire/src/a.rs:2: `u64` on the wire"), "{found:?}");
    }

    #[test]
    fn private_fields_and_small_integers_pass() {
        assert!(found("pub struct Capped(u64);\npub struct A { pub n: u32, seen: usize }\n").is_empty());
    }

    #[test]
    fn other_crates_may_count_as_they_like() {
        let tree = Tree::from([("crates/hub/src/a.rs", "pub struct A { pub n: u64 }")]);
        assert!(check(&tree).is_empty());
    }
}
