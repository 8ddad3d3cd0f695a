//! TURN clients that are not ours, which the tests of the relay run: coturn's, and aiortc.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{self, ask, find_program, say};
use crate::{debian, metadata, repo};

/// Installs what is missing, or names it.
pub fn install() -> Result<()> {
    install_coturn()?;
    install_aiortc()
}

fn install_coturn() -> Result<()> {
    let is_there = || COTURN.iter().all(|program| find_program(&[program]).is_some());
    if !is_there() {
        debian::install("coturn", &["coturn"])?;
    }
    if !is_there() {
        bail!("the tests need coturn's client: install it (Debian: `sudo apt-get install coturn`)");
    }
    Ok(())
}

/// Installs aiortc into an environment of its own, unless it is that of the list already.
fn install_aiortc() -> Result<()> {
    let folder = Path::new(&metadata::workspace()?.target_directory).join("aiortc");
    let wanted = std::fs::read_to_string(repo::path(REQUIREMENTS))?;
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|it| it == wanted) {
        return Ok(());
    }
    let python = python()?;
    say("installing aiortc");
    process::run_quietly(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(in_environment(&folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    process::run_quietly(pip.arg(repo::path(REQUIREMENTS)))?;
    Ok(std::fs::write(stamp, wanted)?)
}

/// A Python that makes environments: Debian has what that needs in a package of its own.
fn python() -> Result<&'static str> {
    let is_there = || ask("python3", &["-c", CAN_MAKE_ENVIRONMENTS]).is_some();
    if !is_there() {
        debian::install("Python", &["python3-venv"])?;
    }
    if !is_there() {
        bail!(
            "the tests need Python 3.10 or newer with venv: install it (Debian: `sudo apt-get install python3-venv`)"
        );
    }
    Ok("python3")
}

fn in_environment(folder: &Path) -> PathBuf {
    folder.join("bin/python")
}

const COTURN: [&str; 2] = ["turnutils_uclient", "turnutils_peer"];

const REQUIREMENTS: &str = "crates/server/tests/edges/aiortc/requirements.txt";

const CAN_MAKE_ENVIRONMENTS: &str = "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))";
