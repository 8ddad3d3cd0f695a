//! Sessions: one signed-in device each.

use serde::{Deserialize, Serialize};

use crate::{AppId, SessionId, Timestamp, UserId};

/// One signed-in device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The app it belongs to.
    pub app_id: AppId,
    /// Who is signed in.
    pub user_id: UserId,
    /// What the client said of the device.
    pub device: Device,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether it was ended before that.
    pub status: SessionStatus,
}

impl Session {
    /// Whether the session is good at `now`, and if not, why it ended.
    pub fn check(&self, now: Timestamp) -> Result<(), SessionEndReason> {
        match self.status {
            SessionStatus::Ended { reason, .. } => Err(reason),
            SessionStatus::Open if now >= self.expires_at => Err(SessionEndReason::Expired),
            SessionStatus::Open => Ok(()),
        }
    }
}

/// Open, or ended and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStatus {
    /// Good until it expires.
    Open,
    /// Ended for a reason.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        reason: SessionEndReason,
    },
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// The user signed out on this device.
    SignedOut,
    /// Its time was up.
    Expired,
}

impl SessionEndReason {
    /// The word in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Expired => "expired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SignedOut, Self::Expired].into_iter().find(|reason| reason.as_str() == word)
    }
}

/// What a client says of the device it runs on. Every part is optional text for people, never trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// The app's own id of the device.
    pub id: Option<String>,
    /// A name, such as "Ann's phone".
    pub name: Option<String>,
    /// The system, such as "web" or "android".
    pub platform: Option<String>,
    /// The app's version.
    pub app_version: Option<String>,
}
