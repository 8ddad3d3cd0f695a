//! Apps, their keys and secrets.

mod add_alias;
mod create_app;
mod find_app;
mod import_key;
mod list_apps;
mod master_key;
mod remove_key;
mod rotate_secret;
mod settings;
mod update_app;

#[cfg(test)]
mod tests;

pub use create_app::{CreateApp, CreatedApp};
pub use find_app::AppSecret;
pub use list_apps::AppWithKeys;
pub use master_key::{MasterKey, MasterKeyError};
pub use rotate_secret::{RotatedSecret, Rotation};
pub use settings::change_settings;
pub use update_app::UpdateApp;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{App, AppKey, AppKeyRecord, KeyPurpose, Random, Secret, Timestamp};
use callbox_storage::Tx;
use callbox_wire::{ApiError, ErrorCode};

use crate::error::Refusal;
use find_app::{app_by_key, is_good};

/// Bytes of a new app secret.
const SECRET_BYTES: usize = 32;

/// Keys that lead to one app at the same time.
const KEYS_PER_APP_MAX: usize = 100;

/// A new app secret: 256 random bits in standard Base64, the form in which backends keep it.
fn new_secret(random: &dyn Random) -> Secret<String> {
    let mut bytes = [0; SECRET_BYTES];
    random.fill(&mut bytes);
    Secret::new(STANDARD.encode(bytes))
}

/// What a sealed secret is bound to: it opens only in the row for which it was sealed.
fn seal_context(key: &AppKeyRecord) -> String {
    format!("app_keys|sealed_secret|{}|{}|{}", key.app_id, key.key, key.generation)
}

/// A row with its secret sealed under the master key.
fn sealed(
    row: AppKeyRecord,
    secret: &Secret<String>,
    master_key: &MasterKey,
    random: &dyn Random,
) -> AppKeyRecord {
    let bytes = master_key.seal(random, &seal_context(&row), secret.expose().as_bytes());
    AppKeyRecord { sealed_secret: Some(bytes), ..row }
}

/// The app that an operator names, inside a write.
fn operated_app(tx: &dyn Tx, key: &AppKey, now: Timestamp) -> Result<App, Refusal> {
    Ok(app_by_key(tx, key, now)?.ok_or(ErrorCode::AppNotFound)?)
}

/// Whoever operates the server names an app, and does not sign in to it: an unknown one is not found.
pub(crate) fn no_such_app(error: ApiError) -> ApiError {
    if error.code == ErrorCode::AppKeyUnknown { ErrorCode::AppNotFound.into() } else { error }
}

/// The next row of a key that leads to no app at this moment, so that from now on it leads to this one.
fn next_row(
    tx: &dyn Tx,
    app: &App,
    key: AppKey,
    purpose: KeyPurpose,
    now: Timestamp,
) -> Result<AppKeyRecord, Refusal> {
    let refuse = |problem: &str| Err(ApiError::invalid_field("key", problem).into());
    let rows = tx.app_keys(&key)?;
    match rows.iter().find(|row| is_good(row, now)) {
        Some(row) if row.app_id == app.id => return refuse("this key leads to the app already"),
        Some(_) => return refuse("another app has this key"),
        None => {}
    }
    if tx.keys_of_app(app.id)?.iter().filter(|row| is_good(row, now)).count() >= KEYS_PER_APP_MAX {
        return refuse(&format!("at most {KEYS_PER_APP_MAX} keys lead to one app"));
    }
    let generation = rows.iter().map(|row| row.generation).max().unwrap_or(0) + 1;
    let app_id = app.id;
    Ok(AppKeyRecord {
        app_id,
        key,
        generation,
        purpose,
        sealed_secret: None,
        not_after: None,
        created_at: now,
    })
}
