//! The verbs of sign-in, in SQL.

use callbox_domain::{
    AccessToken, App, AppId, AuditEntry, AuditRecord, DeviceCredential, EndedSession, IdentityType,
    OneTimePurpose, OneTimeToken, PasswordRecord, Session, SessionEndReason, SessionId, Timestamp, UsedOnce,
    UserId,
};
use callbox_storage::{Created, ReadAccounts, SessionLookup, SessionRenewal, StoreResult, WriteAccounts};
use rusqlite::params;

use crate::entities::{
    app_columns, app_id, read_app, session_columns, stored, timestamp, timestamp_or_null, user_id,
};
use crate::read::{SESSION_CELLS, sequence};
use crate::stored_row::{Stored, StoredRow};
use crate::transaction::Transaction;
use crate::write::{json, millis};

macro_rules! ended_session_columns {
    () => {
        "number, app_id, user_id, session_id, reason"
    };
}
stored!(EndedSession, "ended_sessions", key 1, |row| Ok(EndedSession {
    number: row.number()?,
    app_id: app_id(row)?,
    user_id: user_id(row)?,
    session_id: session_id(row)?,
    reason: row.parsed(SessionEndReason::parse)?,
}));

stored!(PasswordRecord, "passwords", key 2, |row| {
    app_id(row)?;
    Ok(PasswordRecord { user_id: user_id(row)?, hash: row.text()?, changed_at: timestamp(row)? })
});

macro_rules! access_token_columns {
    () => {
        "app_id, user_id, id, prefix, hash, created_at, expires_at"
    };
}
stored!(AccessToken, "access_tokens", key 3, |row| {
    app_id(row)?;
    Ok(AccessToken {
        user_id: user_id(row)?,
        id: row.text()?,
        prefix: row.text()?,
        hash: row.bytes()?,
        created_at: timestamp(row)?,
        expires_at: timestamp_or_null(row)?,
    })
});

macro_rules! device_credential_columns {
    () => {
        "app_id, username, user_id, hash, session_id, metadata, sandbox, created_at"
    };
}
stored!(DeviceCredential, "device_credentials", key 2, |row| {
    app_id(row)?;
    Ok(DeviceCredential {
        username: row.text()?,
        user_id: user_id(row)?,
        hash: row.bytes()?,
        session_id: session_id(row)?,
        metadata: row.text()?,
        sandbox: row.number::<u8>()? != 0,
        created_at: timestamp(row)?,
    })
});

stored!(OneTimeToken, "one_time_tokens", key 1, |row| {
    app_id(row)?;
    Ok(OneTimeToken {
        hash: row.bytes()?,
        purpose: row.parsed(OneTimePurpose::parse)?,
        user_id: user_id(row)?,
        expires_at: timestamp(row)?,
    })
});

stored!(UsedOnce, "used_once", key 1, |row| {
    app_id(row)?;
    Ok(UsedOnce {
        hash: row.bytes()?,
        expires_at: timestamp(row)?,
        used_at: timestamp(row)?,
        result: row.text()?,
    })
});

macro_rules! audit_columns {
    () => {
        "number, at, actor, action, subject, details, app_id"
    };
}
stored!(AuditRecord, "audit", key 1, |row| Ok(AuditRecord {
    number: row.number()?,
    entry: AuditEntry {
        at: timestamp(row)?,
        actor: row.text()?,
        action: row.text()?,
        subject: row.text()?,
        details: row.text()?,
        app_id: if row.skip_null()? { None } else { Some(app_id(row)?) },
    },
}));

impl ReadAccounts for Transaction<'_, '_> {
    fn session_by_id(&self, session: &SessionId) -> StoreResult<Option<SessionLookup>> {
        let pair = self.pair(
            concat!(
                "SELECT ",
                session_columns!(),
                ", ",
                app_columns!(),
                " FROM sessions JOIN apps ON apps.id = sessions.app_id WHERE sessions.id = ?1"
            ),
            SESSION_CELLS,
            [session.as_str()],
        )?;
        Ok(pair.map(|(session, app)| SessionLookup { session, app, token_good_until: None }))
    }

    fn open_sessions_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<Session>> {
        self.all(
            concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions WHERE app_id = ?1 AND user_id = ?2 AND ended_at IS NULL \
                 ORDER BY last_used_at DESC, id"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn open_sessions(&self, app: AppId, after: Option<&SessionId>, limit: u32) -> StoreResult<Vec<Session>> {
        self.all(
            concat!(
                "SELECT ",
                session_columns!(),
                " FROM sessions WHERE app_id = ?1 AND id > ?2 AND ended_at IS NULL ORDER BY id LIMIT ?3"
            ),
            params![app.0, after.map_or("", SessionId::as_str), limit],
        )
    }

    fn ended_sessions_after(&self, number: u64, limit: u32) -> StoreResult<Vec<EndedSession>> {
        self.all(
            concat!(
                "SELECT ",
                ended_session_columns!(),
                " FROM ended_sessions WHERE number > ?1 ORDER BY number LIMIT ?2"
            ),
            params![sequence(number), limit],
        )
    }

    fn newest_ended_session(&self) -> StoreResult<u64> {
        // The sequence outlives the rows, which are forgotten in time.
        let newest =
            self.number("SELECT seq FROM sqlite_sequence WHERE name = 'ended_sessions'", [], || {
                "sqlite_sequence.seq of ended_sessions".to_owned()
            })?;
        Ok(newest.unwrap_or(0))
    }

    fn password(&self, app: AppId, user: &UserId) -> StoreResult<Option<PasswordRecord>> {
        self.one(
            "SELECT app_id, user_id, hash, changed_at FROM passwords WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, user.as_str()],
        )
    }

    fn access_token(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<AccessToken>> {
        self.one(
            concat!(
                "SELECT ",
                access_token_columns!(),
                " FROM access_tokens WHERE app_id = ?1 AND hash = ?2"
            ),
            params![app.0, hash.as_slice()],
        )
    }

    fn access_tokens_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<AccessToken>> {
        self.all(
            concat!(
                "SELECT ",
                access_token_columns!(),
                " FROM access_tokens WHERE app_id = ?1 AND user_id = ?2 ORDER BY created_at, id"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn device_credential(&self, app: AppId, username: &str) -> StoreResult<Option<DeviceCredential>> {
        self.one(
            concat!(
                "SELECT ",
                device_credential_columns!(),
                " FROM device_credentials WHERE app_id = ?1 AND username = ?2"
            ),
            params![app.0, username],
        )
    }

    fn device_credentials_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<DeviceCredential>> {
        self.all(
            concat!(
                "SELECT ",
                device_credential_columns!(),
                " FROM device_credentials WHERE app_id = ?1 AND user_id = ?2 ORDER BY created_at, username"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn one_time_token(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<OneTimeToken>> {
        self.one(
            "SELECT app_id, hash, purpose, user_id, expires_at FROM one_time_tokens \
             WHERE app_id = ?1 AND hash = ?2",
            params![app.0, hash.as_slice()],
        )
    }

    fn used_once(&self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<UsedOnce>> {
        self.one(
            "SELECT app_id, hash, expires_at, used_at, result FROM used_once WHERE app_id = ?1 AND hash = ?2",
            params![app.0, hash.as_slice()],
        )
    }

    fn is_being_erased(&self, app: AppId, user: &UserId) -> StoreResult<bool> {
        self.has_erasure(app, user)
    }

    fn erasures(&self, limit: u32) -> StoreResult<Vec<(AppId, UserId)>> {
        self.all_erasures(limit)
    }

    fn audit(&self, app: Option<AppId>, before: Option<u64>, limit: u32) -> StoreResult<Vec<AuditRecord>> {
        let before = before.map_or(i64::MAX, sequence);
        match app {
            Some(app) => self.all(
                concat!(
                    "SELECT ",
                    audit_columns!(),
                    " FROM audit WHERE app_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3"
                ),
                params![app.0, before, limit],
            ),
            None => self.all(
                concat!(
                    "SELECT ",
                    audit_columns!(),
                    " FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
                ),
                params![before, limit],
            ),
        }
    }
}

impl WriteAccounts for Transaction<'_, '_> {
    fn update_app(&mut self, app: &App) -> StoreResult<()> {
        self.writing(|tx| {
            tx.execute(
                "UPDATE apps SET name = ?2, settings = ?3, disabled_at = ?4 WHERE id = ?1",
                params![app.id.0, app.name, json(&app.settings)?, millis(app.disabled_at)],
            )
        })
        .map(drop)
    }

    fn set_user_blocked(
        &mut self,
        app: AppId,
        user: &UserId,
        blocked_at: Option<Timestamp>,
    ) -> StoreResult<()> {
        self.change(
            "UPDATE users SET blocked_at = ?3 WHERE app_id = ?1 AND id = ?2 AND NOT EXISTS \
             (SELECT 1 FROM erasures WHERE erasures.app_id = ?1 AND erasures.user_id = ?2)",
            params![app.0, user.as_str(), millis(blocked_at)],
        )
        .map(drop)
    }

    fn remove_identity(&mut self, app: AppId, identity_type: IdentityType, value: &str) -> StoreResult<bool> {
        self.change(
            "DELETE FROM identities WHERE app_id = ?1 AND type = ?2 AND value = ?3",
            params![app.0, identity_type.as_str(), value],
        )
    }

    fn renew_session(
        &mut self,
        app: AppId,
        session: &SessionId,
        renewal: &SessionRenewal,
    ) -> StoreResult<bool> {
        self.change(
            "UPDATE sessions SET previous_token_hash = token_hash, previous_good_until = ?4, \
             token_hash = ?3, expires_at = ?5, last_used_at = max(last_used_at, ?6) \
             WHERE app_id = ?1 AND id = ?2 AND ended_at IS NULL",
            params![
                app.0,
                session.as_str(),
                renewal.token_hash.as_slice(),
                renewal.old_good_until.as_millis(),
                renewal.expires_at.as_millis(),
                renewal.at.as_millis()
            ],
        )
    }

    fn touch_session(&mut self, app: AppId, session: &SessionId, used_at: Timestamp) -> StoreResult<()> {
        self.change(
            "UPDATE sessions SET last_used_at = ?3 WHERE app_id = ?1 AND id = ?2 AND last_used_at < ?3",
            params![app.0, session.as_str(), used_at.as_millis()],
        )
        .map(drop)
    }

    fn set_password(&mut self, app: AppId, password: &PasswordRecord) -> StoreResult<()> {
        self.change(
            "INSERT INTO passwords (app_id, user_id, hash, changed_at) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (app_id, user_id) DO UPDATE SET hash = ?3, changed_at = ?4",
            params![app.0, password.user_id.as_str(), password.hash, password.changed_at.as_millis()],
        )
        .map(drop)
    }

    fn insert_access_token(&mut self, app: AppId, token: &AccessToken) -> StoreResult<()> {
        self.change(
            "INSERT INTO access_tokens (app_id, user_id, id, prefix, hash, created_at, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                app.0,
                token.user_id.as_str(),
                token.id,
                token.prefix,
                token.hash.as_slice(),
                token.created_at.as_millis(),
                millis(token.expires_at)
            ],
        )
        .map(drop)
    }

    fn remove_access_token(&mut self, app: AppId, user: &UserId, id: &str) -> StoreResult<bool> {
        self.change(
            "DELETE FROM access_tokens WHERE app_id = ?1 AND user_id = ?2 AND id = ?3",
            params![app.0, user.as_str(), id],
        )
    }

    fn insert_device_credential(
        &mut self,
        app: AppId,
        credential: &DeviceCredential,
    ) -> StoreResult<Created> {
        let added = self.change(
            "INSERT INTO device_credentials \
             (app_id, username, user_id, hash, session_id, metadata, sandbox, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (app_id, username) DO NOTHING",
            params![
                app.0,
                credential.username,
                credential.user_id.as_str(),
                credential.hash.as_slice(),
                credential.session_id.as_str(),
                credential.metadata,
                credential.sandbox,
                credential.created_at.as_millis()
            ],
        )?;
        Ok(if added { Created::New } else { Created::Existed })
    }

    fn move_device_credential(&mut self, app: AppId, username: &str, session: &SessionId) -> StoreResult<()> {
        self.change(
            "UPDATE device_credentials SET session_id = ?3 WHERE app_id = ?1 AND username = ?2",
            params![app.0, username, session.as_str()],
        )
        .map(drop)
    }

    fn remove_device_credential(&mut self, app: AppId, username: &str) -> StoreResult<bool> {
        self.change(
            "DELETE FROM device_credentials WHERE app_id = ?1 AND username = ?2",
            params![app.0, username],
        )
    }

    fn insert_one_time_token(&mut self, app: AppId, token: &OneTimeToken) -> StoreResult<()> {
        self.change(
            "DELETE FROM one_time_tokens WHERE app_id = ?1 AND user_id = ?2 AND purpose = ?3",
            params![app.0, token.user_id.as_str(), token.purpose.as_str()],
        )?;
        self.change(
            "INSERT INTO one_time_tokens (app_id, hash, purpose, user_id, expires_at) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                app.0,
                token.hash.as_slice(),
                token.purpose.as_str(),
                token.user_id.as_str(),
                token.expires_at.as_millis()
            ],
        )
        .map(drop)
    }

    fn take_one_time_token(&mut self, app: AppId, hash: &[u8; 32]) -> StoreResult<Option<OneTimeToken>> {
        let found = self.one_time_token(app, hash)?;
        if found.is_some() {
            self.change(
                "DELETE FROM one_time_tokens WHERE app_id = ?1 AND hash = ?2",
                params![app.0, hash.as_slice()],
            )?;
        }
        Ok(found)
    }

    fn insert_used_once(&mut self, app: AppId, used: &UsedOnce) -> StoreResult<Created> {
        let added = self.change(
            "INSERT INTO used_once (app_id, hash, expires_at, used_at, result) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (app_id, hash) DO NOTHING",
            params![
                app.0,
                used.hash.as_slice(),
                used.expires_at.as_millis(),
                used.used_at.as_millis(),
                used.result
            ],
        )?;
        Ok(if added { Created::New } else { Created::Existed })
    }

    fn forget_expired(
        &mut self,
        now: Timestamp,
        ended_before: Timestamp,
        rows_max: u32,
    ) -> StoreResult<bool> {
        let (now, ended_before) = (now.as_millis(), ended_before.as_millis());
        self.writing(|tx| {
            let removed = [
                tx.execute(
                    "DELETE FROM one_time_tokens WHERE expires_at <= min(?1, coalesce((SELECT expires_at \
                     FROM one_time_tokens ORDER BY expires_at LIMIT 1 OFFSET ?2), ?1))",
                    params![now, rows_max.saturating_sub(1)],
                )?,
                tx.execute(
                    "DELETE FROM used_once WHERE expires_at <= min(?1, coalesce((SELECT expires_at \
                     FROM used_once ORDER BY expires_at LIMIT 1 OFFSET ?2), ?1))",
                    params![now, rows_max.saturating_sub(1)],
                )?,
                tx.execute(
                    "DELETE FROM ended_sessions WHERE number IN \
                     (SELECT number FROM ended_sessions ORDER BY number LIMIT ?2) AND at < ?1",
                    params![ended_before, rows_max],
                )?,
            ];
            Ok(removed.into_iter().any(|rows| rows >= rows_max as usize))
        })
    }

    fn begin_erasure(
        &mut self,
        app: AppId,
        user: &UserId,
        tombstone: &UserId,
        at: Timestamp,
    ) -> StoreResult<bool> {
        self.writing(|tx| tx.insert_erasure(app, user, tombstone, at))
    }

    fn erase_part(&mut self, app: AppId, user: &UserId, rows_max: u32) -> StoreResult<bool> {
        self.writing(|tx| tx.erase(app, user, rows_max))
    }

    fn append_audit(&mut self, entry: &AuditEntry) -> StoreResult<()> {
        self.change(
            "INSERT INTO audit (at, actor, action, app_id, subject, details) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                entry.at.as_millis(),
                entry.actor,
                entry.action,
                entry.app_id.map(|app| app.0),
                entry.subject,
                entry.details
            ],
        )
        .map(drop)
    }
}

impl Transaction<'_, '_> {
    /// The session whose token of before its last renewal has this SHA-256.
    pub(crate) fn session_by_previous_token(&self, hash: &[u8; 32]) -> StoreResult<Option<SessionLookup>> {
        let pair = self.pair(
            concat!(
                "SELECT ",
                session_columns!(),
                ", ",
                app_columns!(),
                ", sessions.previous_good_until \
                 FROM sessions JOIN apps ON apps.id = sessions.app_id \
                 WHERE sessions.previous_token_hash = ?1"
            ),
            SESSION_CELLS,
            [hash.as_slice()],
        )?;
        let Some((session, AppAndEnd { app, good_until })) = pair else { return Ok(None) };
        Ok(Some(SessionLookup { session, app, token_good_until: Some(good_until) }))
    }

    /// Runs a statement that writes; whether it changed a row.
    fn change(&mut self, sql: &'static str, parameters: impl rusqlite::Params) -> StoreResult<bool> {
        self.writing(|tx| tx.execute(sql, parameters)).map(|rows| rows > 0)
    }
}

/// An app, and until when the token that led to it is good.
struct AppAndEnd {
    app: App,
    good_until: Timestamp,
}

stored!(AppAndEnd, "apps", key 1, |row| Ok(AppAndEnd {
    app: read_app(row)?,
    good_until: timestamp(row)?,
}));

fn session_id(row: &mut StoredRow<'_>) -> StoreResult<SessionId> {
    row.parsed(|text| SessionId::new(text).ok())
}
