//! Users and the names by which they are known.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// A person in an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Chosen by the app.
    pub id: UserId,
    /// When the server first heard of the user.
    pub created_at: Timestamp,
    /// When the user's last connection closed; `None` before the first.
    pub last_seen_at: Option<Timestamp>,
    /// Since when the user may not sign in, if so.
    pub blocked_at: Option<Timestamp>,
}

/// A name that leads to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// What kind of name.
    pub identity_type: IdentityType,
    /// The name in its normal form.
    pub value: String,
    /// The user that it leads to.
    pub user_id: UserId,
    /// Who said that this name is this user's.
    pub asserted_by: AssertedBy,
    /// When that was said.
    pub created_at: Timestamp,
}

/// Kinds of names. The words are those of tickets in the field (`identity.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum IdentityType {
    /// A user name; the user id of users whom a backend names.
    Username,
    /// An e-mail address.
    Email,
    /// A phone number in E.164 form.
    Number,
}

impl IdentityType {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::Number => "number",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Username, Self::Email, Self::Number].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Who vouched for an identity. The two never mix: a backend's credential does not open a user whom a stranger signed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AssertedBy {
    /// The app's backend, by a signed credential.
    Backend,
    /// The user alone (open sign-in, and sign-up).
    Myself,
}

impl AssertedBy {
    /// The word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backend => "backend",
            Self::Myself => "self",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Backend, Self::Myself].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// Whether a user can be reached at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// At least one connection is open.
    Online,
    /// No connection is open; when the last one closed, if there ever was one.
    Offline {
        /// The end of the last connection.
        last_seen_at: Option<Timestamp>,
    },
}
