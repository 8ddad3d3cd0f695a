//! The Rust tests: by nextest where it is installed, else by `cargo test`.

use anyhow::{Result, bail};

use super::Options;
use super::counts::{self, Counts};
use crate::process::{self, cargo};

/// Runs every unit and integration test.
pub fn run(options: &Options, counts: &mut Counts) -> Result<()> {
    if process::find_program(&["cargo-nextest"]).is_some() {
        run_nextest(options, counts)
    } else {
        run_cargo_test(options, counts)
    }
}

/// Runs the examples in the documentation, which nextest cannot.
pub fn run_doc_tests(_: &Options, counts: &mut Counts) -> Result<()> {
    let (status, output) = process::run_and_keep(cargo().args(["test", "--quiet", "--doc", "--workspace"]))?;
    counts.add(counts::of_cargo_test(&output));
    expect(status.success())
}

fn run_nextest(options: &Options, counts: &mut Counts) -> Result<()> {
    let mut command = cargo();
    command.args(["nextest", "run", "--workspace", "--no-tests=pass", "--status-level=slow"]);
    let (status, output) = process::run_and_keep(command.args(&options.filters))?;
    counts.add(counts::of_nextest(&output));
    expect(status.success())
}

/// `cargo test` takes one filter of its own; the test binaries take any number.
fn run_cargo_test(options: &Options, counts: &mut Counts) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--all-targets", "--no-fail-fast", "--"]);
    let (status, output) = process::run_and_keep(command.args(&options.filters))?;
    counts.add(counts::of_cargo_test(&output));
    expect(status.success())
}

fn expect(success: bool) -> Result<()> {
    if !success {
        bail!("see the failures above");
    }
    Ok(())
}
