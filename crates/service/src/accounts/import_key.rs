//! Takes over a key with the secret that it has elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppKey, AppKeyRecord, KeyPurpose, Secret};
use callbox_wire::ApiError;
use serde_json::json;

use super::{next_row, operated_app, sealed};
use crate::audit::Actor;
use crate::error::written;
use crate::{Service, ServiceResult};

impl Service {
    /// Lets clients and backends in that carry a key and a secret of another server: both are good for the app from now
    /// on, beside its own.
    ///
    /// Errors: `app_not_found`, `invalid_request` for a key that leads somewhere already and a secret that is not
    /// standard Base64 of 16 to 128 bytes.
    pub async fn import_key(
        &self,
        actor: Actor,
        key: &AppKey,
        imported: AppKey,
        secret: Secret<String>,
    ) -> ServiceResult<AppKeyRecord> {
        let bytes = STANDARD.decode(secret.expose()).ok();
        if !bytes.is_some_and(|bytes| (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len())) {
            return Err(ApiError::invalid_field(
                "secret",
                "standard Base64, with padding, of 16 to 128 bytes",
            ));
        }
        let (wanted, now) = (key.clone(), self.clock.now());
        let (master_key, random) = (self.master_key.clone(), self.random.clone());
        let added = self.store.write(move |tx| {
            let app = operated_app(tx, &wanted, now)?;
            let row = next_row(tx, &app, imported, KeyPurpose::Primary, now)?;
            let row = sealed(row, &secret, &master_key, random.as_ref());
            tx.insert_app_key(&row)?;
            tx.append_audit(&actor.did("app.key_imported", Some(app.id), row.key.as_str(), &json!({}), now))?;
            Ok(row)
        });
        let row = written(added.await)?;
        tracing::info!(app = %key, imported = %row.key, "app key imported");
        Ok(row)
    }
}

/// Shorter ones can be guessed from one ticket.
const SECRET_BYTES_MIN: usize = 16;

const SECRET_BYTES_MAX: usize = 128;
