//! Exchanges one credential for a session.

use std::time::Duration;

use callbox_domain::{AppKey, ClientAddress, Device, IdentityType, Secret, Session, User, UserId};
use callbox_wire::{ApiError, ErrorCode};

use super::prove::Asking;
use super::{SessionSecret, SessionToken};
use crate::{Service, ServiceResult};

/// A credential as a client gave it.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A ticket signed by the app's backend, or the one-time ticket of a sign-up.
    Ticket(String),
    /// A JWT of the app's backend, or of one of its identity providers.
    Jwt(String),
    /// A password, with a name by which its user signed up.
    Password(IdentityType, String, Secret<String>),
    /// The generated username and password of a registered device.
    Device(String, Secret<String>),
    /// An access token of this user.
    AccessToken(UserId, Secret<String>),
    /// A user id alone, where the app switched open sign-in on.
    Open(UserId),
}

/// A sign-in.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The app, where the request named one. A ticket can stand alone: it names its app itself.
    pub app_key: Option<AppKey>,
    /// The credential.
    pub credential: Credential,
    /// What the client says of its device.
    pub device: Device,
    /// Wished life of the session.
    pub expires_in: Option<Duration>,
    /// Whether the session used least recently ends where there are as many as the app allows; refused otherwise.
    pub force: bool,
    /// The web origin that asks, if any.
    pub origin: Option<String>,
    /// Where the request comes from, as far as that is known.
    pub address: Option<ClientAddress>,
}

/// A new session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Its bearer token, told only here.
    pub token: SessionToken,
    /// What signs its requests.
    pub secret: SessionSecret,
    /// Who is signed in.
    pub user: User,
}

impl Service {
    /// Opens a session for whom the credential names.
    ///
    /// Errors: `app_key_unknown`, `app_disabled`, `origin_not_allowed`, `sign_in_way_off`, `open_sign_in_off`,
    /// `ticket_…`, `jwt_…`, `keys_unavailable`, `one_time_token_unknown`, `access_token_unknown`, `credentials_wrong`,
    /// `rate_limited`, `overloaded`, `user_blocked`, `identity_conflict`, `session_limit_reached`, `invalid_request`.
    pub async fn sign_in(&self, request: SignIn) -> ServiceResult<SignedIn> {
        check_device(&request.device)?;
        let life = wished_life(request.expires_in)?;
        let asking = Asking {
            app_key: request.app_key.as_ref(),
            device: request.device.id.as_deref(),
            address: request.address,
        };
        let proven = self.prove(&request.credential, &asking).await?;
        check_app_origin(&proven.app.settings, request.origin.as_deref())?;
        self.open_session(proven, request.device, life, request.force).await
    }
}

/// The life that a client asks for, checked.
pub(super) fn wished_life(expires_in: Option<Duration>) -> ServiceResult<Option<Duration>> {
    match expires_in {
        Some(Duration::ZERO) => Err(ApiError::invalid_field("expiresIn", "at least 1 second")),
        life => Ok(life),
    }
}

/// Whether a web page of `origin` may use the app.
pub(crate) fn check_app_origin(
    settings: &callbox_domain::AppSettings,
    origin: Option<&str>,
) -> ServiceResult<()> {
    match origin.filter(|origin| !settings.allows_origin(origin)) {
        Some(origin) => Err(ApiError::new(ErrorCode::OriginNotAllowed).detail("origin", origin)),
        None => Ok(()),
    }
}

/// Whether a device says little enough of itself.
pub(super) fn check_device(device: &Device) -> ServiceResult<()> {
    let fields = [
        ("device.id", &device.id),
        ("device.name", &device.name),
        ("device.platform", &device.platform),
        ("device.appVersion", &device.app_version),
    ];
    for (path, text) in fields {
        if text.as_ref().is_some_and(|text| text.len() > DEVICE_TEXT_BYTES_MAX) {
            return Err(ApiError::invalid_field(path, "at most 256 bytes"));
        }
    }
    Ok(())
}

/// Longest text in a device description.
const DEVICE_TEXT_BYTES_MAX: usize = 256;
