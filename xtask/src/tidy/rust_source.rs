//! What the rules read from Rust source: functions with their lengths.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A function and the lines from its signature to its closing brace.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// Every function of a file: free, method, nested, in a test module or in a macro's body.
pub fn functions(file: &syn::File) -> Vec<Function> {
    let mut collector = Collector::default();
    collector.visit_file(file);
    collector.functions
}

#[derive(Default)]
struct Collector {
    functions: Vec<Function>,
}

impl Collector {
    fn add(&mut self, name: &proc_macro2::Ident, start: usize, end: usize) {
        self.functions.push(Function {
            name: name.to_string(),
            line: start,
            lines: end.saturating_sub(start) + 1,
        });
    }

    /// Macros such as `proptest!` hold functions that are no Rust syntax yet.
    fn add_from_tokens(&mut self, tokens: TokenStream) {
        let mut open: Option<(proc_macro2::Ident, usize)> = None;
        let mut keyword: Option<usize> = None;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if word == "fn" => keyword = Some(word.span().start().line),
                TokenTree::Ident(word) => {
                    if let Some(line) = keyword.take() {
                        open = Some((word, line));
                    }
                }
                TokenTree::Group(group) => {
                    if group.delimiter() == Delimiter::Brace
                        && let Some((name, line)) = open.take()
                    {
                        self.add(&name, line, group.span_close().end().line);
                    }
                    self.add_from_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        let start = node.sig.span().start().line;
        self.add(&node.sig.ident, start, node.block.span().end().line);
        visit::visit_item_fn(self, node);
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        let start = node.sig.span().start().line;
        self.add(&node.sig.ident, start, node.block.span().end().line);
        visit::visit_impl_item_fn(self, node);
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        if let Some(block) = &node.default {
            let start = node.sig.span().start().line;
            self.add(&node.sig.ident, start, block.span().end().line);
        }
        visit::visit_trait_item_fn(self, node);
    }

    fn visit_macro(&mut self, node: &'ast syn::Macro) {
        self.add_from_tokens(node.tokens.clone());
        visit::visit_macro(self, node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize)> {
        let file = syn::parse_file(text).unwrap();
        functions(&file).into_iter().map(|it| (it.name, it.lines)).collect()
    }

    #[test]
    fn functions_are_found_wherever_they_are() {
        let text = "/// Documented.\n#[inline]\npub fn free(\n    a: u8,\n) {\n    fn nested() {}\n}\n\
                    impl A {\n    fn method(&self) {\n    }\n}\n\
                    trait B {\n    fn required();\n    fn provided() {\n    }\n}\n\
                    #[cfg(test)]\nmod tests {\n    fn tested() {}\n}\n";
        let expected = [("free", 5), ("nested", 1), ("method", 2), ("provided", 2), ("tested", 1)];
        assert_eq!(found(text), expected.map(|(name, lines)| (name.to_owned(), lines)));
    }

    #[test]
    fn functions_in_macros_are_found() {
        let text =
            "proptest! {\n    #[test]\n    fn holds(a in 0..3u8) {\n        let b = { a };\n    }\n}\n";
        assert_eq!(found(text), [("holds".to_owned(), 3)]);
    }
}
