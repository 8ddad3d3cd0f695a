//! Signing in and sessions.

use callbox_domain::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::User;

/// `POST /v1/sessions`: exactly one credential, and what the client wants of the session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInRequest {
    /// A ticket signed by the app's backend, or the one that a sign-up answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// A JWT of the app's backend or of its identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<String>,
    /// With `accessToken`: whose it is. Alone: open sign-in, only where the app switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub user_id: Option<UserId>,
    /// With `userId`: an access token that the app's backend issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// With `password`: a name by which the user signed up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// With `password`: the generated username of a registered device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// With `identity` or `username`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// What the session's device is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Wished life of the session in seconds; 86,400 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
    /// Where the user has as many sessions as the app allows: whether the one used least recently ends for this one
    /// (the default), or the sign-in is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub force: Option<bool>,
}

/// A name by which a user is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// What kind of name.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The name. E-mail addresses are compared without case; numbers are E.164 with '+'.
    pub value: String,
}

/// Kinds of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentityType {
    /// A user name.
    Username,
    /// An e-mail address.
    Email,
    /// A phone number.
    Number,
}

/// What a client says of its device. For people; never trusted. Each text is at most 256 bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// The app's own id of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A name, such as "Ann's phone".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The system, such as "web" or "android".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The app's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
}

/// The answer to a sign-in: the session with its token, which is told only this once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInAnswer {
    /// Use it as `Authorization: Bearer <token>` and in the socket's hello. Keep it like a password.
    pub token: String,
    /// Signs requests (`Authorization: Instance <sessionId>:<signature>`), for clients that must not send a token.
    pub secret: String,
    /// The session.
    pub session: Session,
    /// Who is signed in.
    pub user: User,
}

/// The answer to `GET /v1/session`: the session is good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The session.
    pub session: Session,
    /// Who is signed in.
    pub user: User,
}

/// `POST /v1/session/renew`: a fresh credential where the session needs one, and the wished life.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenewSessionRequest {
    /// A fresh ticket for the same user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// A fresh JWT for the same user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<String>,
    /// Wished life from now on, in seconds; 86,400 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
}

/// A session in the list of its user's sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Whether it has an open connection.
    pub connected: bool,
}

/// One signed-in device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SessionId,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When it was last used, to within a minute.
    #[schema(value_type = String, format = DateTime)]
    pub last_used_at: Timestamp,
    /// How the user proved who they are.
    pub credential: CredentialKind,
    /// What the client said of its device.
    pub device: SessionDevice,
}

/// How a user proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A ticket signed by the app's backend.
    Ticket,
    /// A JWT.
    Jwt,
    /// An access token that the app's backend issued.
    AccessToken,
    /// A password, or the ticket of a sign-up.
    Password,
    /// The credential of a registered device.
    Device,
    /// Nothing: open sign-in.
    Open,
}

/// A session's device as it was told; `null` where it was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionDevice {
    /// The app's own id of the device.
    #[schema(required)]
    pub id: Option<String>,
    /// A name.
    #[schema(required)]
    pub name: Option<String>,
    /// The system.
    #[schema(required)]
    pub platform: Option<String>,
    /// The app's version.
    #[schema(required)]
    pub app_version: Option<String>,
}

impl From<callbox_domain::Session> for Session {
    fn from(session: callbox_domain::Session) -> Self {
        let callbox_domain::Device { id, name, platform, app_version } = session.device;
        Self {
            id: session.id,
            created_at: session.created_at,
            expires_at: session.expires_at,
            last_used_at: session.last_used_at,
            credential: session.credential.into(),
            device: SessionDevice { id, name, platform, app_version },
        }
    }
}

impl From<Device> for callbox_domain::Device {
    fn from(device: Device) -> Self {
        let Device { id, name, platform, app_version } = device;
        Self { id, name, platform, app_version }
    }
}

impl From<callbox_domain::CredentialKind> for CredentialKind {
    fn from(kind: callbox_domain::CredentialKind) -> Self {
        use callbox_domain::CredentialKind as Kind;
        match kind {
            Kind::Ticket => Self::Ticket,
            Kind::Jwt => Self::Jwt,
            Kind::AccessToken => Self::AccessToken,
            Kind::Password => Self::Password,
            Kind::Device => Self::Device,
            Kind::Open => Self::Open,
        }
    }
}

impl From<IdentityType> for callbox_domain::IdentityType {
    fn from(kind: IdentityType) -> Self {
        match kind {
            IdentityType::Username => Self::Username,
            IdentityType::Email => Self::Email,
            IdentityType::Number => Self::Number,
        }
    }
}

impl From<callbox_domain::IdentityType> for IdentityType {
    fn from(kind: callbox_domain::IdentityType) -> Self {
        use callbox_domain::IdentityType as Kind;
        match kind {
            Kind::Username => Self::Username,
            Kind::Email => Self::Email,
            Kind::Number => Self::Number,
        }
    }
}
