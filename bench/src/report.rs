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
    what: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str, bar: Option<Bar>) -> Self {
        Self { what: what.into(), value, unit, bar }
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

/// The same figures of several servers, or of one in several ways.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) title: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    /// Whether the first column is ours and the ratio of the others to it is to be told.
    pub(crate) is_race: bool,
}

/// One figure in all columns.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) unit: &'static str,
    /// `None` where it was not measured.
    pub(crate) values: Vec<Option<f64>>,
}

impl Comparison {
    fn text(&self) -> String {
        let mut text = format!("### {}\n\n| |", self.title);
        for column in &self.columns {
            let _ = write!(text, " {column} |");
        }
        let _ = write!(text, "\n|---|{}", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            let _ = write!(text, "\n| {} |", row.what);
            let ours = row.values.first().copied().flatten();
            for (place, value) in row.values.iter().enumerate() {
                let cell = match (value, ours) {
                    (None, _) => "–".to_owned(),
                    (Some(value), Some(ours)) if place > 0 && self.is_race && ours > 0.0 => {
                        format!("{} {} ({:.2} ×)", number(*value), row.unit, value / ours)
                    }
                    (Some(value), _) => format!("{} {}", number(*value), row.unit),
                };
                let _ = write!(text, " {} |", cell.replace("  ", " ").trim());
            }
        }
        text
    }
}

/// What a bench found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) figures: Vec<Figure>,
    pub(crate) comparisons: Vec<Comparison>,
    /// How it was measured, where that does not go without saying.
    pub(crate) method: String,
}

impl From<Vec<Figure>> for Findings {
    fn from(figures: Vec<Figure>) -> Self {
        Self { figures, ..Self::default() }
    }
}

impl Findings {
    fn text(&self) -> String {
        let mut text = circumstances();
        if !self.method.is_empty() {
            let _ = write!(text, "\n\n{}", self.method);
        }
        text.push_str("\n\n| figure | measured | bar | |\n|---|---|---|---|");
        for figure in &self.figures {
            let _ = write!(text, "\n{}", figure.row());
        }
        for comparison in &self.comparisons {
            let _ = write!(text, "\n\n{}", comparison.text());
        }
        text
    }
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
        Self { sections: Self::sections(&text), path }
    }

    fn sections(text: &str) -> Vec<(String, String)> {
        let sections = text.split("\n## ").skip(1).filter_map(|section| {
            let (name, body) = section.split_once('\n')?;
            Some((name.to_owned(), body.trim().to_owned()))
        });
        sections.collect()
    }

    /// Replaces a bench's section, all but what people wrote about it under [`PROFILE`].
    pub(crate) fn put(&mut self, name: &str, findings: &Findings) {
        let mut body = findings.text();
        eprintln!("{body}");
        let before = self.sections.iter().find(|(known, _)| known == name);
        if let Some((_, profile)) = before.and_then(|(_, body)| body.split_once(PROFILE)) {
            let _ = write!(body, "\n\n{PROFILE}{profile}");
        }
        self.sections.retain(|(known, _)| known != name);
        self.sections.push((name.to_owned(), body));
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

/// The heading of what a profile showed, which is written by hand and which every run keeps.
const PROFILE: &str = "### Where the time goes";

const HEAD: &str = "\
# Results of `cargo xtask bench`

The server and the load share the cores of one machine, so rates say little; CPU per operation and the ratio to the bar
are what to compare between runs.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_its_own_section_and_keeps_what_people_wrote_there() {
        let text = format!(
            "# Results\n\n## calls\n\nold calls\n\n## messages\n\nold\n\n{PROFILE}\n\nIn the disk.\n"
        );
        let mut report = Report { path: PathBuf::new(), sections: Report::sections(&text) };
        report.put("messages", &vec![Figure::new("cost", 50.0, "µs", Some(Bar::AtMost(40.0)))].into());
        let [(_, calls), (_, messages)] = &report.sections[..] else { panic!("{:?}", report.sections) };
        assert_eq!(calls, "old calls");
        let row = "| cost | 50.0 µs | ≤ 40.0 µs | **falls short** (1.25 × the bar) |";
        assert!(messages.ends_with(&format!("{row}\n\n{PROFILE}\n\nIn the disk.")), "{messages}");
        assert!(!messages.contains("old"));
    }

    #[test]
    fn others_stand_in_a_race_by_their_ratio_to_ours() {
        let row = Row { what: "cost".to_owned(), unit: "µs", values: vec![Some(20.0), Some(30.0), None] };
        let columns = ["ours", "theirs", "absent"].map(str::to_owned).to_vec();
        let race = Comparison { title: "Race".to_owned(), columns, rows: vec![row], is_race: true };
        assert!(race.text().ends_with("| cost | 20.0 µs | 30.0 µs (1.50 ×) | – |"), "{}", race.text());
    }
}
