//! Changes an app: its name, its settings, whether anyone may use it.

use callbox_domain::{App, AppKey, SessionEndReason};
use serde_json::{Map, Value, json};

use super::create_app::check_name;
use super::{change_settings, operated_app};
use crate::audit::Actor;
use crate::error::written;
use crate::{Service, ServiceResult};

/// What to change; everything else stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UpdateApp {
    /// Another name for people.
    pub name: Option<String>,
    /// Whether the app is closed: nobody signs in, and its sessions end.
    pub disabled: Option<bool>,
    /// Settings by their names; `null` stands for the default.
    pub settings: Map<String, Value>,
}

impl Service {
    /// Changes an app. Open connections go by its new settings at once; those of an app that is disabled are closed.
    ///
    /// Errors: `app_not_found`, `invalid_request`.
    pub async fn update_app(&self, actor: Actor, key: &AppKey, change: UpdateApp) -> ServiceResult<App> {
        let name = change.name.as_deref().map(check_name).transpose()?;
        let (wanted, now, disabled) = (key.clone(), self.clock.now(), change.disabled);
        let updated = self.store.write(move |tx| {
            let mut app = operated_app(tx, &wanted, now)?;
            let details = details(&change);
            app.name = name.unwrap_or(app.name);
            app.settings = change_settings(&app.settings, &change.settings)?;
            app.disabled_at = match change.disabled {
                None => app.disabled_at,
                Some(true) => app.disabled_at.or(Some(now)),
                Some(false) => None,
            };
            tx.update_app(&app)?;
            tx.append_audit(&actor.did("app.updated", Some(app.id), app.key.as_str(), &details, now))?;
            Ok(app)
        });
        let app = written(updated.await)?;
        self.apps.share(app.clone());
        tracing::info!(app = %app.key, disabled = app.disabled_at.is_some(), "app updated");
        if disabled == Some(true) {
            // Also where it was disabled before: what a crash left open ends by a repeat.
            self.end_sessions_of_app(app.id, SessionEndReason::AppDisabled).await?;
        }
        Ok(app)
    }
}

/// What was asked for. Of identity providers only the names: whoever pastes keys may paste a private one.
fn details(change: &UpdateApp) -> Value {
    let mut details = Map::new();
    if let Some(name) = &change.name {
        details.insert("name".to_owned(), json!(name));
    }
    if let Some(disabled) = change.disabled {
        details.insert("disabled".to_owned(), json!(disabled));
    }
    if !change.settings.is_empty() {
        let mut settings = change.settings.clone();
        if let Some(Value::Array(issuers)) = settings.get_mut("jwtIssuers") {
            for issuer in issuers {
                *issuer = json!({ "issuer": issuer["issuer"] });
            }
        }
        details.insert("settings".to_owned(), Value::Object(settings));
    }
    Value::Object(details)
}
