//! Apps: the tenants of one server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{AppId, AppKey, Timestamp};

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

/// The switches of one app. Everything that weakens it is off by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AppSettings {
    /// Anyone may sign in as any user without a credential. For development only.
    pub open_sign_in: bool,
    /// Who may list users and see their presence.
    pub directory: Directory,
    /// Web origins (`https://app.example.com`) whose pages may use this app; `*` stands for every origin.
    pub allowed_origins: Vec<String>,
    /// A ticket created longer ago than this is refused, in seconds.
    pub ticket_age_max_seconds: u32,
    /// The longest life of a session, in seconds.
    pub session_life_max_seconds: u32,
    /// How long a callee rings at most before the call ends `no_answer`, in seconds.
    pub ring_seconds: u32,
}

impl AppSettings {
    /// The settings of the app that `callbox dev` makes: anyone may try everything.
    pub fn development() -> Self {
        Self {
            open_sign_in: true,
            directory: Directory::Everyone,
            allowed_origins: vec!["*".to_owned()],
            ..Self::default()
        }
    }

    /// Whether a page of `origin` (as in the `Origin` header) may use the app.
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin))
    }

    /// The longest life of a session.
    pub fn session_life_max(&self) -> Duration {
        Duration::from_secs(u64::from(self.session_life_max_seconds))
    }
}

impl Default for AppSettings {
    fn default() -> Self {
        Self {
            open_sign_in: false,
            directory: Directory::Contacts,
            allowed_origins: Vec::new(),
            ticket_age_max_seconds: 3_600,
            session_life_max_seconds: 30 * 86_400,
            ring_seconds: 60,
        }
    }
}

/// Who may list an app's users and see their presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Directory {
    /// Only users who listed each other.
    Contacts,
    /// Every user of the app.
    Everyone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_app_trusts_nobody() {
        let settings = AppSettings::default();
        assert!(!settings.open_sign_in);
        assert!(!settings.allows_origin("https://example.com"));
        assert_eq!(settings.directory, Directory::Contacts);
    }

    #[test]
    fn origins_match_whole_and_without_case() {
        let settings =
            AppSettings { allowed_origins: vec!["https://app.example.com".into()], ..AppSettings::default() };
        assert!(settings.allows_origin("https://APP.example.com"));
        assert!(!settings.allows_origin("https://app.example.com.evil.net"));
        assert!(!settings.allows_origin("http://app.example.com"));
        assert!(!settings.allows_origin("null"));
    }
}
