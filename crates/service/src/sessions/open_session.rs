//! Opens a session for a proven user, within the number of sessions that the app allows.

use std::sync::Arc;
use std::time::Duration;

use callbox_bus::Notice;
use callbox_domain::{
    AppId, CredentialKind, Device, Directory, MailboxEpoch, Session, SessionEndReason, SessionId,
    SessionStatus, Timestamp, UsedOnce, User,
};
use callbox_storage::{Created, SessionRenewal, Tx};
use callbox_wire::people::DirectoryEntry;
use callbox_wire::{ApiError, ErrorCode};
use subtle::ConstantTimeEq as _;

use super::end_session::Ended;
use super::identity;
use super::prove::{ONE_TIME_TICKET, Once, Proven, Who};
use super::{SessionSecret, SessionToken, SignedIn};
use crate::error::{Refusal, written};
use crate::people::PresenceBook;
use crate::{Service, ServiceResult};

/// All that the write needs.
struct Opening {
    app: AppId,
    who: Who,
    kind: CredentialKind,
    once: Option<Once>,
    session_id: SessionId,
    token_hash: [u8; 32],
    device: Device,
    epoch: MailboxEpoch,
    now: Timestamp,
    expires_at: Timestamp,
    sessions_max: usize,
    force: bool,
    presence: Arc<PresenceBook>,
}

/// What the write did.
struct Opened {
    session: Session,
    user: User,
    created: Created,
    ended: Vec<Ended>,
    /// The session was open before, and ends at another moment now.
    again: bool,
}

impl Service {
    pub(super) async fn open_session(
        &self,
        proven: Proven,
        device: Device,
        wished: Option<Duration>,
        force: bool,
    ) -> ServiceResult<SignedIn> {
        self.open_session_after(|_| Ok(Created::Existed), proven, device, wished, force).await
    }

    /// As [`Service::open_session`], with something that is written just before, or not at all where no session is opened.
    /// It says whether it made the user.
    pub(super) async fn open_session_after(
        &self,
        before: impl FnOnce(&mut dyn Tx) -> Result<Created, Refusal> + Send + 'static,
        proven: Proven,
        device: Device,
        wished: Option<Duration>,
        force: bool,
    ) -> ServiceResult<SignedIn> {
        let (random, now, app) = (self.random.as_ref(), self.clock.now(), proven.app);
        let token = SessionToken::generate(random);
        let opening = Opening {
            app: app.id,
            who: proven.who,
            kind: proven.kind,
            once: proven.once,
            session_id: SessionId::generate(random),
            token_hash: token.hash(),
            device,
            epoch: MailboxEpoch::generate(random),
            now,
            expires_at: now.plus(session_life(wished, proven.life, app.settings.session_life_max())),
            sessions_max: usize::try_from(app.settings.sessions_per_user_max).unwrap_or(usize::MAX),
            force,
            presence: Arc::clone(&self.presence),
        };
        let opened = self.store.write(move |tx| {
            let created = before(tx)?;
            let opened = open(tx, opening)?;
            Ok::<_, Refusal>(if created == Created::New { Opened { created, ..opened } } else { opened })
        });
        let Opened { session, user, created, ended, again } = written(opened.await)?;
        let credential = session.credential.as_str();
        tracing::info!(app = %app.key, user = %user.id, session = %session.id, credential, "signed in");
        self.tell_ended(app.id, &ended).await;
        if again {
            self.bus.publish(Notice::SessionRenewed {
                app_id: app.id,
                user_id: user.id.clone(),
                session_id: session.id.clone(),
                expires_at: session.expires_at,
            });
        }
        if created == Created::New && app.settings.directory == Directory::Everyone {
            let presence = self.presence_of(app.id, &user);
            let entry = DirectoryEntry { user: callbox_wire::people::User::from_domain(&user), presence };
            self.bus.publish(Notice::UserAdded { app_id: app.id, entry });
        }
        let secret = SessionSecret::derive(&self.master_key, app.id, &session.id);
        Ok(SignedIn { session, token, secret, user })
    }
}

/// The shortest of what the client wishes, the credential allows and the app allows.
pub(super) fn session_life(
    wished: Option<Duration>,
    of_credential: Option<Duration>,
    app_max: Duration,
) -> Duration {
    let wished = wished.or_else(|| of_credential.is_none().then_some(SESSION_LIFE));
    [wished, of_credential, Some(app_max)].into_iter().flatten().min().unwrap_or(SESSION_LIFE)
}

fn open(tx: &mut dyn Tx, opening: Opening) -> Result<Opened, Refusal> {
    let (app, now) = (opening.app, opening.now);
    // Disabled since the credential was checked: this session would be left out when those of the app end.
    if tx.app(app)?.is_some_and(|app| app.disabled_at.is_some()) {
        return Err(ErrorCode::AppDisabled.into());
    }
    let (user, created) = find_user(tx, &opening)?;
    if user.blocked_at.is_some() {
        return Err(ErrorCode::UserBlocked.into());
    }
    if let Some(session) = open_again(tx, &opening, &user)? {
        return Ok(Opened { session, user, created, ended: Vec::new(), again: true });
    }
    let ended = make_room(tx, &opening, &user)?;
    if let Who::Device(username, _) = &opening.who {
        tx.move_device_credential(app, username, &opening.session_id)?;
    }
    let session = Session {
        id: opening.session_id,
        app_id: app,
        user_id: user.id.clone(),
        device: opening.device,
        created_at: now,
        expires_at: opening.expires_at,
        status: SessionStatus::Open,
        credential: opening.kind,
        last_used_at: now,
    };
    tx.insert_session(&session, &opening.token_hash)?;
    Ok(Opened { session, user, created, ended, again: false })
}

fn find_user(tx: &mut dyn Tx, opening: &Opening) -> Result<(User, Created), Refusal> {
    let (app, now) = (opening.app, opening.now);
    let user_id = match &opening.who {
        Who::Named(name) => return identity::resolve(tx, app, name, &opening.epoch, now),
        Who::Unproven(name) => return identity::resolve_unproven(tx, app, name, &opening.epoch, now),
        Who::Password(user_id, hash) => {
            // A password that changed since it was verified lets nobody in.
            let password = tx.password(app, user_id)?.filter(|password| password.hash == *hash);
            password.ok_or(ErrorCode::CredentialsWrong)?.user_id
        }
        Who::Device(username, hash) => {
            let credential = tx.device_credential(app, username)?;
            let good = credential.filter(|credential| bool::from(credential.hash.ct_eq(hash)));
            let credential = good.ok_or(ErrorCode::CredentialsWrong)?;
            if is_revoked(tx, app, &credential.session_id)? {
                return Err(ErrorCode::CredentialsWrong.into());
            }
            credential.user_id
        }
        Who::AccessToken(user_id, hash) => {
            let token = tx.access_token(app, hash)?;
            let good = token.filter(|token| token.user_id == *user_id && token.is_good(now));
            good.ok_or(ErrorCode::AccessTokenUnknown)?.user_id
        }
        Who::SignedUp(hash) => {
            let token = tx.take_one_time_token(app, hash)?;
            let good = token.filter(|token| token.purpose == ONE_TIME_TICKET && now < token.expires_at);
            good.ok_or(ErrorCode::OneTimeTokenUnknown)?.user_id
        }
    };
    let user = tx.user(app, &user_id)?.ok_or(ErrorCode::Internal)?;
    Ok((user, Created::Existed))
}

/// The session that this credential opened before, with another token, where it opens that one again: a device's own,
/// and that of a JWT whose answer was lost on its way to the same device a moment ago.
fn open_again(tx: &mut dyn Tx, opening: &Opening, user: &User) -> Result<Option<Session>, Refusal> {
    let (app, now) = (opening.app, opening.now);
    let earlier = match (&opening.who, &opening.once) {
        (Who::Device(username, _), _) => tx.device_credential(app, username)?.map(|one| one.session_id),
        (_, Some(once)) => {
            let use_of_it = UsedOnce {
                hash: once.hash,
                expires_at: once.expires_at,
                used_at: now,
                result: opening.session_id.as_str().to_owned(),
            };
            if tx.insert_used_once(app, &use_of_it)? == Created::New {
                return Ok(None);
            }
            let first = tx.used_once(app, &once.hash)?.ok_or(ErrorCode::Internal)?;
            let session = SessionId::new(&first.result).map_err(|_| ErrorCode::Internal)?;
            let session = tx.session(app, &session)?.filter(|session| {
                let same_device = session.device.id.is_some() && session.device.id == opening.device.id;
                same_device && now.since(first.used_at) <= REPEAT_TIME_MAX && session.user_id == user.id
            });
            Some(session.ok_or(ErrorCode::JwtUsed)?.id)
        }
        _ => None,
    };
    let Some(earlier) = earlier else { return Ok(None) };
    let Some(session) = tx.session(app, &earlier)?.filter(|session| session.check(now).is_ok()) else {
        // The slot of a device is free again; a JWT that was used is used.
        return if opening.once.is_some() { Err(ErrorCode::JwtUsed.into()) } else { Ok(None) };
    };
    let renewal = SessionRenewal {
        token_hash: opening.token_hash,
        old_good_until: now.plus(REPEAT_TIME_MAX),
        expires_at: opening.expires_at,
        at: now,
    };
    tx.renew_session(app, &session.id, &renewal)?;
    Ok(tx.session(app, &session.id)?)
}

/// Ends the user's sessions whose time is up, and as many more as there must be fewer: first those that nobody is
/// connected with, the one used least recently before the others.
fn make_room(tx: &mut dyn Tx, opening: &Opening, user: &User) -> Result<Vec<Ended>, Refusal> {
    let (app, now) = (opening.app, opening.now);
    let (over, mut open): (Vec<_>, Vec<_>) =
        tx.open_sessions_of(app, &user.id)?.into_iter().partition(|session| session.check(now).is_err());
    for session in over {
        tx.end_session(app, &session.id, session.expires_at, SessionEndReason::Expired)?;
    }
    let too_many = (open.len() + 1).saturating_sub(opening.sessions_max);
    if too_many == 0 {
        return Ok(Vec::new());
    }
    if !opening.force {
        let limit = u32::try_from(opening.sessions_max).unwrap_or(u32::MAX);
        return Err(ApiError::new(ErrorCode::SessionLimitReached).detail("sessionsPerUserMax", limit).into());
    }
    let connected = opening.presence.connected_sessions(app, &user.id);
    open.sort_by_key(|session| (connected.contains(&session.id), session.last_used_at));
    let mut ended = Vec::new();
    for session in open.into_iter().take(too_many) {
        tx.end_session(app, &session.id, now, SessionEndReason::Replaced)?;
        ended.push(Ended {
            user_id: session.user_id,
            session_id: session.id,
            reason: SessionEndReason::Replaced,
        });
    }
    Ok(ended)
}

/// Whether the session of a device was ended by someone who meant the device: then its credential opens no other one.
fn is_revoked(tx: &mut dyn Tx, app: AppId, session: &SessionId) -> Result<bool, Refusal> {
    let session = tx.session(app, session)?;
    Ok(session.is_some_and(|session| match session.status {
        SessionStatus::Open => false,
        SessionStatus::Ended { reason, .. } => match reason {
            SessionEndReason::SignedOut
            | SessionEndReason::Expired
            | SessionEndReason::Replaced
            | SessionEndReason::UserBlocked
            | SessionEndReason::AppDisabled => false,
            SessionEndReason::EndedByUser
            | SessionEndReason::PasswordChanged
            | SessionEndReason::EndedByApp
            | SessionEndReason::EndedByOperator
            | SessionEndReason::UserDeleted
            | SessionEndReason::SecretRotated => true,
        },
    }))
}

/// A client that did not get its answer may ask again for so long.
const REPEAT_TIME_MAX: Duration = Duration::from_mins(1);

/// Life of a session whose credential and request do not say.
const SESSION_LIFE: Duration = Duration::from_hours(24);
