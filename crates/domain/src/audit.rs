//! The audit log: what operators and backends changed.

use crate::{AppId, Timestamp};

/// Something that an operator or an app's backend did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who: `operator`, `command_line`, or `app` for the app's own backend.
    pub actor: String,
    /// What, in the past tense, such as `user.blocked`.
    pub action: String,
    /// In which app; `None` where it is about the server.
    pub app_id: Option<AppId>,
    /// To whom or what, such as a user's id.
    pub subject: String,
    /// More, as a JSON object without secrets.
    pub details: String,
}

/// An entry with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Rises by each entry.
    pub number: u64,
    /// What happened.
    pub entry: AuditEntry,
}
