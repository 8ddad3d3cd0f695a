//! `bench/RESULTS.md`: each bench's latest figures, with the machine and the commit that they were measured on.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::BenchResult;

/// What a figure must reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

/// One measured figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    what: &'static str,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

impl Figure {
    pub(crate) fn new(what: &'static str, value: f64, unit: &'static str, bar: Option<Bar>) -> Self {
        Self { what, value, unit, bar }
    }

    fn row(&self) -> String {
        let value = format!("{} {}", number(self.value), self.unit);
        let (bar, verdict) = match self.bar {
            None => (String::new(), String::new()),
            Some(Bar::AtMost(bar)) => {
                (format!("≤ {} {}", number(bar), self.unit), verdict(self.value <= bar, self.value / bar))
            }
            Some(Bar::AtLeast(bar)) => {
                (format!("≥ {} {}", number(bar), self.unit), verdict(self.value >= bar, self.value / bar))
            }
        };
        format!("| {} | {} | {} | {verdict} |", self.what, value.trim(), bar.trim())
    }
}

fn verdict(reached: bool, ratio: f64) -> String {
    format!("{} ({ratio:.2} × the bar)", if reached { "reached" } else { "**falls short**" })
}

fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// The results file: a section for each bench, of which a run replaces its own.
pub(crate) struct Report {
    path: PathBuf,
    sections: Vec<(String, String)>,
}

impl Report {
    pub(crate) fn open() -> Self {
        let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md"));
        let text = fs::read_to_string(&path).unwrap_or_default();
        let sections = text.split("\n## ").skip(1).filter_map(|section| {
            let (name, body) = section.split_once('\n')?;
            Some((name.to_owned(), body.trim().to_owned()))
        });
        Self { sections: sections.collect(), path }
    }

    pub(crate) fn put(&mut self, name: &str, figures: &[Figure]) {
        let mut body = format!("{}\n\n| figure | measured | bar | |\n|---|---|---|---|\n", circumstances());
        for figure in figures {
            let row = figure.row();
            eprintln!("  {row}");
            let _ = writeln!(body, "{row}");
        }
        self.sections.retain(|(known, _)| known != name);
        self.sections.push((name.to_owned(), body.trim().to_owned()));
        self.sections.sort();
    }

    pub(crate) fn save(&self) -> BenchResult<()> {
        let mut text = String::from(HEAD);
        for (name, body) in &self.sections {
            let _ = write!(text, "\n## {name}\n\n{body}\n");
        }
        Ok(fs::write(&self.path, text)?)
    }
}

fn circumstances() -> String {
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    let changed =
        if output("git", &["status", "--porcelain"]).is_empty() { "" } else { " with uncommitted changes" };
    let date = output("date", &["-u", "+%Y-%m-%d"]);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let kernel = output("uname", &["-sr"]);
    let model = model.unwrap_or_else(|| "unknown processor".to_owned());
    format!("{date}, commit {commit}{changed}; {cores} cores of {model}, {kernel}")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

const HEAD: &str = "\
# Results of `cargo xtask bench`

The server and the load share the cores of one machine, so rates say little; CPU per operation and the ratio to the bar
are what to compare between runs.
";
