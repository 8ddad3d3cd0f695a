//! How many tests ran, read from what their runners print.

use std::fmt;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Tests that passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    pub failed: u32,
}

impl Counts {
    /// Adds what another runner counted.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Reads nextest's closing line:
/// `Summary [   0.1s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
pub fn of_nextest(output: &str) -> Counts {
    let mut counts = Counts::default();
    let summary = output.lines().rev().find(|it| it.trim_start().starts_with("Summary ["));
    let Some((_, results)) = summary.and_then(|it| it.split_once("run: ")) else {
        return counts;
    };
    for part in results.split(", ") {
        let (number, word) = part.trim().split_once(' ').unwrap_or_default();
        let number = number.parse().unwrap_or(0);
        match word.split(" (").next().unwrap_or_default() {
            "passed" => counts.passed += number,
            "skipped" => {}
            // Failed, timed out, or could not be executed.
            _ => counts.failed += number,
        }
    }
    counts
}

/// Reads the closing line of every test binary that `cargo test` ran:
/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
pub fn of_cargo_test(output: &str) -> Counts {
    let mut counts = Counts::default();
    for line in output.lines().filter(|it| it.starts_with("test result: ")) {
        for part in line.split(['.', ';']).map(str::trim) {
            let (number, word) = part.split_once(' ').unwrap_or_default();
            let number = number.parse().unwrap_or(0);
            match word {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                _ => {}
            }
        }
    }
    counts
}

/// Reads vitest's JSON report.
pub fn of_vitest(report: &str) -> Result<Counts> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Report {
        num_passed_tests: u32,
        num_failed_tests: u32,
    }
    let report: Report = serde_json::from_str(report).context("vitest's report is not readable")?;
    Ok(Counts { passed: report.num_passed_tests, failed: report.num_failed_tests })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_is_read() {
        let line = "   Compiling a\n     Summary [   0.012s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped\n        FAIL a";
        assert_eq!(of_nextest(line), Counts { passed: 10, failed: 2 });
        assert_eq!(
            of_nextest("     Summary [ 1.0s] 1 test run: 1 passed, 0 skipped"),
            Counts { passed: 1, failed: 0 }
        );
        let stopped = "     Summary [ 1.0s] 2/9 tests run: 1 passed, 1 exec failed, 0 skipped";
        assert_eq!(of_nextest(stopped), Counts { passed: 1, failed: 1 });
        assert_eq!(of_nextest("error: could not compile"), Counts::default());
    }

    #[test]
    fn cargo_test_is_read_over_all_binaries() {
        let output = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                      noise\n\
                      test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s\n";
        assert_eq!(of_cargo_test(output), Counts { passed: 5, failed: 1 });
    }

    #[test]
    fn vitest_is_read() {
        let report = r#"{"numTotalTests":4,"numPassedTests":3,"numFailedTests":1,"success":false}"#;
        assert_eq!(of_vitest(report).unwrap(), Counts { passed: 3, failed: 1 });
        assert!(of_vitest("").is_err());
    }

    #[test]
    fn totals_read_as_one_line() {
        let mut counts = Counts { passed: 2, failed: 0 };
        counts.add(Counts { passed: 1, failed: 1 });
        assert_eq!(counts.to_string(), "3 passed, 1 failed");
    }
}
