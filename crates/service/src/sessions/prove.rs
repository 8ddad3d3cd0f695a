//! What each kind of credential proves. Nothing is written here: whatever must hold at the moment of the sign-in is
//! looked at again inside the write that opens the session.

use std::time::Duration;

use callbox_domain::{
    App, AppKey, AssertedBy, CredentialKind, IdentityType, OneTimePurpose, Secret, Timestamp, UserId,
};
use callbox_wire::{ApiError, ErrorCode};
use sha2::{Digest, Sha256};

use super::Credential;
use super::identity::NamedUser;
use super::ticket::Ticket;
use crate::error::read;
use crate::{Service, ServiceResult};

/// What a credential proved.
pub(super) struct Proven {
    pub app: App,
    pub who: Who,
    pub kind: CredentialKind,
    /// The session's life as far as the credential decides it.
    pub life: Option<Duration>,
}

/// Whom a credential leads to.
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// The user of a name, made where there is none.
    Named(NamedUser),
    /// Whoever comes without a credential as this user, who must not have one.
    Unproven(NamedUser),
    /// The holder of an access token with this SHA-256.
    AccessToken(UserId, [u8; 32]),
    /// The user who signed up a moment ago, by the SHA-256 of the ticket that the sign-up gave.
    SignedUp([u8; 32]),
}

impl Service {
    /// Checks a credential.
    pub(super) async fn prove(
        &self,
        credential: &Credential,
        app_key: Option<&AppKey>,
    ) -> ServiceResult<Proven> {
        let proven = match credential {
            Credential::Ticket(text) if text.starts_with(ONE_TIME_TICKET_PREFIX) => {
                self.prove_sign_up(text, app_key).await?
            }
            Credential::Ticket(text) => self.prove_ticket(text, app_key).await?,
            Credential::AccessToken(user_id, token) => {
                self.prove_access_token(user_id, token, app_key).await?
            }
            Credential::Open(user_id) => self.prove_nothing(user_id, app_key).await?,
        };
        check_way(&proven.app, proven.kind)?;
        Ok(proven)
    }

    async fn prove_ticket(&self, text: &str, app_key: Option<&AppKey>) -> ServiceResult<Proven> {
        let (app, ticket) = self.check_ticket(text, app_key).await?;
        let name = NamedUser::new(ticket.identity_type, &ticket.endpoint, AssertedBy::Backend)
            .map_err(|problem| malformed(&problem))?;
        let life = ticket.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Ok(Proven { app, who: Who::Named(name), kind: CredentialKind::Ticket, life })
    }

    /// The app and the contents of a ticket that the app's backend signed, and not too long ago.
    pub(super) async fn check_ticket(
        &self,
        text: &str,
        app_key: Option<&AppKey>,
    ) -> ServiceResult<(App, Ticket)> {
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
        let age_max = Duration::from_secs(u64::from(app.settings.ticket_age_max_seconds));
        check_age(ticket.created, self.clock.now(), age_max)?;
        Ok((app, ticket))
    }

    async fn prove_access_token(
        &self,
        user_id: &UserId,
        token: &Secret<String>,
        app_key: Option<&AppKey>,
    ) -> ServiceResult<Proven> {
        let app = self.find_app(app_key.ok_or(ErrorCode::CredentialsMissing)?).await?;
        let who = Who::AccessToken(user_id.clone(), sha256(token.expose()));
        Ok(Proven { app, who, kind: CredentialKind::AccessToken, life: None })
    }

    async fn prove_sign_up(&self, ticket: &str, app_key: Option<&AppKey>) -> ServiceResult<Proven> {
        let app = self.find_app(app_key.ok_or(ErrorCode::CredentialsMissing)?).await?;
        Ok(Proven { app, who: Who::SignedUp(sha256(ticket)), kind: CredentialKind::Password, life: None })
    }

    async fn prove_nothing(&self, user_id: &UserId, app_key: Option<&AppKey>) -> ServiceResult<Proven> {
        let app = self.find_app(app_key.ok_or(ErrorCode::CredentialsMissing)?).await?;
        if !(app.settings.open_sign_in && self.takes_open_sign_in()) {
            return Err(ErrorCode::OpenSignInOff.into());
        }
        let name = NamedUser::new(IdentityType::Username, user_id.as_str(), AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field("userId", &problem))?;
        Ok(Proven { app, who: Who::Unproven(name), kind: CredentialKind::Open, life: None })
    }

    /// Whether a user has an access token that is good at `now`: their sessions are renewed only while they do.
    pub(super) async fn has_access_token(
        &self,
        app: &App,
        user: &UserId,
        now: Timestamp,
    ) -> ServiceResult<bool> {
        let (app, user) = (app.id, user.clone());
        let tokens = read(self.store.read(move |store| store.access_tokens_of(app, &user)).await)?;
        Ok(tokens.iter().any(|token| token.is_good(now)))
    }
}

/// Whether the app lets users in this way.
fn check_way(app: &App, kind: CredentialKind) -> ServiceResult<()> {
    if app.disabled_at.is_some() {
        return Err(ErrorCode::AppDisabled.into());
    }
    let settings = &app.settings;
    let is_on = match kind {
        CredentialKind::Ticket => settings.ticket_sign_in,
        CredentialKind::Jwt => settings.jwt_sign_in,
        CredentialKind::AccessToken => settings.access_token_sign_in,
        CredentialKind::Password => settings.password_sign_in,
        CredentialKind::Device => settings.register,
        CredentialKind::Open => settings.open_sign_in,
    };
    if is_on {
        Ok(())
    } else {
        Err(ApiError::new(ErrorCode::SignInWayOff).detail("credential", kind.as_str()))
    }
}

fn check_age(created: Timestamp, now: Timestamp, age_max: Duration) -> ServiceResult<()> {
    let code = if now.since(created) > age_max {
        ErrorCode::TicketExpired
    } else if created.since(now) > CLOCK_SKEW_MAX {
        ErrorCode::TicketFromFuture
    } else {
        return Ok(());
    };
    Err(ApiError::new(code).detail("created", created.to_rfc3339()).detail("serverTime", now.to_rfc3339()))
}

fn malformed(problem: impl AsRef<str>) -> ApiError {
    let problem = problem.as_ref();
    ApiError::with_message(ErrorCode::TicketMalformed, format!("The ticket cannot be read: {problem}."))
}

/// What is kept of a generated secret, which has 256 random bits.
pub(crate) fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What a one-time ticket is for; the other one-time tokens go elsewhere.
pub(super) const ONE_TIME_TICKET: OneTimePurpose = OneTimePurpose::SignUp;

/// How the ticket of a sign-up begins. No ticket of a backend does: '_' is not of its alphabet.
pub(crate) const ONE_TIME_TICKET_PREFIX: &str = "cbt_";

/// How far a backend's clock may run ahead.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);
