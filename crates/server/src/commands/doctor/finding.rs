//! What a check found.

use serde_json::{Value, json};

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was checked.
    pub(super) check: &'static str,
    /// What was seen, in a few words.
    pub(super) seen: String,
    /// What that means.
    pub(super) verdict: Verdict,
}

/// What a finding means for the server and its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may not for long or not for everyone.
    Warning {
        /// What to change, in one sentence.
        change: String,
    },
    /// It does not work.
    Problem {
        /// What to change, in one sentence.
        change: String,
    },
    /// It cannot be seen from here; what was seen says why.
    NotChecked,
}

impl Finding {
    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self { check, seen: seen.into(), verdict: Verdict::Ok }
    }

    pub(super) fn warning(check: &'static str, seen: impl Into<String>, change: impl Into<String>) -> Self {
        Self { check, seen: seen.into(), verdict: Verdict::Warning { change: change.into() } }
    }

    pub(super) fn problem(check: &'static str, seen: impl Into<String>, change: impl Into<String>) -> Self {
        Self { check, seen: seen.into(), verdict: Verdict::Problem { change: change.into() } }
    }

    pub(super) fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self { check, seen: why.into(), verdict: Verdict::NotChecked }
    }

    pub(super) fn is_problem(&self) -> bool {
        matches!(self.verdict, Verdict::Problem { .. })
    }

    /// What to change, where there is something.
    pub(super) fn change(&self) -> Option<&str> {
        match &self.verdict {
            Verdict::Warning { change } | Verdict::Problem { change } => Some(change),
            Verdict::Ok | Verdict::NotChecked => None,
        }
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let mut json = json!({ "check": self.check, "result": self.verdict.word(), "seen": self.seen });
        if let Some(change) = self.change() {
            json["change"] = change.into();
        }
        json
    }
}

impl Verdict {
    /// As it stands in the table.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning { .. } => "warning",
            Self::Problem { .. } => "problem",
            Self::NotChecked => "not checked",
        }
    }
}
