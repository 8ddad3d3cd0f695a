//! A stranger becomes a user, with names of their own and a password.

use callbox_bus::Notice;
use callbox_domain::random::random_text;
use callbox_domain::{
    App, AppKey, AssertedBy, ClientAddress, CredentialKind, Directory, Identity, IdentityType, MailboxEpoch,
    OneTimePurpose, OneTimeToken, PasswordRecord, Random, Secret, Timestamp, User, UserId,
};
use callbox_storage::{Created, Tx};
use callbox_wire::people::DirectoryEntry;
use callbox_wire::{ApiError, ErrorCode};

use crate::error::{Refusal, written};
use crate::generated::{random_secret, sha256};
use crate::sessions::check_app_origin;
use crate::sessions::identity::NamedUser;
use crate::sessions::prove::{ONE_TIME_TICKET_PREFIX, check_way};
use crate::{Service, ServiceResult};

/// A sign-up.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// Which app.
    pub app_key: AppKey,
    /// Names by which the user will sign in, 1 to 3.
    pub identities: Vec<(IdentityType, String)>,
    /// What the user will sign in with.
    pub password: Secret<String>,
    /// The web origin that asks, if any.
    pub origin: Option<String>,
    /// Where the request comes from.
    pub address: Option<ClientAddress>,
}

/// A new user.
#[derive(Debug, Clone)]
pub struct SignedUp {
    /// Who.
    pub user: User,
    /// Opens the first session, once, within ten minutes.
    pub ticket: Secret<String>,
}

impl Service {
    /// Makes a user. Where the app's backend names users too, the user gets a generated id: a stranger never takes an id
    /// that the backend could mean.
    ///
    /// Errors: `app_key_unknown`, `app_disabled`, `sign_in_way_off`, `origin_not_allowed`, `invalid_request`,
    /// `password_weak`, `rate_limited`, `overloaded`, `identity_taken`.
    pub async fn sign_up(&self, request: SignUp) -> ServiceResult<SignedUp> {
        let app = self.find_app(&request.app_key).await?;
        check_way(&app, CredentialKind::Password)?;
        check_app_origin(&app.settings, request.origin.as_deref())?;
        let names = checked_names(&request.identities)?;
        self.guessing.count_sign_up(request.address)?;
        let texts = names.iter().map(|name| name.value.clone()).collect();
        let hash = self.passwords.hash_chosen(request.password, texts, self.random.as_ref()).await?;

        let now = self.clock.now();
        let user_id = user_id(&app, &names, self.random.as_ref());
        let ticket = random_secret(ONE_TIME_TICKET_PREFIX, self.random.as_ref());
        let user = User { id: user_id, created_at: now, last_seen_at: None, blocked_at: None };
        let new = NewUser {
            token: OneTimeToken {
                hash: sha256(ticket.expose()),
                purpose: OneTimePurpose::SignUp,
                user_id: user.id.clone(),
                expires_at: now.plus(TICKET_LIFE),
            },
            password: PasswordRecord { user_id: user.id.clone(), hash, changed_at: now },
            user: user.clone(),
            names,
            epoch: MailboxEpoch::generate(self.random.as_ref()),
        };
        let app_id = app.id;
        written(self.store.write(move |tx| insert(tx, app_id, &new, now)).await)?;
        tracing::info!(app = %app.key, user = %user.id, "signed up");
        if app.settings.directory == Directory::Everyone {
            let presence = self.presence_of(app_id, &user);
            let entry = DirectoryEntry { user: callbox_wire::people::User::from_domain(&user), presence };
            self.bus.publish(Notice::UserAdded { app_id, entry });
        }
        Ok(SignedUp { user, ticket })
    }
}

struct NewUser {
    user: User,
    names: Vec<NamedUser>,
    password: PasswordRecord,
    token: OneTimeToken,
    epoch: MailboxEpoch,
}

fn insert(tx: &mut dyn Tx, app: callbox_domain::AppId, new: &NewUser, now: Timestamp) -> Result<(), Refusal> {
    if tx.insert_user(app, &new.user, &new.epoch)? == Created::Existed {
        return Err(ErrorCode::IdentityTaken.into());
    }
    for name in &new.names {
        let identity = Identity {
            identity_type: name.identity_type,
            value: name.value.clone(),
            user_id: new.user.id.clone(),
            asserted_by: AssertedBy::Myself,
            created_at: now,
        };
        if tx.insert_identity(app, &identity)? == Created::Existed {
            let taken = ApiError::new(ErrorCode::IdentityTaken);
            return Err(taken.detail("type", name.identity_type.as_str()).into());
        }
    }
    tx.set_password(app, &new.password)?;
    tx.insert_one_time_token(app, &new.token)?;
    Ok(())
}

fn checked_names(identities: &[(IdentityType, String)]) -> ServiceResult<Vec<NamedUser>> {
    if !(1..=NAMES_MAX).contains(&identities.len()) {
        return Err(ApiError::invalid_field("identities", "1 to 3 of username, email and number"));
    }
    let named = identities.iter().enumerate().map(|(index, (kind, value))| {
        NamedUser::new(*kind, value, AssertedBy::Myself)
            .map_err(|problem| ApiError::invalid_field(&format!("identities[{index}].value"), &problem))
    });
    named.collect()
}

/// The new user's id: generated where the app's backend names users, else the first name.
fn user_id(app: &App, names: &[NamedUser], random: &dyn Random) -> UserId {
    match names.first() {
        Some(name) if !app.settings.backend_names_users() => name.user_id.clone(),
        _ => UserId::new(format!("usr_{}", random_text(random, 16))).expect("letters and digits"),
    }
}

/// Names of one sign-up.
const NAMES_MAX: usize = 3;

/// Long enough to open the first session, too short to be worth stealing.
const TICKET_LIFE: std::time::Duration = std::time::Duration::from_mins(10);
