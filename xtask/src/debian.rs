//! Programs that tests need and that Debian has.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process::{self, ask, say};

/// Installs packages where that is ours to do: as root, on Debian. Elsewhere it does nothing.
pub fn install(what: &str, packages: &[&str]) -> Result<()> {
    if !is_root_on_debian() {
        return Ok(());
    }
    say(&format!("installing {what}"));
    process::run_quietly(&mut apt_get(&["update"]))?;
    process::run_quietly(apt_get(&["install", "--yes"]).args(packages))
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
    command
}

fn is_root_on_debian() -> bool {
    let is_root = ask("id", &["-u"]).is_some_and(|it| it == "0");
    is_root && Path::new("/etc/debian_version").exists()
}
