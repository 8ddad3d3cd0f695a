//! Lets another key lead to an app.

use callbox_domain::{AppKey, AppKeyRecord, KeyPurpose};
use serde_json::json;

use super::{next_row, operated_app};
use crate::audit::Actor;
use crate::error::written;
use crate::{Service, ServiceResult};

impl Service {
    /// Lets clients that carry another key in: `alias` leads to the app from now on, under the app's own secret.
    ///
    /// Errors: `app_not_found`, `invalid_request` for a key that leads somewhere already.
    pub async fn add_alias(&self, actor: Actor, key: &AppKey, alias: AppKey) -> ServiceResult<AppKeyRecord> {
        let (wanted, now) = (key.clone(), self.clock.now());
        let added = self.store.write(move |tx| {
            let app = operated_app(tx, &wanted, now)?;
            let row = next_row(tx, &app, alias, KeyPurpose::Alias, now)?;
            tx.insert_app_key(&row)?;
            tx.append_audit(&actor.did("app.alias_added", Some(app.id), row.key.as_str(), &json!({}), now))?;
            Ok(row)
        });
        let row = written(added.await)?;
        tracing::info!(app = %key, alias = %row.key, "app alias added");
        Ok(row)
    }
}
