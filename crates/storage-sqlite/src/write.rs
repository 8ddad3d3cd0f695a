//! The writing verbs, in SQL.

use std::sync::Arc;

use callbox_domain::{
    App, AppId, AppKeyRecord, CallEventRecord, CallId, CallRecord, Conversation, ConversationId, Event,
    Identity, LoggedEvent, MailboxEpoch, Message, Receipt, Session, SessionEndReason, SessionId,
    SessionStatus, Timestamp, User, UserId, Watermark,
};
use callbox_storage::{Created, NewMessage, StoreError, StoreResult, Tx};
use rusqlite::params;
use serde::Serialize;

use crate::entities::{
    ConversationHead, KIND_CALL_ENDED, KIND_MESSAGE_CREATED, KIND_RECEIPT_CHANGED, NewestPosition,
    member_columns, purpose_word,
};
use crate::read::{CONVERSATION, sequence};
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
            tx.execute(
                "INSERT INTO mailboxes (app_id, user_id, epoch, pruned_up_to) \
                 VALUES (?1, ?2, ?3, 0)",
                params![app.0, user.id.as_str(), epoch.as_str()],
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
        let (lower, upper) = match conversation.members.as_slice() {
            [one, other] if one <= other => (Some(one.as_str()), Some(other.as_str())),
            [one, other] => (Some(other.as_str()), Some(one.as_str())),
            _ => (None, None),
        };
        self.writing(|tx| {
            tx.execute(
                "INSERT INTO conversations \
                 (app_id, id, created_at, updated_at, lower_member, upper_member) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    app.0,
                    conversation.id.as_str(),
                    conversation.created_at.as_millis(),
                    conversation.updated_at.as_millis(),
                    lower,
                    upper
                ],
            )?;
            for member in &conversation.members {
                tx.execute(
                    "INSERT INTO conversation_members \
                     (app_id, conversation_id, user_id, delivered_up_to, read_up_to) \
                     VALUES (?1, ?2, ?3, 0, 0)",
                    params![app.0, conversation.id.as_str(), member.as_str()],
                )?;
            }
            Ok(())
        })
    }

    fn append_message(&mut self, app: AppId, message: NewMessage) -> StoreResult<Message> {
        self.writing(|tx| {
            let mut head = tx.conversation_head(app, &message.conversation_id)?;
            let Some(position) = head.last_position.checked_add(1) else {
                let place = format!("messages.position of the rows ({app}, {})", head.id);
                return Err(StoreError::Corrupt(place));
            };
            if message.created_at < head.updated_at {
                tx.hold_back(app, &head)?;
            }
            let message = Message {
                recipient_id: head.recipient(&message.sender_id).cloned(),
                position,
                id: message.id,
                conversation_id: message.conversation_id,
                sender_id: message.sender_id,
                sender_session_id: message.sender_session_id,
                text: message.text,
                created_at: message.created_at,
            };
            tx.insert_message(app, &message)?;
            head.last_position = position;
            head.updated_at = head.updated_at.max(message.created_at);
            if let Some(mut heads) = tx.heads() {
                heads.keep_conversation(app, head);
            }
            Ok(message)
        })
    }

    fn raise_watermark(
        &mut self,
        app: AppId,
        conversation: &ConversationId,
        user: &UserId,
        watermark: Watermark,
        position: u32,
    ) -> StoreResult<Option<Receipt>> {
        self.writing(|tx| {
            let key = params![app.0, conversation.as_str(), user.as_str()];
            let Some((mut receipt, newest)) = tx.pair::<Receipt, NewestPosition>(MARKS, MEMBER_CELLS, key)?
            else {
                return Ok(None);
            };
            let position = position.min(newest.0);
            let delivered = receipt.delivered_up_to.max(position);
            let read = match watermark {
                Watermark::Delivered => receipt.read_up_to,
                Watermark::Read => receipt.read_up_to.max(position),
            };
            if (delivered, read) == (receipt.delivered_up_to, receipt.read_up_to) {
                return Ok(None);
            }
            (receipt.delivered_up_to, receipt.read_up_to) = (delivered, read);
            tx.execute(
                "UPDATE conversation_members SET delivered_up_to = ?4, read_up_to = ?5 \
                 WHERE app_id = ?1 AND conversation_id = ?2 AND user_id = ?3",
                params![app.0, conversation.as_str(), user.as_str(), delivered, read],
            )?;
            Ok(Some(receipt))
        })
    }

    fn append_event(&mut self, app: AppId, user: &UserId, event: &Arc<Event>) -> StoreResult<u64> {
        self.writing(|tx| {
            let seq = tx.newest_event(app, user)? + 1;
            tx.insert_event(app, user, seq, event)?;
            if let Some(mut heads) = tx.heads() {
                heads.keep_log(app, user, seq);
            }
            tx.events.push(LoggedEvent { app_id: app, user_id: user.clone(), seq, event: Arc::clone(event) });
            Ok(seq)
        })
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

    /// The end of a conversation that must exist.
    fn conversation_head(&self, app: AppId, id: &ConversationId) -> StoreResult<ConversationHead> {
        if let Some(head) = self.heads().and_then(|mut heads| heads.take_conversation(app, id)) {
            return Ok(head);
        }
        let head = self.one(CONVERSATION, params![app.0, id.as_str()])?;
        head.ok_or_else(|| missing("conversations", app, id.as_str()))
    }

    /// Keeps the moment of the last change when the next message will be older: a clock may jump back.
    fn hold_back(&self, app: AppId, head: &ConversationHead) -> StoreResult<()> {
        self.execute(
            "UPDATE conversations SET updated_at = ?3 \
             WHERE app_id = ?1 AND id = ?2 AND updated_at < ?3",
            params![app.0, head.id.as_str(), head.updated_at.as_millis()],
        )
        .map(drop)
    }

    /// The number of a user's newest event.
    fn newest_event(&self, app: AppId, user: &UserId) -> StoreResult<u64> {
        if let Some(newest) = self.heads().and_then(|heads| heads.log(app, user)) {
            return Ok(newest);
        }
        let newest = self.number(
            "SELECT seq FROM events WHERE app_id = ?1 AND user_id = ?2 ORDER BY seq DESC LIMIT 1",
            params![app.0, user.as_str()],
            || format!("events.seq of a row ({app}, {user})"),
        )?;
        if let Some(newest) = newest {
            return Ok(newest);
        }
        let pruned = self.number(
            "SELECT pruned_up_to FROM mailboxes WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, user.as_str()],
            || format!("mailboxes.pruned_up_to of the row ({app}, {user})"),
        )?;
        pruned.ok_or_else(|| missing("mailboxes", app, user.as_str()))
    }

    fn insert_message(&self, app: AppId, message: &Message) -> StoreResult<()> {
        self.execute(
            "INSERT INTO messages (app_id, conversation_id, position, id, sender_id, \
             sender_session_id, recipient_id, created_at, text) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                app.0,
                message.conversation_id.as_str(),
                message.position,
                message.id.as_str(),
                message.sender_id.as_str(),
                message.sender_session_id.as_str(),
                message.recipient_id.as_ref().map(UserId::as_str),
                message.created_at.as_millis(),
                &*message.text
            ],
        )
        .map(drop)
    }

    fn insert_event(&self, app: AppId, user: &UserId, seq: u64, event: &Event) -> StoreResult<()> {
        let (app, user, seq) = (app.0, user.as_str(), sequence(seq));
        match event {
            Event::MessageCreated(message) => self.execute(
                "INSERT INTO events (app_id, user_id, seq, kind, conversation_id, position) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    app,
                    user,
                    seq,
                    KIND_MESSAGE_CREATED,
                    message.conversation_id.as_str(),
                    message.position
                ],
            ),
            Event::ReceiptChanged(receipt) => self.execute(
                "INSERT INTO events (app_id, user_id, seq, kind, conversation_id, member_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    app,
                    user,
                    seq,
                    KIND_RECEIPT_CHANGED,
                    receipt.conversation_id.as_str(),
                    receipt.user_id.as_str()
                ],
            ),
            Event::CallEnded(call) => self.execute(
                "INSERT INTO events (app_id, user_id, seq, kind, call_id) \
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![app, user, seq, KIND_CALL_ENDED, call.id.as_str()],
            ),
        }
        .map(drop)
    }
}

pub(crate) fn millis(moment: Option<Timestamp>) -> Option<i64> {
    moment.map(Timestamp::as_millis)
}

pub(crate) fn json(value: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Unavailable(format!("a value has no JSON form ({error})")))
}

/// A row that the caller has promised is not there.
fn missing(table: &str, app: AppId, id: &str) -> StoreError {
    StoreError::Corrupt(format!("{table} has no row ({app}, {id})"))
}

/// A member's watermarks, and the position of the newest message.
const MARKS: &str = concat!(
    "SELECT ",
    member_columns!(),
    ", coalesce((SELECT max(position) FROM messages WHERE app_id = ?1 AND conversation_id = ?2), 0) \
     FROM conversation_members WHERE app_id = ?1 AND conversation_id = ?2 AND user_id = ?3"
);
/// How many cells `member_columns!` has.
const MEMBER_CELLS: usize = 5;
