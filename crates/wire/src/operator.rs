//! Operating a server: apps, their keys, settings and what was changed.

use callbox_domain::{AppKey, AppKeyRecord, AppSettings, KeyPurpose, SettingInfo, SettingValues, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// An app as its operator sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Its own key, which new clients should use.
    #[schema(value_type = String)]
    pub key: AppKey,
    /// A name for people.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Since when nobody may use it; `null` where it is open.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub disabled_at: Option<Timestamp>,
    /// Every setting by its name, as `GET /v1/operator/settings` lists them.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// One app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppAnswer {
    /// The app, as it is now.
    pub app: App,
}

/// `POST /v1/operator/apps`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateAppRequest {
    /// A name for people, 1 to 100 characters.
    pub name: String,
    /// The app's key; a random one where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub key: Option<AppKey>,
    /// Settings that are not to be the default.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub settings: Map<String, Value>,
}

/// A new app with its secret, which is told only this once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateAppAnswer {
    /// The app.
    pub app: App,
    /// The secret of the app's backend, in standard Base64.
    pub secret: String,
}

/// `PATCH /v1/operator/apps/{appKey}`: what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateAppRequest {
    /// Another name for people, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `true` ends all sessions and refuses new ones, `false` opens the app again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// Settings by their names; `null` stands for the default.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object, required = false)]
    pub settings: Map<String, Value>,
}

/// `POST /v1/operator/apps/{appKey}/secret-rotations`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateSecretRequest {
    /// How long the old secrets stay good, at most 2,592,000; 3,600 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
    /// Whether every session of the app ends too; `false` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_sessions: Option<bool>,
}

/// A new secret, which is told only this once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateSecretAnswer {
    /// The new secret of the app's backend, in standard Base64.
    pub secret: String,
    /// The old secrets are refused from this moment on.
    #[schema(value_type = String, format = DateTime)]
    pub old_good_until: Timestamp,
    /// How many sessions ended.
    pub ended_sessions: u32,
}

/// A key that leads, or led, to an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedAppKey {
    /// The key.
    #[schema(value_type = String)]
    pub key: AppKey,
    /// Rises by each secret that the key got.
    pub generation: u32,
    /// What it is.
    pub kind: AppKeyKind,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From this moment on it is refused; `null` where there is none.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub good_until: Option<Timestamp>,
}

/// What a key of an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppKeyKind {
    /// The app's own key, with a secret.
    Own,
    /// Another key with a secret of its own, from another server.
    Imported,
    /// Another key, under the secrets of the app.
    Alias,
}

/// `POST /v1/operator/apps/{appKey}/keys`: an alias, or with a secret a key from another server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddAppKeyRequest {
    /// The key, which leads to no app yet.
    #[schema(value_type = String)]
    pub key: AppKey,
    /// The secret that the key has elsewhere, in standard Base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The key that was added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AddAppKeyAnswer {
    /// The key.
    pub key: ListedAppKey,
}

/// One setting of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Which values it takes.
    pub kind: SettingKind,
    /// The least, of a number.
    #[schema(required)]
    pub min: Option<u32>,
    /// The most, of a number.
    #[schema(required)]
    pub max: Option<u32>,
    /// Which words, of a word.
    #[schema(required)]
    pub words: Option<Vec<String>>,
    /// What holds until it is set.
    pub default: Value,
    /// What it does.
    pub sentence: String,
}

/// Which values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// `true` or `false`.
    Switch,
    /// A whole number from `min` to `max`.
    Number,
    /// One of `words`.
    Word,
    /// A list of web origins, or of `*`.
    Origins,
    /// A list of identity providers.
    JwtIssuers,
}

/// Something that an operator or an app's backend changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who: `operator` over the operator API, `command_line` while the server was not running, `app` for an app's
    /// backend.
    pub actor: String,
    /// What, such as `app.updated`.
    pub action: String,
    /// In which app; `null` where it is about the server.
    #[schema(value_type = Option<String>, required)]
    pub app_key: Option<AppKey>,
    /// To whom or what, such as a key.
    pub subject: String,
    /// More of it, never a secret.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
}

impl From<callbox_domain::App> for App {
    fn from(app: callbox_domain::App) -> Self {
        let callbox_domain::App { key, name, created_at, disabled_at, settings, .. } = app;
        Self { key, name, created_at, disabled_at, settings: named(&settings) }
    }
}

impl ListedAppKey {
    /// A key of the app whose own key this is.
    pub fn from_domain(row: AppKeyRecord, own: &AppKey) -> Self {
        let kind = match row.purpose {
            KeyPurpose::Alias => AppKeyKind::Alias,
            KeyPurpose::Primary if row.key == *own => AppKeyKind::Own,
            KeyPurpose::Primary => AppKeyKind::Imported,
        };
        let AppKeyRecord { key, generation, created_at, not_after, .. } = row;
        Self { key, generation, kind, created_at, good_until: not_after }
    }
}

impl Setting {
    /// Every setting, in the order of the table.
    pub fn all() -> Vec<Self> {
        let defaults = named(&AppSettings::default());
        let default = |name| defaults.get(name).cloned().unwrap_or_default();
        AppSettings::TABLE.iter().map(|info| Self::from_domain(info, default(info.name))).collect()
    }

    fn from_domain(info: &SettingInfo, default: Value) -> Self {
        let (mut min, mut max, mut words) = (None, None, None);
        let kind = match info.values {
            SettingValues::Switch => SettingKind::Switch,
            SettingValues::Number { min: least, max: most } => {
                (min, max) = (Some(least), Some(most));
                SettingKind::Number
            }
            SettingValues::Word(list) => {
                words = Some(list.iter().map(|&word| word.to_owned()).collect());
                SettingKind::Word
            }
            SettingValues::Origins => SettingKind::Origins,
            SettingValues::JwtIssuers => SettingKind::JwtIssuers,
        };
        let (name, sentence) = (info.name.to_owned(), info.sentence.to_owned());
        Self { name, kind, min, max, words, default, sentence }
    }
}

/// Settings by their names.
fn named(settings: &AppSettings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(named)) => named,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_default_and_its_bounds() {
        let all = Setting::all();
        assert_eq!(all.len(), AppSettings::TABLE.len());
        for setting in all {
            let bounds = (setting.min.is_some(), setting.max.is_some(), setting.words.is_some());
            let (expected, is_right) = match setting.kind {
                SettingKind::Switch => ((false, false, false), setting.default.is_boolean()),
                SettingKind::Number => ((true, true, false), setting.default.is_u64()),
                SettingKind::Word => ((false, false, true), setting.default.is_string()),
                SettingKind::Origins | SettingKind::JwtIssuers => {
                    ((false, false, false), setting.default.is_array())
                }
            };
            assert!(bounds == expected && is_right, "{setting:?}");
        }
    }
}
