//! The part of `cargo metadata` that the checks read.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::process::{self, cargo};
use crate::repo;

/// What cargo knows about the workspace.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_members: Vec<String>,
    pub target_directory: String,
}

/// A package: ours, or one from outside.
#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub id: String,
    pub license: Option<String>,
    pub manifest_path: String,
    pub dependencies: Vec<Dependency>,
    pub targets: Vec<Target>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Clone, Deserialize)]
pub struct Dependency {
    pub name: String,
    /// `dev`, `build`, or nothing for a normal dependency.
    pub kind: Option<String>,
}

/// A library, binary, test, example or benchmark of a package.
#[derive(Debug, Clone, Deserialize)]
pub struct Target {
    pub src_path: String,
}

impl Metadata {
    /// The packages of this repository.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|it| self.workspace_members.contains(&it.id))
    }
}

impl Package {
    /// The package's folder, from the root of the repository.
    pub fn folder(&self) -> String {
        let manifest = relative(&self.manifest_path);
        manifest.strip_suffix("/Cargo.toml").unwrap_or(&manifest).to_owned()
    }
}

impl Target {
    /// The target's first file, from the root of the repository.
    pub fn file(&self) -> String {
        relative(&self.src_path)
    }
}

impl Dependency {
    /// Whether only tests, examples and benchmarks see it.
    pub fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// The packages of this repository only.
pub fn workspace() -> Result<Metadata> {
    load(&["--no-deps"])
}

/// Every package of the dependency graph, for any platform.
pub fn everything() -> Result<Metadata> {
    load(&["--all-features"])
}

fn load(arguments: &[&str]) -> Result<Metadata> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1"]).args(arguments);
    serde_json::from_str(&process::read(&mut command)?).context("cargo metadata is not readable")
}

fn relative(path: &str) -> String {
    let path = Path::new(path);
    let relative = path.strip_prefix(repo::root()).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}
