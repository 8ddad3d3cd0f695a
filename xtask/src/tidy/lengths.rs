//! Files of at most 600 lines, functions of at most 70. What is longer is listed with a reason.
//! Functions in TypeScript are measured by eslint, which knows them.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::rust_source::functions;
use super::{Finding, at, parse};
use crate::repo::Tree;

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

const SOURCE: &[&str] = &["rs", "ts", "svelte", "js", "mjs", "css", "sql"];

/// What may be longer, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    #[serde(default, rename = "file")]
    files: Vec<LongFile>,
    #[serde(default, rename = "function")]
    functions: Vec<LongFunction>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongFile {
    path: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LongFunction {
    path: String,
    name: String,
    reason: String,
}

impl Exceptions {
    /// Reads the list; an exception without a reason is not readable.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let exceptions: Self = toml::from_str(text)?;
        let reasons = exceptions.files.iter().map(|it| &it.reason);
        let reasons = reasons.chain(exceptions.functions.iter().map(|it| &it.reason));
        for reason in reasons {
            anyhow::ensure!(!reason.trim().is_empty(), "an exception has an empty reason");
        }
        Ok(exceptions)
    }
}

/// Finds what is too long without an exception, and exceptions that are not needed.
pub fn check(tree: &Tree, exceptions: &Exceptions, is_derived: fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    let sources = tree.with_extension(SOURCE).filter(|(name, _)| !is_derived(name));
    for (name, text) in sources {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            if exceptions.files.iter().any(|it| it.path == name) {
                used.insert(name.to_owned());
            } else {
                let message = format!("{lines} lines; {FILE_LINES_MAX} is the limit of a file");
                findings.push(Finding::new(name, message));
            }
        }
        if is_rust(name) {
            check_functions(name, text, exceptions, &mut used, &mut findings);
        }
    }
    findings.extend(unused(exceptions, &used));
    findings
}

fn check_functions(
    name: &str,
    text: &str,
    exceptions: &Exceptions,
    used: &mut BTreeSet<String>,
    findings: &mut Vec<Finding>,
) {
    let file = match parse(name, text) {
        Ok(file) => file,
        Err(finding) => return findings.push(finding),
    };
    for function in functions(&file).into_iter().filter(|it| it.lines > FUNCTION_LINES_MAX) {
        if exceptions.functions.iter().any(|it| it.path == name && it.name == function.name) {
            used.insert(format!("{name} {}", function.name));
            continue;
        }
        let message = format!(
            "`{}` has {} lines; {FUNCTION_LINES_MAX} is the limit of a function",
            function.name, function.lines
        );
        findings.push(Finding::new(at(name, function.line), message));
    }
}

fn unused(exceptions: &Exceptions, used: &BTreeSet<String>) -> Vec<Finding> {
    let files = exceptions.files.iter().map(|it| it.path.clone());
    let functions = exceptions.functions.iter().map(|it| format!("{} {}", it.path, it.name));
    files
        .chain(functions)
        .filter(|it| !used.contains(it))
        .map(|it| Finding::new(super::EXCEPTIONS, format!("`{it}` needs no exception any more")))
        .collect()
}

fn is_rust(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn none(_: &str) -> bool {
        false
    }

    fn long_function() -> String {
        format!("fn long() {{\n{}}}\n", "    a();\n".repeat(FUNCTION_LINES_MAX))
    }

    #[test]
    fn a_long_file_is_found_in_every_language() {
        let long = "//\n".repeat(FILE_LINES_MAX + 1);
        let fits = "//\n".repeat(FILE_LINES_MAX);
        let tree = Tree::from([("a.rs", &*long), ("b.ts", &*long), ("c.svelte", &*long), ("d.rs", &*fits)]);
        let found = words(&check(&tree, &Exceptions::default(), none));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "a.rs: 601 lines; 600 is the limit of a file");
    }

    #[test]
    fn a_long_function_is_found_in_a_test_module_too() {
        let text = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", long_function());
        let tree = Tree::from([("a.rs", &*text)]);
        let found = words(&check(&tree, &Exceptions::default(), none));
        assert_eq!(found, ["a.rs:3: `long` has 72 lines; 70 is the limit of a function"]);
    }

    #[test]
    fn derived_files_may_be_long() {
        let long = "//\n".repeat(FILE_LINES_MAX + 1);
        let tree = Tree::from([("a.ts", &*long)]);
        assert!(check(&tree, &Exceptions::default(), |_| true).is_empty());
    }

    #[test]
    fn an_exception_excuses_and_a_stale_one_is_found() {
        let list = "[[function]]\npath = \"a.rs\"\nname = \"long\"\nreason = \"a table\"\n";
        let exceptions = Exceptions::parse(list).unwrap();
        let needed = Tree::from([("a.rs", &*long_function())]);
        assert!(check(&needed, &exceptions, none).is_empty());
        let stale = Tree::from([("a.rs", "fn long() {}\n")]);
        let found = words(&check(&stale, &exceptions, none));
        assert_eq!(found, ["xtask/tidy-exceptions.toml: `a.rs long` needs no exception any more"]);
    }

    #[test]
    fn an_exception_needs_a_reason() {
        assert!(Exceptions::parse("[[file]]\npath = \"a.rs\"\n").is_err());
        assert!(Exceptions::parse("[[file]]\npath = \"a.rs\"\nreason = \" \"\n").is_err());
    }

    #[test]
    fn rust_that_does_not_parse_is_found() {
        let tree = Tree::from([("a.rs", "fn {")]);
        assert_eq!(check(&tree, &Exceptions::default(), none).len(), 1);
    }
}
