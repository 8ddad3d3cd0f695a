//! Operating the server: apps, their keys, settings and users, and what was changed.

pub(crate) mod add_app_key;
pub(crate) mod create_app;
pub(crate) mod list_app_keys;
pub(crate) mod list_apps;
pub(crate) mod list_audit;
pub(crate) mod list_settings;
pub(crate) mod remove_app_key;
pub(crate) mod rotate_secret;
pub(crate) mod show_app;
pub(crate) mod update_app;
pub(crate) mod users;

#[cfg(test)]
mod testing;

use callbox_domain::AppKey;
use callbox_wire::ErrorCode;

/// The app that a path names.
fn app_key(text: String) -> Result<AppKey, ErrorCode> {
    AppKey::new(text).map_err(|_| ErrorCode::AppNotFound)
}
