//! The writing verbs, in SQL.

use std::sync::Arc;

use callbox_domain::{
    App, AppId, AppKeyRecord, CallEventRecord, CallId, CallRecord, Conversation, ConversationId, Event,
    Identity, MailboxEpoch, Message, Receipt, Session, SessionEndReason, SessionId, SessionStatus, Timestamp,
    User, UserId, Watermark,
};
use callbox_storage::{Created, EventsKept, NewMessage, StoreError, StoreResult, Tx};
use rusqlite::params;
use serde::Serialize;

use crate::entities::purpose_word;
use crate::transaction::Transaction;

impl Tx for Transaction<'_, '_> {
    fn insert_app(&mut self, app: &App) -> StoreResult<AppId> {
        self.writing(|tx| {
            tx.execute(
                "INSERT INTO apps (key, name, settings, created_at, disabled_at) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    app.key.as_str(),
                    app.name,
                    json(&app.settings)?,
                    app.created_at.as_millis(),
                    millis(app.disabled_at)
                ],
            )?;
            let number = u32::try_from(tx.last_insert_rowid());
            number.map(AppId).map_err(|_| StoreError::Corrupt("apps.id: numbers are used up".into()))
        })
    }

    fn insert_app_key(&mut self, key: &AppKeyRecord) -> StoreResult<Created> {
        self.inserting(
            "INSERT INTO app_keys \
             (key, generation, app_id, purpose, sealed_secret, not_after, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key, generation) DO NOTHING",
            params![
                key.key.as_str(),
                key.generation,
                key.app_id.0,
                purpose_word(key.purpose),
                key.sealed_secret,
                millis(key.not_after),
                key.created_at.as_millis()
            ],
        )
    }

    fn expire_app_key(&mut self, key: &AppKeyRecord, not_after: Timestamp) -> StoreResult<()> {
        self.writing(|tx| {
            tx.execute(
                "UPDATE app_keys SET not_after = ?4 \
                 WHERE key = ?1 AND generation = ?2 AND app_id = ?3",
                params![key.key.as_str(), key.generation, key.app_id.0, not_after.as_millis()],
            )
        })
        .map(drop)
    }

    fn insert_user(&mut self, app: AppId, user: &User, epoch: &MailboxEpoch) -> StoreResult<Created> {
        self.writing(|tx| {
            let added = tx.execute(
                "INSERT INTO users (app_id, id, created_at, last_seen_at, blocked_at) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (app_id, id) DO NOTHING",
                params![
                    app.0,
                    user.id.as_str(),
                    user.created_at.as_millis(),
                    millis(user.last_seen_at),
                    millis(user.blocked_at)
                ],
            )?;
            if added == 0 {
                return Ok(Created::Existed);
            }
            let person = tx.person_or_new(app, &user.id)?;
            tx.execute(
                "INSERT INTO mailboxes (person, epoch, pruned_up_to) VALUES (?1, ?2, 0)",
                params![person, epoch.as_str()],
            )?;
            Ok(Created::New)
        })
    }

    fn insert_identity(&mut self, app: AppId, identity: &Identity) -> StoreResult<Created> {
        self.inserting(
            "INSERT INTO identities (app_id, type, value, user_id, asserted_by, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (app_id, type, value) DO NOTHING",
            params![
                app.0,
                identity.identity_type.as_str(),
                identity.value,
                identity.user_id.as_str(),
                identity.asserted_by.as_str(),
                identity.created_at.as_millis()
            ],
        )
    }

    fn touch_user(&mut self, app: AppId, user: &UserId, last_seen_at: Timestamp) -> StoreResult<()> {
        self.writing(|tx| {
            tx.execute(
                "UPDATE users SET last_seen_at = ?3 WHERE app_id = ?1 AND id = ?2 \
                 AND (last_seen_at IS NULL OR last_seen_at < ?3)",
                params![app.0, user.as_str(), last_seen_at.as_millis()],
            )
        })
        .map(drop)
    }

    fn insert_session(&mut self, session: &Session, token_hash: &[u8; 32]) -> StoreResult<()> {
        let (ended_at, end_reason) = match session.status {
            SessionStatus::Open => (None, None),
            SessionStatus::Ended { at, reason } => (Some(at), Some(reason.as_str())),
        };
        self.writing(|tx| {
            tx.execute(
                "INSERT INTO sessions (app_id, id, user_id, device, created_at, expires_at, \
                 ended_at, end_reason, token_hash, credential, last_used_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    session.app_id.0,
                    session.id.as_str(),
                    session.user_id.as_str(),
                    json(&session.device)?,
                    session.created_at.as_millis(),
                    session.expires_at.as_millis(),
                    millis(ended_at),
                    end_reason,
                    token_hash.as_slice(),
                    session.credential.as_str(),
                    session.last_used_at.as_millis()
                ],
            )
        })
        .map(drop)
    }

    fn end_session(
        &mut self,
        app: AppId,
        session: &SessionId,
        at: Timestamp,
        reason: SessionEndReason,
    ) -> StoreResult<bool> {
        self.writing(|tx| {
            let ended = tx.execute(
                "UPDATE sessions SET ended_at = ?3, end_reason = ?4 \
                 WHERE app_id = ?1 AND id = ?2 AND ended_at IS NULL",
                params![app.0, session.as_str(), at.as_millis(), reason.as_str()],
            )?;
            if ended == 1 {
                tx.execute(
                    "INSERT INTO ended_sessions (app_id, user_id, session_id, reason, at) \
                     SELECT app_id, user_id, id, end_reason, ended_at FROM sessions \
                     WHERE app_id = ?1 AND id = ?2",
                    params![app.0, session.as_str()],
                )?;
            }
            Ok(ended == 1)
        })
    }

    fn insert_conversation(&mut self, app: AppId, conversation: &Conversation) -> StoreResult<()> {
        self.writing(|tx| tx.add_conversation(app, conversation))
    }

    fn append_message(&mut self, app: AppId, message: NewMessage) -> StoreResult<Message> {
        self.writing(|tx| tx.add_message(app, message))
    }

    fn raise_watermark(
        &mut self,
        app: AppId,
        conversation: &ConversationId,
        user: &UserId,
        watermark: Watermark,
        position: u32,
    ) -> StoreResult<Option<Receipt>> {
        self.writing(|tx| tx.raise(app, conversation, user, watermark, position))
    }

    fn append_event(
        &mut self,
        app: AppId,
        user: &UserId,
        event: &Arc<Event>,
        at: Timestamp,
    ) -> StoreResult<u64> {
        self.writing(|tx| tx.add_event(app, user, event, at))
    }

    fn prune_events(&mut self, from: u64, kept: EventsKept, rows_max: u32) -> StoreResult<Option<u64>> {
        self.writing(|tx| tx.prune(from, kept, rows_max))
    }

    fn insert_call(&mut self, call: &CallRecord) -> StoreResult<Created> {
        let end = call.end.as_ref();
        self.inserting(
            "INSERT INTO calls (app_id, id, caller_id, callee_id, media, created_at, accepted_at, \
             snapshot, ended_at, end_cause, ended_by) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
             ON CONFLICT (app_id, id) DO NOTHING",
            params![
                call.app_id.0,
                call.id.as_str(),
                call.caller_id.as_str(),
                call.callee_id.as_str(),
                call.media.as_str(),
                call.created_at.as_millis(),
                millis(call.accepted_at),
                call.snapshot,
                end.map(|end| end.at.as_millis()),
                end.map(|end| end.cause.as_str()),
                end.and_then(|end| end.by.as_ref()).map(UserId::as_str)
            ],
        )
    }

    fn update_call(&mut self, call: &CallRecord) -> StoreResult<()> {
        let end = call.end.as_ref();
        self.writing(|tx| {
            tx.execute(
                "UPDATE calls SET accepted_at = ?3, snapshot = ?4, ended_at = ?5, end_cause = ?6, \
                 ended_by = ?7 WHERE app_id = ?1 AND id = ?2",
                params![
                    call.app_id.0,
                    call.id.as_str(),
                    millis(call.accepted_at),
                    call.snapshot,
                    end.map(|end| end.at.as_millis()),
                    end.map(|end| end.cause.as_str()),
                    end.and_then(|end| end.by.as_ref()).map(UserId::as_str)
                ],
            )?;
            if end.is_some() {
                tx.execute(
                    "DELETE FROM call_signals WHERE app_id = ?1 AND call_id = ?2",
                    params![call.app_id.0, call.id.as_str()],
                )?;
            }
            Ok(())
        })
    }

    fn append_call_event(&mut self, app: AppId, call: &CallId, event: &CallEventRecord) -> StoreResult<()> {
        self.writing(|tx| {
            tx.execute(
                "INSERT INTO call_events (app_id, call_id, number, at, kind, user_id, details) \
                 VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM call_events \
                     WHERE app_id = ?1 AND call_id = ?2), ?3, ?4, ?5, ?6)",
                params![
                    app.0,
                    call.as_str(),
                    event.at.as_millis(),
                    event.kind,
                    event.user_id.as_ref().map(UserId::as_str),
                    event.details
                ],
            )
        })
        .map(drop)
    }

    fn append_call_signal(&mut self, app: AppId, call: &CallId, signal: &str) -> StoreResult<()> {
        self.writing(|tx| {
            tx.execute(
                "INSERT INTO call_signals (app_id, call_id, number, signal) \
                 SELECT app_id, id, (SELECT coalesce(max(number), 0) + 1 FROM call_signals \
                     WHERE app_id = ?1 AND call_id = ?2), ?3 \
                 FROM calls WHERE app_id = ?1 AND id = ?2 AND ended_at IS NULL",
                params![app.0, call.as_str(), signal],
            )
        })
        .map(drop)
    }
}

impl Transaction<'_, '_> {
    /// Runs an insert that leaves an existing row alone.
    fn inserting(&mut self, sql: &'static str, parameters: impl rusqlite::Params) -> StoreResult<Created> {
        let added = self.writing(|tx| tx.execute(sql, parameters))?;
        Ok(if added == 0 { Created::Existed } else { Created::New })
    }
}

pub(crate) fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}

pub(crate) fn json(value: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Unavailable(format!("a value has no JSON form ({error})")))
}
