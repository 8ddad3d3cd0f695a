//! How findings are shown: each as a line of a table, and what to change below it.

use super::finding::{Finding, Verdict};

/// The lines of one finding, the last without its end.
pub(super) fn lines(finding: &Finding, is_terminal: bool) -> String {
    let Finding { check, seen, verdict } = finding;
    let (on, off) = if is_terminal { (colour(verdict), PLAIN) } else { ("", "") };
    let word = verdict.word();
    let first = format!("{check:CHECK_WIDTH$}{on}{word}{off}{:1$}{seen}", "", VERDICT_WIDTH - word.len());
    match finding.change() {
        None => first,
        Some(change) => format!("{first}\n{:1$}{change}", "", CHECK_WIDTH + VERDICT_WIDTH),
    }
}

/// How many there are of each kind, as the last line.
pub(super) fn summary(findings: &[Finding]) -> String {
    let count = |kind: fn(&Verdict) -> bool| findings.iter().filter(|finding| kind(&finding.verdict)).count();
    let parts = [
        (count(|verdict| matches!(verdict, Verdict::Ok)), "ok", "ok"),
        (count(|verdict| matches!(verdict, Verdict::Warning { .. })), "warning", "warnings"),
        (count(|verdict| matches!(verdict, Verdict::Problem { .. })), "problem", "problems"),
        (count(|verdict| matches!(verdict, Verdict::NotChecked)), "not checked", "not checked"),
    ];
    let parts = parts.iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<_> =
        parts.map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many })).collect();
    parts.join(", ")
}

/// Select Graphic Rendition (ECMA-48, `SGR`): green, yellow, red, faint.
fn colour(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "\x1b[32m",
        Verdict::Warning { .. } => "\x1b[33m",
        Verdict::Problem { .. } => "\x1b[31m",
        Verdict::NotChecked => "\x1b[2m",
    }
}

const PLAIN: &str = "\x1b[0m";
/// Wider than the longest name of a check.
pub(super) const CHECK_WIDTH: usize = 26;
/// Wider than the longest word for a verdict.
const VERDICT_WIDTH: usize = 13;

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> Vec<Finding> {
        vec![
            Finding::ok("config", "callbox.toml"),
            Finding::warning("free space", "900 MB", "Make room."),
            Finding::problem("relay over UDP", "no answer from 192.0.2.7:3478", "Open UDP port 3478."),
            Finding::problem("relay over TCP", "no answer from 192.0.2.7:3478", "Open TCP port 3478."),
            Finding::not_checked("metrics", "switched off"),
        ]
    }

    #[test]
    fn columns_are_aligned_and_what_to_change_stands_below() {
        let table: Vec<_> = findings().iter().map(|finding| lines(finding, false)).collect();
        let expected = "\
config                    ok           callbox.toml
free space                warning      900 MB
                                       Make room.
relay over UDP            problem      no answer from 192.0.2.7:3478
                                       Open UDP port 3478.
relay over TCP            problem      no answer from 192.0.2.7:3478
                                       Open TCP port 3478.
metrics                   not checked  switched off";
        assert_eq!(table.join("\n"), expected);
    }

    #[test]
    fn a_terminal_shows_the_verdict_in_colour_in_the_same_columns() {
        for finding in findings() {
            let coloured = lines(&finding, true);
            assert!(coloured.contains(&format!("{}{PLAIN}", finding.verdict.word())));
            let without = [PLAIN, "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m"]
                .iter()
                .fold(coloured, |text, code| text.replace(code, ""));
            assert_eq!(without, lines(&finding, false));
        }
    }

    #[test]
    fn the_last_line_counts_each_kind_that_there_is() {
        assert_eq!(summary(&findings()), "1 ok, 1 warning, 2 problems, 1 not checked");
        assert_eq!(summary(&findings()[..1]), "1 ok");
    }

    #[test]
    fn programs_get_the_same() {
        let expected = r#"{"change":"Make room.","check":"free space","result":"warning","seen":"900 MB"}"#;
        assert_eq!(findings()[1].to_json().to_string(), expected);
        let expected = r#"{"check":"metrics","result":"not checked","seen":"switched off"}"#;
        assert_eq!(findings()[4].to_json().to_string(), expected);
    }
}
