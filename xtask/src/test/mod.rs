//! `cargo xtask test`: every check and every test, in the order in which a failure is cheapest, up
//! to the first that fails. The last line is always `N passed, N failed`.

mod counts;
mod rust_tests;
mod web_tests;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use self::counts::Counts;
use crate::process::{self, cargo, say};
use crate::{gen_files, strangers, tidy, web};

/// What was asked for.
#[derive(Debug, Default)]
struct Options {
    /// Leave out what needs a browser, doc tests and the bundle's size.
    fast: bool,
    /// Only tests whose name contains one of these; checks are left out.
    filters: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        for argument in arguments {
            match argument.as_str() {
                "--fast" => options.fast = true,
                flag if flag.starts_with('-') => bail!("`test` has no flag `{flag}`"),
                filter => options.filters.push(filter.to_owned()),
            }
        }
        Ok(options)
    }

    /// Whether this step is asked for.
    fn wants(&self, step: &Step) -> bool {
        let by_filter = self.filters.is_empty() || step.needed_by_filtered;
        let by_speed = !self.fast || !step.slow;
        by_filter && by_speed && (step.exists)()
    }
}

/// One step: it adds the tests that it ran to the counts, and fails when anything does.
struct Step {
    name: &'static str,
    run: fn(&Options, &mut Counts) -> Result<()>,
    /// Left out by `--fast`.
    slow: bool,
    /// Part of a run that asks for some tests by name.
    needed_by_filtered: bool,
    exists: fn() -> bool,
}

impl Step {
    /// A check that counts no tests.
    const fn check(name: &'static str, run: fn(&Options, &mut Counts) -> Result<()>) -> Self {
        Self { name, run, slow: false, needed_by_filtered: false, exists: || true }
    }

    /// A step that runs tests, or that they need.
    const fn test(name: &'static str, run: fn(&Options, &mut Counts) -> Result<()>) -> Self {
        Self { name, run, slow: false, needed_by_filtered: true, exists: || true }
    }

    const fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    const fn only_if(mut self, exists: fn() -> bool) -> Self {
        self.exists = exists;
        self
    }
}

const STEPS: &[Step] = &[
    Step::check("Rust format", |_, _| format()),
    Step::check("tidy", |_, _| tidy::run()),
    Step::check("clippy", |_, _| clippy()),
    Step::test("clients that are not ours", |_, _| strangers::install()).only_if(|| cfg!(unix)),
    Step::test("Rust tests", rust_tests::run),
    Step::check("Rust doc tests", rust_tests::run_doc_tests).slow(),
    Step::test("web packages", |_, _| install_web()),
    Step::check("derived files", |_, _| gen_files::check()),
    // The demo sees the SDK as an app does, by its built files and types: everything below needs them.
    Step::test("web build", |_, _| npm_run("build")),
    Step::check("web format", |_, _| npm_run("format:check")),
    Step::check("web type-check", |_, _| npm_run("typecheck")),
    Step::check("web lint", |_, _| npm_run("lint")),
    Step::test("web unit tests", web_tests::run_unit_tests),
    Step::check("SDK size", |_, _| size()).slow().only_if(web_tests::has_sdk),
    Step::test("end-to-end tests", web_tests::run_end_to_end).slow().only_if(web_tests::has_e2e),
];

/// Runs the steps that were asked for and closes with the totals.
pub fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let mut counts = Counts::default();
    let outcome = run_steps(STEPS, &options, &mut counts);
    if let Err((name, error)) = &outcome {
        // A failure is never closed with "0 failed", even when no test was to blame.
        counts.failed = counts.failed.max(1);
        eprintln!("xtask: {name} failed: {error:#}");
    }
    println!("{counts}");
    Ok(if outcome.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_steps(
    steps: &[Step],
    options: &Options,
    counts: &mut Counts,
) -> Result<(), (&'static str, anyhow::Error)> {
    for step in steps.iter().filter(|it| options.wants(it)) {
        say(step.name);
        (step.run)(options, counts).map_err(|error| (step.name, error))?;
    }
    Ok(())
}

/// Names the files only: the difference itself is one `cargo fmt` away.
fn format() -> Result<()> {
    process::run(cargo().args(["fmt", "--all", "--", "--check", "-l"])).context("run `cargo fmt --all`")
}

fn clippy() -> Result<()> {
    let arguments = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    process::run(cargo().args(arguments))
}

fn install_web() -> Result<()> {
    web::require_node()?;
    web::install()
}

/// Its one line is worth reading even when all is well.
fn size() -> Result<()> {
    process::run(&mut web::npm(["run", "--silent", "size"]))
}

/// Runs a script of the npm workspace, silent while all is well.
fn npm_run(script: &str) -> Result<()> {
    process::run_quietly(&mut web::npm(["run", "--silent", script]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[Step] = &[
        Step::check("check", |_, counts| add(counts, 1)),
        Step::test("test", |_, counts| add(counts, 10)),
        Step::test("browser", |_, counts| add(counts, 100)).slow(),
        Step::test("absent", |_, counts| add(counts, 1_000)).only_if(|| false),
    ];

    // The signature is that of a step.
    #[expect(clippy::unnecessary_wraps)]
    fn add(counts: &mut Counts, passed: u32) -> Result<()> {
        counts.passed += passed;
        Ok(())
    }

    fn passed(arguments: &[&str]) -> u32 {
        let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let mut counts = Counts::default();
        let options = Options::parse(&arguments).unwrap();
        assert!(run_steps(SAMPLE, &options, &mut counts).is_ok());
        counts.passed
    }

    #[test]
    fn flags_and_filters_choose_the_steps() {
        assert_eq!(passed(&[]), 111);
        assert_eq!(passed(&["--fast"]), 11);
        assert_eq!(passed(&["some_test"]), 110);
        assert_eq!(passed(&["--fast", "some_test"]), 10);
    }

    #[test]
    fn the_first_failure_ends_the_run() {
        let steps =
            [Step::check("bad", |_, _| bail!("no")), Step::check("never", |_, counts| add(counts, 1))];
        let mut counts = Counts::default();
        let (name, _) = run_steps(&steps, &Options::default(), &mut counts).unwrap_err();
        assert_eq!((name, counts.passed), ("bad", 0));
    }

    #[test]
    fn an_unknown_flag_is_refused() {
        assert!(Options::parse(&["--fats".to_owned()]).is_err());
    }
}
