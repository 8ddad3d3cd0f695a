//! The npm workspace in `web/`: Node, its packages, and a browser for the tests.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{self, ask, find_program, say};
use crate::{debian, repo};

/// The oldest Node that the web tools run on.
const NODE_MIN: (u32, u32) = (20, 19);

/// The lockfile that `node_modules` was installed from, kept beside what it describes.
const INSTALLED: &str = "web/node_modules/.installed-lock.json";
const LOCKFILE: &str = "web/package-lock.json";

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// An npm command in `web/`.
pub fn npm<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.current_dir(repo::path("web")).args(arguments);
    command
}

/// Fails with one clear line when Node is missing or too old.
pub fn require_node() -> Result<()> {
    let (major, minor) = NODE_MIN;
    let Some(version) = ask("node", &["--version"]) else {
        bail!(
            "Node.js {major}.{minor} or newer is needed for the web packages, and there is no `node` on the path"
        );
    };
    if !is_recent_enough(&version) {
        bail!("Node.js {major}.{minor} or newer is needed for the web packages; this is {version}");
    }
    Ok(())
}

/// Installs the web packages unless they are those of the lockfile already.
pub fn install() -> Result<()> {
    let wanted = std::fs::read_to_string(repo::path(LOCKFILE))?;
    if std::fs::read_to_string(repo::path(INSTALLED)).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    say("installing the web packages");
    process::run_quietly(&mut npm(["ci"]))?;
    repo::write(INSTALLED, &wanted)
}

/// A Chromium to test with: named by `CHROMIUM`, found on the path, or installed where that is ours
/// to do.
pub fn chromium() -> Result<String> {
    if let Some(named) = std::env::var("CHROMIUM").ok().filter(|it| !it.is_empty()) {
        return Ok(named);
    }
    if let Some(found) = find_program(&BROWSERS) {
        return Ok(found);
    }
    debian::install("Chromium", &["chromium"])?;
    match find_program(&BROWSERS) {
        Some(found) => Ok(found),
        None => bail!(
            "the end-to-end tests need Chromium: install it (Debian: `sudo apt-get install chromium`) or name it in CHROMIUM"
        ),
    }
}

/// Reads `v20.19.4`.
fn is_recent_enough(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= NODE_MIN,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_unreadable_versions_of_node_are_refused() {
        assert!(is_recent_enough("v20.19.0"));
        assert!(is_recent_enough("v24.1.0"));
        assert!(!is_recent_enough("v20.18.3"));
        assert!(!is_recent_enough("v18.20.0"));
        assert!(!is_recent_enough("twenty"));
    }
}
