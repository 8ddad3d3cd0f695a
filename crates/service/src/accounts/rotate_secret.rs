//! Gives an app a new secret.

use std::time::Duration;

use callbox_domain::{App, AppKey, AppKeyRecord, KeyPurpose, Secret, SessionEndReason, Timestamp};
use callbox_storage::Tx;
use callbox_wire::ApiError;
use serde_json::json;

use super::find_app::is_good;
use super::{new_secret, operated_app, sealed};
use crate::audit::Actor;
use crate::error::{Refusal, written};
use crate::{Service, ServiceResult};

/// How a secret gives way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// How long the old secrets stay good, at most 30 days.
    pub grace: Duration,
    /// Whether every session of the app ends: whoever had the old secret may have opened some.
    pub end_sessions: bool,
}

/// A new secret, and until when the old one is still good.
#[derive(Debug, Clone)]
pub struct RotatedSecret {
    /// The new secret, in standard Base64.
    pub secret: Secret<String>,
    /// The old secret is refused from this moment on.
    pub old_good_until: Timestamp,
    /// How many sessions ended.
    pub ended_sessions: u32,
}

impl Service {
    /// Adds a new secret; the old ones stay good for the grace time, so that backends can be moved over one by one. The
    /// secrets of imported keys end with them, while those keys go on to lead to the app.
    ///
    /// Errors: `app_not_found`, `invalid_request` for a longer grace.
    pub async fn rotate_secret(
        &self,
        actor: Actor,
        key: &AppKey,
        rotation: Rotation,
    ) -> ServiceResult<RotatedSecret> {
        if rotation.grace > GRACE_MAX {
            return Err(ApiError::invalid_field("graceSeconds", "at most 30 days"));
        }
        let now = self.clock.now();
        let old_good_until = now.plus(rotation.grace);
        let secret = new_secret(self.random.as_ref());
        let (wanted, master_key, random, text) =
            (key.clone(), self.master_key.clone(), self.random.clone(), secret.clone());
        let rotated = self.store.write(move |tx| {
            let app = operated_app(tx, &wanted, now)?;
            let row = retire(tx, &app, old_good_until, now)?;
            tx.insert_app_key(&sealed(row, &text, &master_key, random.as_ref()))?;
            let details = json!({ "oldGoodUntil": old_good_until, "endSessions": rotation.end_sessions });
            tx.append_audit(&actor.did("app.secret_rotated", Some(app.id), app.key.as_str(), &details, now))?;
            Ok(app.id)
        });
        let app = written(rotated.await)?;
        tracing::info!(app = %key, "app secret rotated");
        let ended_sessions = if rotation.end_sessions {
            self.end_sessions_of_app(app, SessionEndReason::SecretRotated).await?
        } else {
            0
        };
        Ok(RotatedSecret { secret, old_good_until, ended_sessions })
    }
}

/// Lets every secret of the app end, and says where the new one goes.
fn retire(
    tx: &mut dyn Tx,
    app: &App,
    old_good_until: Timestamp,
    now: Timestamp,
) -> Result<AppKeyRecord, Refusal> {
    let keys = tx.keys_of_app(app.id)?;
    let next = |key: &AppKey, purpose| {
        let generation = keys.iter().filter(|row| row.key == *key).map(|row| row.generation).max();
        AppKeyRecord {
            app_id: app.id,
            key: key.clone(),
            generation: generation.unwrap_or(0) + 1,
            purpose,
            sealed_secret: None,
            not_after: None,
            created_at: now,
        }
    };
    for row in keys.iter().filter(|row| row.purpose == KeyPurpose::Primary && is_good(row, now)) {
        if row.not_after.is_none_or(|not_after| not_after > old_good_until) {
            tx.expire_app_key(row, old_good_until)?;
        }
        if row.key != app.key && row.not_after.is_none() {
            tx.insert_app_key(&next(&row.key, KeyPurpose::Alias))?;
        }
    }
    Ok(next(&app.key, KeyPurpose::Primary))
}

const GRACE_MAX: Duration = Duration::from_hours(30 * 24);
