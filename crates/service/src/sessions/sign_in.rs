//! Exchanges one credential for a session.

use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{
    App, AppKey, AssertedBy, Device, Directory, IdentityType, MailboxEpoch, Session, SessionId,
    SessionStatus, User, UserId,
};
use callbox_storage::Created;
use callbox_wire::people::DirectoryEntry;
use callbox_wire::{ApiError, ErrorCode};

use super::SessionToken;
use super::identity::{self, NamedUser};
use super::ticket::Ticket;
use crate::error::{Refusal, written};
use crate::{Service, ServiceResult};

/// A credential as a client gave it.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A ticket signed by the app's backend.
    Ticket(String),
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
    /// The web origin that asks, if any.
    pub origin: Option<String>,
}

/// A new session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Its bearer token, told only here.
    pub token: SessionToken,
    /// Who is signed in.
    pub user: User,
}

impl Service {
    /// Opens a session for whom the credential names.
    ///
    /// Errors: `app_key_unknown`, `origin_not_allowed`, `ticket_…`, `open_sign_in_off`, `identity_conflict`,
    /// `invalid_request`.
    pub async fn sign_in(&self, request: SignIn) -> ServiceResult<SignedIn> {
        check_device(&request.device)?;
        if request.expires_in.is_some_and(|life| life.is_zero()) {
            return Err(ApiError::invalid_field("expiresIn", "at least 1 second"));
        }
        let (app, named, ticket_life) = match &request.credential {
            Credential::Ticket(text) => {
                let (app, ticket) = self.check_ticket(text, request.app_key.as_ref()).await?;
                let name = NamedUser::new(ticket.identity_type, &ticket.endpoint, AssertedBy::Backend)
                    .map_err(|problem| malformed(&problem))?;
                (app, name, ticket.expires_in)
            }
            Credential::Open(user_id) => {
                let key = request.app_key.as_ref().ok_or(ErrorCode::CredentialsMissing)?;
                let app = self.find_app(key).await?;
                if !(app.settings.open_sign_in && self.takes_open_sign_in()) {
                    return Err(ErrorCode::OpenSignInOff.into());
                }
                let name = NamedUser::new(IdentityType::Username, user_id.as_str(), AssertedBy::Myself)
                    .map_err(|problem| ApiError::invalid_field("userId", &problem))?;
                (app, name, None)
            }
        };
        if let Some(origin) = request.origin.as_deref().filter(|origin| !app.settings.allows_origin(origin)) {
            return Err(ApiError::new(ErrorCode::OriginNotAllowed).detail("origin", origin));
        }
        let wished = request.expires_in.or_else(|| ticket_life.is_none().then_some(SESSION_LIFE));
        let of_ticket = ticket_life.map(|seconds| Duration::from_secs(u64::from(seconds)));
        let lives = [wished, of_ticket, Some(app.settings.session_life_max())];
        let life = lives.into_iter().flatten().min().unwrap_or(SESSION_LIFE);
        self.open_session(app, named, request.device, life).await
    }

    async fn check_ticket(&self, text: &str, app_key: Option<&AppKey>) -> ServiceResult<(App, Ticket)> {
        let ticket = Ticket::parse(text).map_err(malformed)?;
        let ticket_key = AppKey::new(&ticket.application_key).map_err(|_| ErrorCode::TicketWrongApp)?;
        let app = self.find_signing_app(app_key.unwrap_or(&ticket_key), &ticket_key).await?;
        if !app.secrets.iter().any(|secret| ticket.is_signed_by(&secret.0)) {
            return Err(ErrorCode::TicketSignatureInvalid.into());
        }
        // Signed with the app's secret; now whether it says the right things.
        if app.named != Some(app.app.id) {
            return Err(ErrorCode::TicketWrongApp.into());
        }
        let app = app.app;
        let now = self.clock.now();
        let age_max = Duration::from_secs(u64::from(app.settings.ticket_age_max_seconds));
        if now.since(ticket.created) > age_max {
            return Err(ApiError::new(ErrorCode::TicketExpired)
                .detail("created", ticket.created.to_rfc3339())
                .detail("serverTime", now.to_rfc3339()));
        }
        if ticket.created.since(now) > CLOCK_SKEW_MAX {
            return Err(ApiError::new(ErrorCode::TicketFromFuture)
                .detail("created", ticket.created.to_rfc3339())
                .detail("serverTime", now.to_rfc3339()));
        }
        Ok((app, ticket))
    }

    async fn open_session(
        &self,
        app: App,
        named: NamedUser,
        device: Device,
        life: Duration,
    ) -> ServiceResult<SignedIn> {
        let random = self.random.as_ref();
        let (now, token, epoch) =
            (self.clock.now(), SessionToken::generate(random), MailboxEpoch::generate(random));
        let (session_id, token_hash, app_id) = (SessionId::generate(random), token.hash(), app.id);
        let opened = self.store.write(move |tx| {
            let (user, created) = identity::resolve(tx, app_id, &named, &epoch, now)?;
            let session = Session {
                id: session_id,
                app_id,
                user_id: user.id.clone(),
                device,
                created_at: now,
                expires_at: now.plus(life),
                status: SessionStatus::Open,
            };
            tx.insert_session(&session, &token_hash)?;
            Ok::<_, Refusal>((session, user, created))
        });
        let (session, user, created) = written(opened.await)?;
        tracing::info!(app = %app.key, user = %user.id, session = %session.id, "signed in");
        if created == Created::New && app.settings.directory == Directory::Everyone {
            let entry = DirectoryEntry {
                user: callbox_wire::people::User::from_domain(&user),
                presence: self.presence_of(app_id, &user),
            };
            self.bus.publish(Notice::UserAdded { app_id, entry });
        }
        Ok(SignedIn { session, token, user })
    }
}

fn malformed(problem: impl AsRef<str>) -> ApiError {
    let problem = problem.as_ref();
    ApiError::with_message(ErrorCode::TicketMalformed, format!("The ticket cannot be read: {problem}."))
}

fn check_device(device: &Device) -> ServiceResult<()> {
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

/// Life of a session whose credential and request do not say.
const SESSION_LIFE: Duration = Duration::from_hours(24);

/// How far a backend's clock may run ahead.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);

/// Longest text in a device description.
const DEVICE_TEXT_BYTES_MAX: usize = 256;
