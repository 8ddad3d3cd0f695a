//! `cargo xtask dev`: from a fresh clone to a running development server.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, cargo};
use crate::{repo, web};

/// Builds the web packages and the server, then becomes `callbox dev <arguments>`.
pub fn run(arguments: &[String]) -> Result<()> {
    if !asks_for_help(arguments) {
        web::require_node()?;
        web::install()?;
        process::say("building the web packages");
        process::run_quietly(&mut web::npm(["run", "build"]))?;
    }
    process::say("building the server");
    process::run(cargo().args(["build", "--package", "callbox-server"]))?;
    become_server(Command::new(repo::server_binary()?).arg("dev").args(arguments))
}

/// Whoever asks what `callbox dev` can do should not wait for a web build first.
fn asks_for_help(arguments: &[String]) -> bool {
    arguments.iter().any(|it| it == "--help" || it == "-h")
}

/// Replaces this process, so that Ctrl-C and the exit code belong to the server alone.
#[cfg(unix)]
fn become_server(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;

    let error = command.exec();
    Err(anyhow::Error::new(error).context("the server did not start"))
}

#[cfg(not(unix))]
fn become_server(command: &mut Command) -> Result<()> {
    process::run(command)
}
