//! The repository as files: where it is, and what is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{metadata, process};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A path from the root of the repository.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// Where `cargo build` leaves the server.
pub fn server_binary() -> Result<PathBuf> {
    built("callbox")
}

/// Where it leaves the server whose clock tests move.
pub fn clock_server_binary() -> Result<PathBuf> {
    built("callbox-with-clock")
}

fn built(name: &str) -> Result<PathBuf> {
    let folder = metadata::workspace()?.target_directory;
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(Path::new(&folder).join("debug").join(name))
}

/// Text files by their path from the root, with `/` between folders.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Every text file that git tracks or would track. Whoever forgot `git add` is checked too.
    pub fn of_repository() -> Result<Self> {
        let mut command = Command::new("git");
        command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = process::read(command.current_dir(root()))?;
        let mut files = BTreeMap::new();
        for name in listed.split('\0').filter(|it| !it.is_empty()) {
            // A deleted file that is still in the index, or a picture: nothing to read.
            if let Ok(text) = std::fs::read_to_string(path(name)) {
                files.insert(name.to_owned(), text);
            }
        }
        Ok(Self { files })
    }

    /// The files at or below these paths, whether git knows them or not.
    pub fn below(paths: &[&str]) -> Result<Self> {
        let mut files = BTreeMap::new();
        for name in paths {
            collect(&path(name), name, &mut files)?;
        }
        Ok(Self { files })
    }

    /// The text of one file.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// All files in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The files whose names end in one of these extensions.
    pub fn with_extension(&self, extensions: &[&str]) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter(|(name, _)| {
            let extension = name.rsplit_once('.').map_or("", |(_, it)| it);
            extensions.contains(&extension)
        })
    }

    /// The files below a folder, named from there.
    pub fn inside(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("{folder}/");
        self.iter().filter_map(move |(name, text)| Some((name.strip_prefix(&prefix)?, text)))
    }

    /// The Rust files below a folder.
    pub fn rust_below(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        let prefix = format!("{folder}/");
        self.with_extension(&["rs"]).filter(move |(name, _)| name.starts_with(&prefix))
    }

    /// The names of the files that are not the same in the other tree.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut names: Vec<_> = self.files.keys().chain(other.files.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.files.get(name) != other.files.get(name));
        names
    }

    /// Writes every file where it belongs.
    pub fn write(&self) -> Result<()> {
        for (name, text) in &self.files {
            write(name, text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    fn from(files: [(&str, &str); N]) -> Self {
        let files = files.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Self { files: files.into() }
    }
}

/// Writes one file, and the folders above it.
pub fn write(name: &str, text: &str) -> Result<()> {
    let target = path(name);
    if let Some(folder) = target.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&target, text).with_context(|| format!("{name} cannot be written"))
}

fn collect(at: &Path, name: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    if at.is_dir() {
        for entry in std::fs::read_dir(at)? {
            let entry = entry?;
            let below = format!("{name}/{}", entry.file_name().to_string_lossy());
            collect(&entry.path(), &below, files)?;
        }
    } else if at.is_file() {
        let text = std::fs::read_to_string(at).with_context(|| format!("{name} is not text"))?;
        files.insert(name.to_owned(), text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_name_changed_added_and_removed_files() {
        let before = Tree::from([("a", "1"), ("b", "1"), ("c", "1")]);
        let after = Tree::from([("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(before.differences(&after), ["b", "c", "d"]);
    }

    #[test]
    fn inside_names_files_from_the_folder() {
        let tree = Tree::from([("web/a/b.ts", "x"), ("webb/c.ts", "y")]);
        assert_eq!(tree.inside("web").collect::<Vec<_>>(), [("a/b.ts", "x")]);
    }
}
