//! The audit log: what managers changed. An entry is written in the same write as the change.

use callbox_domain::{AppId, AuditEntry, AuditRecord, Timestamp};
use serde_json::Value;

use crate::error::read;
use crate::{Service, ServiceResult};

/// Who changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The app's own backend, over the server API.
    App,
    /// The operator, over the operator API.
    Operator,
    /// The operator, by a command on a server that was not running.
    CommandLine,
}

impl Actor {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Operator => "operator",
            Self::CommandLine => "command_line",
        }
    }

    /// An entry of what this actor did. `details` hold no secret.
    pub(crate) fn did(
        self,
        action: &str,
        app: Option<AppId>,
        subject: &str,
        details: &Value,
        at: Timestamp,
    ) -> AuditEntry {
        AuditEntry {
            at,
            actor: self.as_str().to_owned(),
            action: action.to_owned(),
            app_id: app,
            subject: subject.to_owned(),
            details: details.to_string(),
        }
    }
}

impl Service {
    /// The audit log, newest first: of one app or of the whole server, before a number, at most `limit` entries.
    pub async fn list_audit(
        &self,
        app: Option<AppId>,
        before: Option<u64>,
        limit: u32,
    ) -> ServiceResult<Vec<AuditRecord>> {
        crate::people::check_limit(limit)?;
        read(self.store.read(move |store| store.audit(app, before, limit)).await)
    }
}
