//! What must not be in a tracked file: notes to self, paths outside the repository, and hosts in a
//! lockfile.

use super::{Finding, at};
use crate::repo::Tree;

/// Written in two parts, so that this file passes its own rule.
const NOTES: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
const OUTSIDE: &[&str] = &[concat!("..", "/shared"), concat!("/work", "/shared"), concat!(".lib", "rary")];

const HOSTS: &[&str] = &["\"resolved\": \"https:", "\"resolved\": \"http:"];

/// Source that people write; prose may name the words of this rule.
const SOURCE: &[&str] =
    &["rs", "ts", "svelte", "js", "mjs", "css", "html", "sql", "toml", "yaml", "yml", "sh"];

/// Finds each marker, with its line.
pub fn check(tree: &Tree, is_derived: fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in tree.with_extension(SOURCE).filter(|(name, _)| !is_derived(name)) {
        let message = |word: &str| format!("`{word}`: do it, or open an issue");
        find(name, text, NOTES, message, &mut findings);
    }
    for (name, text) in tree.iter() {
        let message = |word: &str| format!("`{word}` is not part of this repository");
        find(name, text, OUTSIDE, message, &mut findings);
    }
    for (name, text) in tree.iter().filter(|(name, _)| name.ends_with("package-lock.json")) {
        let message = |_: &str| "a lockfile names no host; npm leaves it out by .npmrc".to_owned();
        find(name, text, HOSTS, message, &mut findings);
    }
    findings
}

fn find(
    name: &str,
    text: &str,
    words: &[&str],
    message: impl Fn(&str) -> String,
    findings: &mut Vec<Finding>,
) {
    for (index, line) in text.lines().enumerate() {
        for word in words.iter().filter(|word| has_word(line, word)) {
            findings.push(Finding::new(at(name, index + 1), message(word)));
        }
    }
}

/// Whether the word stands in the line by itself, not as a part of a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_part_of_word) && !after.is_some_and(is_part_of_word)
    })
}

fn is_part_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn found(name: &str, text: &str) -> Vec<String> {
        words(&check(&Tree::from([(name, text)]), |_| false))
    }

    #[test]
    fn notes_to_self_are_found_in_source_only() {
        for note in NOTES {
            let text = format!("fn a() {{}}\n// {note}: later\n");
            let expected = format!("a.rs:2: `{note}`: do it, or open an issue");
            assert_eq!(found("a.rs", &text), [expected]);
            assert!(found("a.md", &text).is_empty());
        }
        assert!(found("a.rs", concat!("const TO", "DOS: u8 = 1;")).is_empty());
    }

    #[test]
    fn paths_outside_are_found_everywhere() {
        for path in OUTSIDE {
            assert_eq!(found("a.md", &format!("see {path}/plan.md")).len(), 1, "{path}");
        }
        assert!(found("a.ts", concat!("book.lib", "rary")).is_empty());
    }

    #[test]
    fn hosts_in_a_lockfile_are_found() {
        let line = "\"resolved\": \"https://host/a.tgz\"";
        assert_eq!(found("web/package-lock.json", line).len(), 1);
        assert!(found("web/package-lock.json", "\"resolved\": \"packages/wire\"").is_empty());
    }
}
