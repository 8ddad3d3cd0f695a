//! `cargo xtask bench`: hands over to the bench crate, built for release.

use anyhow::Result;

use crate::process::{self, cargo};

/// Runs the named figures, or all of them.
pub fn run(names: &[String]) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--release", "--package", "callbox-bench", "--"]).args(names);
    process::run(&mut command)
}
