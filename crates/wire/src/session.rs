//! Signing in and sessions.

use callbox_domain::{SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::User;

/// `POST /v1/sessions`: exactly one credential, and what the client wants of the session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignInRequest {
    /// A ticket signed by the app's backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Open sign-in: any user id, only where the app switched that on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub user_id: Option<UserId>,
    /// What the session's device is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Wished life of the session in seconds; 86,400 where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u32>,
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
    /// What the client said of its device.
    pub device: SessionDevice,
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
