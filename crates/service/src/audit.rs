//! The audit log: what managers changed. An entry is written in the same write as the change.

use callbox_domain::{AppId, AppKey, AuditEntry, AuditRecord, Timestamp};
use serde_json::Value;

use crate::accounts::no_such_app;
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

/// An entry with the key of the app that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The entry.
    pub record: AuditRecord,
    /// The app's own key; `None` where it is about the server.
    pub app_key: Option<AppKey>,
}

impl Service {
    /// The audit log, newest first: of one app or of the whole server, before a number, at most `limit` entries.
    ///
    /// Errors: `app_not_found`, `invalid_request` for a limit beyond 1 to 100.
    pub async fn list_audit(
        &self,
        app: Option<&AppKey>,
        before: Option<u64>,
        limit: u32,
    ) -> ServiceResult<Vec<ListedEntry>> {
        crate::people::check_limit(limit)?;
        let app = match app {
            Some(key) => Some(self.find_app(key).await.map_err(no_such_app)?.id),
            None => None,
        };
        let listed = self.store.read(move |store| {
            let records = store.audit(app, before, limit)?;
            let apps = store.apps()?;
            let key_of = |id| apps.iter().find(|app| Some(app.id) == id).map(|app| app.key.clone());
            let listed = records.into_iter();
            Ok(listed.map(|record| ListedEntry { app_key: key_of(record.entry.app_id), record }).collect())
        });
        read(listed.await)
    }
}
