//! Apps, their keys and secrets.

mod create_app;
mod find_app;
mod list_apps;
mod master_key;
mod rotate_secret;

#[cfg(test)]
mod tests;

pub use create_app::{CreateApp, CreatedApp};
pub use find_app::AppSecret;
pub use list_apps::AppWithKeys;
pub use master_key::{MasterKey, MasterKeyError};
pub use rotate_secret::RotatedSecret;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox_domain::{AppKeyRecord, Random, Secret};

/// Bytes of a new app secret.
const SECRET_BYTES: usize = 32;

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
