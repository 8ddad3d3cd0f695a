//! Gives an app a new secret.

use std::time::Duration;

use callbox_domain::{AppKey, AppKeyRecord, KeyPurpose, Secret, Timestamp};
use callbox_wire::ErrorCode;

use super::find_app::{app_by_key, is_good};
use super::{new_secret, seal_context};
use crate::error::written;
use crate::{Service, ServiceResult};

/// A new secret, and until when the old one is still good.
#[derive(Debug, Clone)]
pub struct RotatedSecret {
    /// The new secret, in standard Base64.
    pub secret: Secret<String>,
    /// The old secret is refused from this moment on.
    pub old_good_until: Timestamp,
}

impl Service {
    /// Adds a new secret; the old ones stay good for `grace`, so that backends can be moved over one by one.
    pub async fn rotate_secret(&self, key: &AppKey, grace: Duration) -> ServiceResult<RotatedSecret> {
        let now = self.clock.now();
        let old_good_until = now.plus(grace);
        let secret = new_secret(self.random.as_ref());
        let (wanted, sealing_key, random, text) =
            (key.clone(), self.master_key.clone(), self.random.clone(), secret.clone());
        let rotated = self.store.write(move |tx| {
            let app = app_by_key(tx, &wanted, now)?.ok_or(ErrorCode::AppKeyUnknown)?;
            let keys = tx.keys_of_app(app.id)?;
            let generation = keys.iter().filter(|row| row.key == app.key).map(|row| row.generation).max();
            for row in keys.iter().filter(|row| row.purpose == KeyPurpose::Primary && is_good(row, now)) {
                if row.not_after.is_none_or(|not_after| not_after > old_good_until) {
                    tx.expire_app_key(row, old_good_until)?;
                }
            }
            let mut row = AppKeyRecord {
                app_id: app.id,
                key: app.key,
                generation: generation.unwrap_or(0) + 1,
                purpose: KeyPurpose::Primary,
                sealed_secret: None,
                not_after: None,
                created_at: now,
            };
            let bytes = text.expose().as_bytes();
            row.sealed_secret = Some(sealing_key.seal(random.as_ref(), &seal_context(&row), bytes));
            tx.insert_app_key(&row)?;
            Ok(())
        });
        written(rotated.await)?;
        tracing::info!(app = %key, "app secret rotated");
        Ok(RotatedSecret { secret, old_good_until })
    }
}
