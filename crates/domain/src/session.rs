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
    /// How the user proved who they are.
    pub credential: CredentialKind,
    /// When it was last used, to within about a minute: a write for each request would cost more than it tells.
    pub last_used_at: Timestamp,
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

/// A line of the list of ended sessions, by which every node learns whom to let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// Rises by each ended session of the whole server.
    pub number: u64,
    /// The app.
    pub app_id: AppId,
    /// Whose session.
    pub user_id: UserId,
    /// Which.
    pub session_id: SessionId,
    /// Why.
    pub reason: SessionEndReason,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in SQL and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// Why a session is over.
    SessionEndReason {
        /// The user signed out on this device.
        SignedOut "signed_out",
        /// Its time was up.
        Expired "expired",
        /// The user ended it from another session.
        EndedByUser "ended_by_user",
        /// The user signed in on more devices than the app allows, and this one was used least.
        Replaced "replaced",
        /// The user's password changed.
        PasswordChanged "password_changed",
        /// The app's backend ended it.
        EndedByApp "ended_by_app",
        /// The operator ended it.
        EndedByOperator "ended_by_operator",
        /// The user was blocked.
        UserBlocked "user_blocked",
        /// The user was deleted.
        UserDeleted "user_deleted",
        /// The app was disabled.
        AppDisabled "app_disabled",
        /// The app's secret was rotated, and its sessions with it.
        SecretRotated "secret_rotated",
    }
}

words! {
    /// How a user proved who they are.
    CredentialKind {
        /// A ticket signed by the app's backend.
        Ticket "ticket",
        /// A JWT of the app's backend or identity provider.
        Jwt "jwt",
        /// An access token that the app's backend issued.
        AccessToken "access_token",
        /// A password, or the ticket that a sign-up gave.
        Password "password",
        /// The credential of a registered device.
        Device "device",
        /// Nothing: open sign-in.
        Open "open",
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
