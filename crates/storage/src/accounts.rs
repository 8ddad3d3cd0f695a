//! The verbs of sign-in: sessions in full, credentials, what was used once, and the audit log.

use callbox_domain::{
    AccessToken, App, AppId, AuditEntry, AuditRecord, DeviceCredential, EndedSession, IdentityType,
    OneTimeToken, PasswordRecord, Session, SessionId, Timestamp, UsedOnce, UserId,
};

use crate::{Created, SessionLookup, StoreResult};

/// What can be read of accounts.
pub trait ReadAccounts {
    /// The session with this id, in whichever app: ids are unique in a server.
    fn session_by_id(&self, session: &SessionId) -> StoreResult<Option<SessionLookup>>;
    /// A user's sessions that were not ended, expired ones among them, the one used last first.
    fn open_sessions_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<Session>>;
    /// Sessions that were not ended, of a whole app, in the order of their ids after `after`, at most `limit`.
    fn open_sessions(&self, app: AppId, after: Option<&SessionId>, limit: u32) -> StoreResult<Vec<Session>>;
    /// What was ended after this number of the list, in order, at most `limit`.
    fn ended_sessions_after(&self, number: u64, limit: u32) -> StoreResult<Vec<EndedSession>>;
    /// The newest number of the list of ended sessions; 0 before the first.
    fn newest_ended_session(&self) -> StoreResult<u64>;

    /// A user's password.
    fn password(&self, app: AppId, user: &UserId) -> StoreResult<Option<PasswordRecord>>;
    /// The access token with this SHA-256, whether still good or not.
    fn access_token(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<AccessToken>>;
    /// A user's access tokens, oldest first.
    fn access_tokens_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<AccessToken>>;
    /// The device credential with this username.
    fn device_credential(&self, app: AppId, username: &str) -> StoreResult<Option<DeviceCredential>>;
    /// A user's device credentials, oldest first.
    fn device_credentials_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<DeviceCredential>>;
    /// A one-time token, whether still good or not.
    fn one_time_token(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<OneTimeToken>>;
    /// What was used once, while it is remembered.
    fn used_once(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<UsedOnce>>;

    /// Whether a user's erasure has begun.
    fn is_being_erased(&self, app: AppId, user: &UserId) -> StoreResult<bool>;
    /// Users whose erasure has begun and is not done, of every app, at most `limit`.
    fn erasures(&self, limit: u32) -> StoreResult<Vec<(AppId, UserId)>>;

    /// The audit log, newest first: entries of one app or of all, before a number, at most `limit`.
    fn audit(&self, app: Option<AppId>, before: Option<u64>, limit: u32) -> StoreResult<Vec<AuditRecord>>;
}

/// What can be written of accounts.
pub trait WriteAccounts {
    /// Overwrites an app's changing parts: name, settings, `disabled_at`.
    fn update_app(&mut self, app: &App) -> StoreResult<()>;
    /// Blocks a user since a moment, or lets the user in again. Whoever is being erased stays blocked.
    fn set_user_blocked(
        &mut self,
        app: AppId,
        user: &UserId,
        blocked_at: Option<Timestamp>,
    ) -> StoreResult<()>;
    /// Removes an identity; `false` when there is none.
    fn remove_identity(&mut self, app: AppId, identity_type: IdentityType, value: &str) -> StoreResult<bool>;

    /// Gives an open session another token and end: the token of before stays good until `old_good_until`, the one
    /// before that no longer. `false` when there is no such open session.
    fn renew_session(
        &mut self,
        app: AppId,
        session: &SessionId,
        renewal: &SessionRenewal,
    ) -> StoreResult<bool>;
    /// Notes the use of a session. Never goes back.
    fn touch_session(&mut self, app: AppId, session: &SessionId, used_at: Timestamp) -> StoreResult<()>;

    /// Sets a user's password, in place of the one before.
    fn set_password(&mut self, app: AppId, password: &PasswordRecord) -> StoreResult<()>;
    /// Adds an access token.
    fn insert_access_token(&mut self, app: AppId, token: &AccessToken) -> StoreResult<()>;
    /// Removes an access token; `false` when the user has none with this id.
    fn remove_access_token(&mut self, app: AppId, user: &UserId, id: &str) -> StoreResult<bool>;
    /// Adds a device credential; one with the same username stays as it is.
    fn insert_device_credential(&mut self, app: AppId, credential: &DeviceCredential)
    -> StoreResult<Created>;
    /// Lets a device credential open another session from now on.
    fn move_device_credential(&mut self, app: AppId, username: &str, session: &SessionId) -> StoreResult<()>;
    /// Removes a device credential; `false` when there is none.
    fn remove_device_credential(&mut self, app: AppId, username: &str) -> StoreResult<bool>;

    /// Adds a one-time token. A user has one at most for each purpose: an older one goes.
    fn insert_one_time_token(&mut self, app: AppId, token: &OneTimeToken) -> StoreResult<()>;
    /// Takes a one-time token out, whether still good or not.
    fn take_one_time_token(&mut self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<OneTimeToken>>;
    /// Notes that something was used; it stays as it is when it was used before.
    fn insert_used_once(&mut self, app: AppId, used: &UsedOnce) -> StoreResult<Created>;
    /// Removes what has expired at `now` of one-time tokens and things used once, and of the list of ended sessions
    /// what was ended before `ended_before`, about `rows_max` of each. Says whether something may be left.
    fn forget_expired(&mut self, now: Timestamp, ended_before: Timestamp, rows_max: u32)
    -> StoreResult<bool>;

    /// Begins to erase a user: blocks them for good, and keeps the id that will stand for them in what belongs to others
    /// too. Where it has begun before, the first id stays. `false` when there is no such user.
    fn begin_erasure(
        &mut self,
        app: AppId,
        user: &UserId,
        tombstone: &UserId,
        at: Timestamp,
    ) -> StoreResult<bool>;
    /// Erases a part of a user whose erasure has begun, about `rows_max` rows, and says whether something is left; with the
    /// last part the user is gone and the id is free. The caller has ended the user's sessions and calls.
    ///
    /// What belongs to the user alone is removed. What others share stays, with the tombstone in the user's place: the
    /// user's messages without their text, conversations, receipts, ended calls. After every part everyone else's history
    /// and log can be read.
    fn erase_part(&mut self, app: AppId, user: &UserId, rows_max: u32) -> StoreResult<bool>;

    /// Adds to the audit log.
    fn append_audit(&mut self, entry: &AuditEntry) -> StoreResult<()>;
}

/// What a renewal changes in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRenewal {
    /// SHA-256 of the new token.
    pub token_hash: [u8; 32],
    /// Until when the token of before is good.
    pub old_good_until: Timestamp,
    /// When the session ends by itself from now on.
    pub expires_at: Timestamp,
    /// When it was renewed.
    pub at: Timestamp,
}
