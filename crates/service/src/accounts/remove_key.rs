//! Lets a key lead to an app no longer.

use callbox_domain::AppKey;
use callbox_wire::ErrorCode;
use serde_json::json;

use super::find_app::is_good;
use super::operated_app;
use crate::audit::Actor;
use crate::error::written;
use crate::{Service, ServiceResult};

impl Service {
    /// Ends an alias or an imported key, with its secret, at once. The app's own key stays: without it nobody could name
    /// the app any more.
    ///
    /// Errors: `app_not_found`, `app_key_not_found`, `app_key_needed`.
    pub async fn remove_key(&self, actor: Actor, key: &AppKey, removed: AppKey) -> ServiceResult<()> {
        let (wanted, now, subject) = (key.clone(), self.clock.now(), removed.clone());
        let done = self.store.write(move |tx| {
            let app = operated_app(tx, &wanted, now)?;
            if removed == app.key {
                return Err(ErrorCode::AppKeyNeeded.into());
            }
            let mut rows = tx.keys_of_app(app.id)?;
            rows.retain(|row| row.key == removed && is_good(row, now));
            if rows.is_empty() {
                return Err(ErrorCode::AppKeyNotFound.into());
            }
            for row in &rows {
                tx.expire_app_key(row, now)?;
            }
            tx.append_audit(&actor.did("app.key_removed", Some(app.id), removed.as_str(), &json!({}), now))?;
            Ok(())
        });
        written(done.await)?;
        tracing::info!(app = %key, removed = %subject, "app key removed");
        Ok(())
    }
}
