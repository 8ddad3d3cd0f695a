//! Every Rust file is reached from a target by `mod` declarations: a file that nobody compiles only
//! looks as if it did something.

use std::collections::BTreeSet;

use super::Finding;
use crate::metadata::Package;
use crate::repo::Tree;

/// Finds the files below each package's `src` that no target reaches.
pub fn check(tree: &Tree, members: &[Package]) -> Vec<Finding> {
    let mut reached = BTreeSet::new();
    for target in members.iter().flat_map(|it| &it.targets) {
        let file = target.file();
        let folder = parent(&file).to_owned();
        follow(tree, &file, &folder, &mut reached);
    }
    let mut findings = Vec::new();
    for source in members.iter().map(|it| format!("{}/src", it.folder())) {
        for (name, _) in tree.rust_below(&source) {
            if !reached.contains(name) {
                findings.push(Finding::new(name, "no `mod` declaration reaches this file"));
            }
        }
    }
    findings
}

/// Notes a file and everything that its modules name. `folder` is where its child modules live.
fn follow(tree: &Tree, file: &str, folder: &str, reached: &mut BTreeSet<String>) {
    let Some(text) = tree.get(file) else { return };
    if !reached.insert(file.to_owned()) {
        return;
    }
    // A file that does not parse is another rule's finding.
    if let Ok(parsed) = syn::parse_file(text) {
        follow_items(tree, &parsed.items, parent(file), folder, reached);
    }
}

/// `beside` is the folder that `#[path]` starts from, `folder` the one of child modules.
fn follow_items(
    tree: &Tree,
    items: &[syn::Item],
    beside: &str,
    folder: &str,
    reached: &mut BTreeSet<String>,
) {
    for item in items {
        let syn::Item::Mod(module) = item else {
            continue;
        };
        let below = format!("{folder}/{}", module.ident);
        if let Some((_, items)) = &module.content {
            follow_items(tree, items, &below, &below, reached);
        } else if let Some(path) = path_attribute(module) {
            let file = normalised(&format!("{beside}/{path}"));
            let folder = parent(&file).to_owned();
            follow(tree, &file, &folder, reached);
        } else {
            follow(tree, &format!("{below}.rs"), &below, reached);
            follow(tree, &format!("{below}/mod.rs"), &below, reached);
        }
    }
}

/// The value of `#[path = "…"]`.
fn path_attribute(module: &syn::ItemMod) -> Option<String> {
    module.attrs.iter().find_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        let syn::Expr::Lit(literal) = &pair.value else {
            return None;
        };
        let syn::Lit::Str(text) = &literal.lit else {
            return None;
        };
        pair.path.is_ident("path").then(|| text.value())
    })
}

/// The path without `.` and `..`.
fn normalised(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

fn parent(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;
    use crate::metadata::Target;

    fn package() -> Package {
        let target = |path: &str| Target { src_path: path.to_owned() };
        Package {
            name: "callbox-a".to_owned(),
            version: String::new(),
            id: String::new(),
            license: None,
            manifest_path: "crates/a/Cargo.toml".to_owned(),
            dependencies: Vec::new(),
            targets: vec![target("crates/a/src/lib.rs"), target("crates/a/tests/it.rs")],
        }
    }

    #[test]
    fn a_file_without_a_declaration_is_found() {
        let tree = Tree::from([
            ("crates/a/src/lib.rs", "mod b;\npub mod inline { mod deep; }\n"),
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod c;\n"),
            ("crates/a/src/b/c.rs", ""),
            ("crates/a/src/b/forgotten.rs", ""),
            ("crates/a/src/inline/deep.rs", ""),
            ("crates/a/src/alone.rs", ""),
        ]);
        let found = words(&check(&tree, &[package()]));
        let expected = ["alone.rs", "b/forgotten.rs"]
            .map(|it| format!("crates/a/src/{it}: no `mod` declaration reaches this file"));
        assert_eq!(found, expected);
    }

    #[test]
    fn folders_and_path_attributes_are_followed() {
        let tree = Tree::from([
            ("crates/a/src/lib.rs", "mod d;\n"),
            ("crates/a/src/d/mod.rs", "mod e;\n"),
            ("crates/a/src/d/e.rs", ""),
            ("crates/a/src/shared.rs", ""),
            ("crates/a/tests/it.rs", "#[path = \"../src/shared.rs\"]\nmod shared;\n"),
        ]);
        assert!(check(&tree, &[package()]).is_empty());
    }
}
