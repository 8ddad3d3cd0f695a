//! Users and whether they are there.

use callbox_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person in the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Chosen by the app.
    #[schema(value_type = String)]
    pub id: UserId,
    /// When the server first heard of the user.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// A user in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryEntry {
    /// Who.
    pub user: User,
    /// Whether the user is there.
    pub presence: Presence,
}

/// Whether a user can be reached at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Who.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Whether a connection is open.
    pub status: PresenceStatus,
    /// When the last connection closed; `null` while one is open and before the first.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
}

/// Whether a user has an open connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    /// At least one.
    Online,
    /// None.
    Offline,
}

impl User {
    /// As it travels.
    pub fn from_domain(user: &callbox_domain::User) -> Self {
        Self { id: user.id.clone(), created_at: user.created_at }
    }
}

impl Presence {
    /// As it travels.
    pub fn from_domain(user_id: UserId, presence: callbox_domain::Presence) -> Self {
        match presence {
            callbox_domain::Presence::Online => {
                Self { user_id, status: PresenceStatus::Online, last_seen_at: None }
            }
            callbox_domain::Presence::Offline { last_seen_at } => {
                Self { user_id, status: PresenceStatus::Offline, last_seen_at }
            }
        }
    }
}
