//! `cargo xtask tidy`: the rules of the house that no compiler checks. Each rule is a function from
//! files, or from what cargo knows, to findings; it touches no disk, so its tests are a few lines.

mod dead_files;
mod frames;
mod lengths;
mod licences;
mod markers;
mod rust_source;
mod tiers;
mod wire_integers;

use std::fmt;

use anyhow::{Context, Result, bail};

use crate::process::say;
use crate::repo::Tree;
use crate::{gen_files, metadata, samples};

const EXCEPTIONS: &str = "xtask/tidy-exceptions.toml";
const TIERS: &str = "ARCHITECTURE.md";
const PROTOCOL: &str = "docs/protocol.md";

/// One broken rule, in words that say where and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    at: String,
    message: String,
}

impl Finding {
    fn new(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.message)
    }
}

/// Applies every rule and fails when one has a finding.
pub fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    if !findings.is_empty() {
        bail!("tidy: {} findings", findings.len());
    }
    say("tidy: nothing to complain about");
    Ok(())
}

fn findings() -> Result<Vec<Finding>> {
    let tree = Tree::of_repository()?;
    let everything = metadata::everything()?;
    let members: Vec<_> = everything.members().cloned().collect();
    let exceptions = lengths::Exceptions::parse(tree.get(EXCEPTIONS).unwrap_or_default())
        .with_context(|| format!("{EXCEPTIONS} is not readable"))?;

    let mut findings = lengths::check(&tree, &exceptions, gen_files::is_derived);
    findings.extend(tiers::check(tree.get(TIERS).unwrap_or_default(), &members));
    findings.extend(licences::check(&everything.packages));
    findings.extend(wire_integers::check(&tree));
    findings.extend(dead_files::check(&tree, &members));
    findings.extend(markers::check(&tree, gen_files::is_derived));
    findings.extend(frames::check(&samples::frame_names(&tree), tree.get(PROTOCOL)));
    Ok(findings)
}

/// The line of a finding, as editors understand it.
fn at(name: &str, line: usize) -> String {
    format!("{name}:{line}")
}

/// A parsed Rust file, or the finding that it is none.
fn parse(name: &str, text: &str) -> std::result::Result<syn::File, Finding> {
    syn::parse_file(text)
        .map_err(|error| Finding::new(at(name, error.span().start().line), error.to_string()))
}

/// Findings as they are printed.
#[cfg(test)]
fn words(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_exceptions_is_readable() {
        let text = std::fs::read_to_string(crate::repo::path(EXCEPTIONS)).unwrap();
        lengths::Exceptions::parse(&text).unwrap();
    }
}
