//! What users do with their own accounts: sign-up, passwords, identities, devices.

use callbox_domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::managed::AssertedBy;
use crate::people::User;
use crate::session::{Device, Identity, IdentityType, Session};

/// `POST /v1/users`: names of one's own, and a password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpRequest {
    /// Names to sign in with, 1 to 3.
    pub identities: Vec<Identity>,
    /// 8 to 256 characters, not easy to guess, none of the names.
    pub password: String,
}

/// The answer to a sign-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpAnswer {
    /// The new user.
    pub user: User,
    /// Opens the first session: give it as `ticket` to `POST /v1/sessions`, once, within ten minutes.
    pub ticket: String,
}

/// `PUT /v1/me/password`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangePasswordRequest {
    /// The password of now; left out only by a user who has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_password: Option<String>,
    /// The password from now on.
    pub new_password: String,
}

/// `POST /v1/password-resets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetPasswordRequest {
    /// The token that the app's backend sent to the user.
    pub token: String,
    /// The password from now on.
    pub new_password: String,
}

/// One of a user's own identities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnIdentity {
    /// What kind of name.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The name in its normal form.
    pub value: String,
    /// Who vouches for it.
    pub asserted_by: AssertedBy,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// `POST /v1/register`: whom the device is for, and who vouches.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterRequest {
    /// The user's id. May be left out where a ticket or a JWT says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// A ticket of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// A JWT of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<String>,
    /// Whether the session used least recently makes room, where there must be (the default), or this is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
    /// What the app wants to know of the device later, at most 4 KiB as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// What the device is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
}

/// The answer to a registration. `username` and `password` open the same session slot again: keep them on the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisterAnswer {
    /// Generated.
    pub username: String,
    /// Generated; told only here.
    pub password: String,
    /// The session's bearer token.
    pub token: String,
    /// The session's secret, which signs requests.
    pub secret: String,
    /// The session.
    pub session: Session,
    /// Whose device it is.
    pub user: User,
}

impl From<callbox_domain::Identity> for OwnIdentity {
    fn from(identity: callbox_domain::Identity) -> Self {
        Self {
            identity_type: identity.identity_type.into(),
            value: identity.value,
            asserted_by: identity.asserted_by.into(),
            created_at: identity.created_at,
        }
    }
}
