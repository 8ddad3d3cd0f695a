//! What each kind of credential proves. Nothing is written here: whatever must hold at the moment of the sign-in is
//! looked at again inside the write that opens the session.

use std::time::Duration;

use callbox_domain::{
    App, AppKey, AssertedBy, ClientAddress, CredentialKind, IdentityType, OneTimePurpose, Secret, Timestamp,
    UserId,
};
use callbox_wire::{ApiError, ErrorCode};

use super::Credential;
use super::identity::NamedUser;
use super::jwt::Jwt;
use super::ticket::Ticket;
use crate::error::read;
use crate::generated::sha256;
use crate::{Service, ServiceResult};

/// Who asks, beside the credential.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asking<'a> {
    /// The app, where the request names one.
    pub app_key: Option<&'a AppKey>,
    /// The client's own id of its device.
    pub device: Option<&'a str>,
    /// Where the request comes from.
    pub address: Option<ClientAddress>,
}

impl Asking<'_> {
    fn app_key(&self) -> Result<&AppKey, ErrorCode> {
        self.app_key.ok_or(ErrorCode::CredentialsMissing)
    }
}

/// What a credential proved.
pub(crate) struct Proven {
    pub app: App,
    pub who: Who,
    pub kind: CredentialKind,
    /// The session's life as far as the credential decides it.
    pub life: Option<Duration>,
    /// Where the credential is good for one use.
    pub once: Option<Once>,
}

/// Whom a credential leads to.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// The user of a name, made where there is none.
    Named(NamedUser),
    /// Whoever comes without a credential as this user, who must not have one.
    Unproven(NamedUser),
    /// The user with this password, by the hash that was verified.
    Password(UserId, String),
    /// The holder of an access token with this SHA-256.
    AccessToken(UserId, [u8; 32]),
    /// The device with this username, by the SHA-256 of its password.
    Device(String, [u8; 32]),
    /// The user who signed up a moment ago, by the SHA-256 of the ticket that the sign-up gave.
    SignedUp([u8; 32]),
}

/// What is noted of a credential that is good for one use.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    /// Names the credential.
    pub hash: [u8; 32],
    /// From then on it is refused anyway.
    pub expires_at: Timestamp,
}

impl Service {
    /// Checks a credential.
    pub(crate) async fn prove(&self, credential: &Credential, asking: &Asking<'_>) -> ServiceResult<Proven> {
        match credential {
            Credential::Ticket(text) if text.starts_with(ONE_TIME_TICKET_PREFIX) => {
                let app = self.app_with(asking, CredentialKind::Password).await?;
                Ok(proven(app, Who::SignedUp(sha256(text)), CredentialKind::Password))
            }
            Credential::Ticket(text) => self.prove_ticket(text, asking.app_key).await,
            Credential::Jwt(text) => self.prove_jwt(text, asking.app_key).await,
            Credential::Password(kind, value, password) => {
                self.prove_password(*kind, value, password, asking).await
            }
            Credential::Device(username, password) => {
                let app = self.app_with(asking, CredentialKind::Device).await?;
                let who = Who::Device(username.clone(), sha256(password.expose()));
                Ok(proven(app, who, CredentialKind::Device))
            }
            Credential::AccessToken(user_id, token) => {
                let app = self.app_with(asking, CredentialKind::AccessToken).await?;
                let who = Who::AccessToken(user_id.clone(), sha256(token.expose()));
                Ok(proven(app, who, CredentialKind::AccessToken))
            }
            Credential::Open(user_id) => self.prove_nothing(user_id, asking).await,
        }
    }

    /// The app that the request names, if it lets users in this way.
    async fn app_with(&self, asking: &Asking<'_>, kind: CredentialKind) -> ServiceResult<App> {
        let app = self.find_app(asking.app_key()?).await?;
        check_way(&app, kind)?;
        Ok(app)
    }

    async fn prove_ticket(&self, text: &str, app_key: Option<&AppKey>) -> ServiceResult<Proven> {
        let (app, ticket) = self.check_ticket(text, app_key).await?;
        check_way(&app, CredentialKind::Ticket)?;
        let name = NamedUser::new(ticket.identity_type, &ticket.endpoint, AssertedBy::Backend)
            .map_err(|problem| malformed(&problem))?;
        let life = ticket.expires_in.map(|seconds| Duration::from_secs(u64::from(seconds)));
        Ok(Proven { life, ..proven(app, Who::Named(name), CredentialKind::Ticket) })
    }

    /// The app and the contents of a ticket that the app's backend signed, and not too long ago.
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
        let age_max = Duration::from_secs(u64::from(app.settings.ticket_age_max_seconds));
        check_age(ticket.created, self.clock.now(), age_max)?;
        Ok((app, ticket))
    }

    async fn prove_jwt(&self, text: &str, app_key: Option<&AppKey>) -> ServiceResult<Proven> {
        let jwt = Jwt::parse(text)?;
        let named = AppKey::new(jwt.app_key()).ok();
        let app_key = app_key.or(named.as_ref()).ok_or(ErrorCode::CredentialsMissing)?;
        let signing = self.find_signing_app(app_key, named.as_ref().unwrap_or(app_key)).await?;
        check_way(&signing.app, CredentialKind::Jwt)?;
        let now = self.clock.now();
        let issuer = jwt.issuer_among(&signing.app.settings.jwt_issuers).cloned();
        let is_provider = issuer.is_some();
        let user = if let Some(issuer) = issuer {
            self.issuer_keys.verify(&jwt, &issuer).await?
        } else {
            let leads_here = named.is_some() && signing.named == Some(signing.app.id);
            jwt.verify_by_secrets(&signing.secrets, |_| leads_here, now)?
        };
        let name = NamedUser::new(IdentityType::Username, user.user_id.as_str(), AssertedBy::Backend)
            .map_err(|problem| ApiError::invalid_field("jwt", &problem))?;
        // A provider's JWT is the page's own for as long as it lives; what a backend signs is for one sign-in.
        let once = user.unique_id.filter(|_| !is_provider).map(|id| Once {
            hash: sha256(&format!("jwt|{}|{id}", user.issuer)),
            expires_at: user.expires_at.plus(CLOCK_SKEW_MAX),
        });
        let life = user.session_expires_at.map(|end| end.since(now));
        Ok(Proven { app: signing.app, who: Who::Named(name), kind: CredentialKind::Jwt, life, once })
    }

    /// An unknown name and a wrong password answer the same, at the same cost.
    async fn prove_password(
        &self,
        identity_type: IdentityType,
        value: &str,
        password: &Secret<String>,
        asking: &Asking<'_>,
    ) -> ServiceResult<Proven> {
        let app = self.app_with(asking, CredentialKind::Password).await?;
        let name = NamedUser::new(identity_type, value, AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field("identity.value", &problem))?;
        let account = format!("{}|{}|{}", app.id, identity_type.as_str(), name.value);
        let (app_id, wanted, names_device) = (app.id, name.value.clone(), asking.device.is_some());
        let found = self.store.read(move |store| {
            let Some(identity) = store.identity(app_id, identity_type, &wanted)? else { return Ok(None) };
            let Some(password) = store.password(app_id, &identity.user_id)? else { return Ok(None) };
            let sessions =
                if names_device { store.open_sessions_of(app_id, &identity.user_id)? } else { Vec::new() };
            Ok(Some((password, sessions)))
        });
        let found = read(found.await)?;
        let known_device = asking.device.is_some_and(|device| {
            let sessions = found.as_ref().map(|(_, sessions)| sessions.as_slice()).unwrap_or_default();
            sessions.iter().any(|session| session.device.id.as_deref() == Some(device))
        });
        let attempt = self.guessing.check(&account, asking.address, known_device)?;
        let phc = found.as_ref().map(|(password, _)| password.hash.clone());
        let good = self.passwords.verify(password.clone(), phc).await?;
        let Some((record, _)) = found.filter(|_| good) else {
            attempt.failed();
            return Err(ErrorCode::CredentialsWrong.into());
        };
        attempt.succeeded();
        let record = self.keep_password_fresh(app.id, record, password).await;
        let who = Who::Password(record.user_id, record.hash);
        Ok(proven(app, who, CredentialKind::Password))
    }

    async fn prove_nothing(&self, user_id: &UserId, asking: &Asking<'_>) -> ServiceResult<Proven> {
        let app = self.find_app(asking.app_key()?).await?;
        if !(app.settings.open_sign_in && self.takes_open_sign_in()) {
            return Err(ErrorCode::OpenSignInOff.into());
        }
        check_way(&app, CredentialKind::Open)?;
        let name = NamedUser::new(IdentityType::Username, user_id.as_str(), AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field("userId", &problem))?;
        Ok(proven(app, Who::Unproven(name), CredentialKind::Open))
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

/// A credential that may be used again, and leaves the session's life to others.
pub(super) fn proven(app: App, who: Who, kind: CredentialKind) -> Proven {
    Proven { app, who, kind, life: None, once: None }
}

/// Whether the app lets users in this way.
pub(crate) fn check_way(app: &App, kind: CredentialKind) -> ServiceResult<()> {
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

/// What a one-time ticket is for; the other one-time tokens go elsewhere.
pub(super) const ONE_TIME_TICKET: OneTimePurpose = OneTimePurpose::SignUp;

/// How the ticket of a sign-up begins. No ticket of a backend does: '_' is not of its alphabet.
pub(crate) const ONE_TIME_TICKET_PREFIX: &str = "cbt_";

/// How far a backend's clock may run ahead.
const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);
