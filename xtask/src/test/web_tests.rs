//! The web tests: units in Node, and end to end in Chromium against the real server.

use anyhow::{Context, Result, bail};

use super::Options;
use super::counts::{self, Counts};
use crate::process::{self, cargo};
use crate::{repo, web};

/// Whether there is an SDK to weigh.
pub fn has_sdk() -> bool {
    repo::path("web/packages/sdk/package.json").exists()
}

/// Whether there are end-to-end tests to run.
pub fn has_e2e() -> bool {
    repo::path("web/e2e/package.json").exists()
}

/// Runs the unit tests of all packages and of the demo.
pub fn run_unit_tests(options: &Options, counts: &mut Counts) -> Result<()> {
    run_vitest("test", &[], options, counts)
}

/// Runs the end-to-end tests in Chromium against servers built from this tree.
pub fn run_end_to_end(options: &Options, counts: &mut Counts) -> Result<()> {
    let chromium = web::chromium()?;
    let packages = ["--package", "callbox-server", "--package", "callbox-clock-server"];
    process::run(cargo().args(["build", "--quiet"]).args(packages))?;
    let server = repo::server_binary()?.to_string_lossy().into_owned();
    let clock_server = repo::clock_server_binary()?.to_string_lossy().into_owned();
    let environment =
        [("CALLBOX_BIN", server.as_str()), ("CALLBOX_CLOCK_BIN", &clock_server), ("CHROMIUM", &chromium)];
    run_vitest("e2e", &environment, options, counts)
}

/// Runs one of the npm scripts that are vitest, and reads its counts from its report.
fn run_vitest(
    script: &str,
    environment: &[(&str, &str)],
    options: &Options,
    counts: &mut Counts,
) -> Result<()> {
    let report = repo::path(&format!("target/vitest-{script}.json"));
    // A report of an earlier run must not be counted for this one.
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let mut command = web::npm(["run", "--silent", script, "--"]);
    command.args(["--reporter=default", "--reporter=json"]);
    command.arg(format!("--outputFile.json={}", report.display()));
    if !options.filters.is_empty() {
        command.args(["--passWithNoTests", "-t", &pattern(&options.filters)]);
    }
    command.envs(environment.iter().copied());
    let (status, _) = process::run_and_keep(&mut command)?;
    let text = std::fs::read_to_string(&report).context("vitest wrote no report")?;
    counts.add(counts::of_vitest(&text)?);
    if !status.success() {
        bail!("see the failures above");
    }
    Ok(())
}

/// The filters as one regular expression that takes each of them literally.
fn pattern(filters: &[String]) -> String {
    let escape = |filter: &String| {
        filter.chars().fold(String::new(), |mut text, character| {
            if !character.is_alphanumeric() && character != '_' && character != ' ' {
                text.push('\\');
            }
            text.push(character);
            text
        })
    };
    filters.iter().map(escape).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_taken_literally() {
        let filters = ["message.send".to_owned(), "no answer".to_owned()];
        assert_eq!(pattern(&filters), "message\\.send|no answer");
    }
}
