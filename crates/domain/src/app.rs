//! Apps: the tenants of one server.

use serde::{Deserialize, Serialize};

use crate::{AppId, AppKey, AppSettings, Timestamp};

/// A tenant. Nothing of one app is ever visible to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its number inside this server.
    pub id: AppId,
    /// The key that new clients should use.
    pub key: AppKey,
    /// A name for people.
    pub name: String,
    /// What the operator decided for it.
    pub settings: AppSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody may use it, if so.
    pub disabled_at: Option<Timestamp>,
}

/// One key that leads to an app. An app has several: its own, aliases of a legacy app, rotated ones in their grace time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppKeyRecord {
    /// The app that it leads to.
    pub app_id: AppId,
    /// The public id.
    pub key: AppKey,
    /// Tells the rows of one key apart: a rotation adds a row with the next number.
    pub generation: u32,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The secret, sealed under the master key; `None` for an alias, which shares the secret of the app's own key.
    pub sealed_secret: Option<Vec<u8>>,
    /// After this moment the key is no longer good.
    pub not_after: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What an app key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyPurpose {
    /// The app's own key and secret.
    Primary,
    /// Another key that leads to the same app, so that a legacy app keeps the key it has.
    Alias,
}
