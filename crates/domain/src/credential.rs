//! What a user proves themselves with beyond what a backend signs: passwords, access tokens, device credentials, and
//! tokens that work once. Of every secret only a hash is kept.

use crate::{SessionId, Timestamp, UserId};

/// A user's password, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordRecord {
    /// Whose.
    pub user_id: UserId,
    /// The argon2id hash in PHC string form, with its parameters.
    pub hash: String,
    /// When it was set.
    pub changed_at: Timestamp,
}

/// A long-lived credential of one user that the app's backend issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// Names it in lists.
    pub id: String,
    /// Whose.
    pub user_id: UserId,
    /// Its first characters, by which people tell tokens apart. They open nothing.
    pub prefix: String,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// When it was issued.
    pub created_at: Timestamp,
    /// After this moment it is refused; `None` is never.
    pub expires_at: Option<Timestamp>,
}

impl AccessToken {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// The generated username and password of one device, and the session slot that they open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCredential {
    /// Generated; unique in the app.
    pub username: String,
    /// Whose device it is.
    pub user_id: UserId,
    /// SHA-256 of the generated password, which has 256 random bits.
    pub hash: [u8; 32],
    /// The session that it opens again.
    pub session_id: SessionId,
    /// What the app wants to know of the device later: a JSON object.
    pub metadata: String,
    /// Made by a stranger in a sandbox app.
    pub sandbox: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A token that works once, before it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// What it is good for.
    pub purpose: OneTimePurpose,
    /// Whose.
    pub user_id: UserId,
    /// From this moment on it is refused.
    pub expires_at: Timestamp,
}

/// What a one-time token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimePurpose {
    /// Opens a first session after a sign-up.
    SignUp,
    /// Sets a new password.
    PasswordReset,
}

impl OneTimePurpose {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignUp => "sign_up",
            Self::PasswordReset => "password_reset",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::SignUp, Self::PasswordReset].into_iter().find(|purpose| purpose.as_str() == word)
    }
}

/// Something that must not be used twice while it could still be good: a JWT's id, a request's signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedOnce {
    /// SHA-256 of what was used, with what kind of thing it is.
    pub hash: [u8; 32],
    /// From this moment on it is refused for its age, and the row is of no more use.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Timestamp,
    /// What it led to, such as a session's id, for a repeat that is answered alike.
    pub result: String,
}
