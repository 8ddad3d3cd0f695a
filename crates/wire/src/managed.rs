//! Users as those see them who manage an app: its backend and the operator.

use callbox_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::session::{Identity, IdentityType};

/// A user of the app, with everything that is known of them but their credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppUser {
    /// Chosen by the app.
    #[schema(value_type = String)]
    pub id: UserId,
    /// When the server first heard of the user.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When the user's last connection closed; `null` before the first.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub last_seen_at: Option<Timestamp>,
    /// Since when the user may not sign in; `null` where they may.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub blocked_at: Option<Timestamp>,
    /// The names that lead to the user.
    pub identities: Vec<AppIdentity>,
}

/// A name that leads to a user, and who said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppIdentity {
    /// What kind of name.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The name in its normal form.
    pub value: String,
    /// Who said that it is this user's.
    pub asserted_by: AssertedBy,
}

/// Who vouches for an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssertedBy {
    /// The app's backend.
    Backend,
    /// The user alone, by open sign-in or sign-up.
    #[serde(rename = "self")]
    Myself,
}

/// A new user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateUserRequest {
    /// The user's id, which is a user name of theirs too.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Further names that lead to the user; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub identities: Vec<Identity>,
}

/// What is to change of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateUserRequest {
    /// Whether the user is kept from signing in.
    pub blocked: bool,
}

/// A name that leads to a user from now on, because the backend says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkIdentityRequest {
    /// What kind of name.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The name. E-mail addresses are compared without case; numbers are E.164 with '+'.
    pub value: String,
    /// Whether to take it from another user who claimed it without the backend; `false` where it is left out.
    #[serde(default, rename = "move", skip_serializing_if = "Option::is_none")]
    pub take: Option<bool>,
}

/// How long an access token is to be good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueAccessTokenRequest {
    /// In seconds; where it is left out, until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
}

/// A long-lived credential of one user, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessToken {
    /// Names it in this API. It opens nothing.
    pub id: String,
    /// The token's first characters, by which people tell tokens apart.
    pub prefix: String,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From this moment on it is refused; `null` is never.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// A new access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedAccessToken {
    /// The token itself, told only this once.
    pub token: String,
    /// As lists show it.
    pub access_token: AccessToken,
}

/// A token by which a user sets a new password, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordReset {
    /// The token itself, told only this once: send it to the user. An older one no longer works.
    pub token: String,
    /// From this moment on it is refused.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// How long the session is to live that a ticket opens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueTicketRequest {
    /// In seconds; 3,600 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
}

/// A ticket as the app's backend would have signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedTicket {
    /// The ticket. It opens sessions until it is too old.
    pub ticket: String,
}

impl AppUser {
    /// As it travels.
    pub fn from_domain(
        user: callbox_domain::User,
        identities: impl IntoIterator<Item = callbox_domain::Identity>,
    ) -> Self {
        Self {
            id: user.id,
            created_at: user.created_at,
            last_seen_at: user.last_seen_at,
            blocked_at: user.blocked_at,
            identities: identities.into_iter().map(AppIdentity::from).collect(),
        }
    }
}

impl From<callbox_domain::Identity> for AppIdentity {
    fn from(identity: callbox_domain::Identity) -> Self {
        Self {
            identity_type: identity.identity_type.into(),
            value: identity.value,
            asserted_by: identity.asserted_by.into(),
        }
    }
}

impl From<callbox_domain::AssertedBy> for AssertedBy {
    fn from(asserted_by: callbox_domain::AssertedBy) -> Self {
        match asserted_by {
            callbox_domain::AssertedBy::Backend => Self::Backend,
            callbox_domain::AssertedBy::Myself => Self::Myself,
        }
    }
}

impl From<callbox_domain::AccessToken> for AccessToken {
    fn from(token: callbox_domain::AccessToken) -> Self {
        let callbox_domain::AccessToken { id, prefix, created_at, expires_at, .. } = token;
        Self { id, prefix, created_at, expires_at }
    }
}
