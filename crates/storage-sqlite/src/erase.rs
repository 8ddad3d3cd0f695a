//! Erases users, a part at a time.
//!
//! The order keeps everyone else's history whole after each part. First the user's conversations become the tombstone's:
//! from then on nobody can write to them there, so that what follows meets a set of rows that no longer grows. A receipt
//! event that still names the user finds the tombstone's row meanwhile (see `RECEIPT_OF` in `pages.rs`). The user's own
//! row, which keeps them out and their id taken, goes last.

use callbox_domain::{AppId, CallId, ConversationId, Timestamp, UserId};
use callbox_storage::{StoreError, StoreResult};
use rusqlite::params;

use crate::compact::NOTE_ERASURE;
use crate::entities::{ConversationKey, app_id, call_id, stored, user_id};
use crate::stored_row::{Stored, StoredRow};
use crate::transaction::Transaction;

/// An erasure under way.
struct Erasure {
    user: UserId,
    tombstone: UserId,
    /// Where the messages have been emptied up to; `None` before the first conversation.
    conversation: Option<ConversationId>,
    position: u32,
}

stored!(Erasure, "erasures", key 2, |row| {
    app_id(row)?;
    Ok(Erasure {
        user: user_id(row)?,
        tombstone: user_id(row)?,
        conversation: row.parsed(|text| {
            if text.is_empty() { Some(None) } else { ConversationId::new(text).ok().map(Some) }
        })?,
        position: row.number()?,
    })
});

/// A user whose erasure has begun.
struct Erased(AppId, UserId);

stored!(Erased, "erasures", key 2, |row| Ok(Erased(app_id(row)?, user_id(row)?)));

/// A call of the user.
struct CallKey(CallId);

stored!(CallKey, "calls", key 2, |row| {
    app_id(row)?;
    Ok(CallKey(call_id(row)?))
});

/// Changes at most so many rows and says how many; fewer mean that it is done.
type Step<'home, 'connection> =
    fn(&Transaction<'home, 'connection>, AppId, &Erasure, u32) -> StoreResult<u32>;

impl<'home, 'connection> Transaction<'home, 'connection> {
    /// See [`callbox_storage::ReadAccounts::is_being_erased`].
    pub(crate) fn has_erasure(&self, app: AppId, user: &UserId) -> StoreResult<bool> {
        self.erasure(app, user).map(|erasure| erasure.is_some())
    }

    /// See [`callbox_storage::ReadAccounts::erasures`].
    pub(crate) fn all_erasures(&self, limit: u32) -> StoreResult<Vec<(AppId, UserId)>> {
        let all: Vec<Erased> =
            self.all("SELECT app_id, user_id FROM erasures ORDER BY app_id, user_id LIMIT ?1", [limit])?;
        Ok(all.into_iter().map(|Erased(app, user)| (app, user)).collect())
    }

    /// See [`callbox_storage::WriteAccounts::begin_erasure`].
    pub(crate) fn insert_erasure(
        &self,
        app: AppId,
        user: &UserId,
        tombstone: &UserId,
        at: Timestamp,
    ) -> StoreResult<bool> {
        let found = self.execute(
            "UPDATE users SET blocked_at = coalesce(blocked_at, ?3) WHERE app_id = ?1 AND id = ?2",
            params![app.0, user.as_str(), at.as_millis()],
        )?;
        if found == 0 {
            return Ok(false);
        }
        self.execute(
            "INSERT INTO erasures (app_id, user_id, tombstone, conversation_id, position) \
             VALUES (?1, ?2, ?3, '', 0) ON CONFLICT (app_id, user_id) DO NOTHING",
            params![app.0, user.as_str(), tombstone.as_str()],
        )?;
        Ok(true)
    }

    /// See [`callbox_storage::WriteAccounts::erase_part`].
    pub(crate) fn erase(&self, app: AppId, user: &UserId, rows_max: u32) -> StoreResult<bool> {
        let Some(erasure) = self.erasure(app, user)? else { return Ok(false) };
        // Recipients and the ends of logs change under them.
        if let Some(mut heads) = self.heads() {
            heads.forget();
        }
        let mut rows_left = rows_max;
        let steps: [Step<'home, 'connection>; 4] =
            [Self::leave_conversations, Self::empty_messages, Self::leave_calls, Self::erase_rows];
        for step in steps {
            rows_left = rows_left.saturating_sub(step(self, app, &erasure, rows_left)?);
            if rows_left == 0 {
                return Ok(true);
            }
        }
        for sql in THE_USER {
            self.execute(sql, params![app.0, user.as_str()])?;
        }
        self.execute(NOTE_ERASURE, [])?;
        Ok(false)
    }

    fn erasure(&self, app: AppId, user: &UserId) -> StoreResult<Option<Erasure>> {
        self.one(
            "SELECT app_id, user_id, tombstone, conversation_id, position FROM erasures \
             WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, user.as_str()],
        )
    }

    /// Puts the tombstone into the user's place as a member.
    fn leave_conversations(&self, app: AppId, erasure: &Erasure, rows_max: u32) -> StoreResult<u32> {
        let (user, tombstone) = (erasure.user.as_str(), erasure.tombstone.as_str());
        let keys: Vec<ConversationKey> = self.all(
            "SELECT app_id, conversation_id FROM conversation_members \
             WHERE app_id = ?1 AND user_id = ?2 LIMIT ?3",
            // Two rows change for each. An odd row is left for later.
            params![app.0, user, rows_max.div_ceil(2)],
        )?;
        let mut changed = 0;
        for ConversationKey(id) in keys {
            self.execute(
                "UPDATE conversation_members SET user_id = ?4 \
                 WHERE app_id = ?1 AND conversation_id = ?2 AND user_id = ?3",
                params![app.0, id.as_str(), user, tombstone],
            )?;
            // The two stay in the order of their ids.
            self.execute(
                "UPDATE conversations SET \
                     lower_member = min(?4, iif(lower_member = ?3, upper_member, lower_member)), \
                     upper_member = max(?4, iif(lower_member = ?3, upper_member, lower_member)) \
                 WHERE app_id = ?1 AND id = ?2 AND (lower_member = ?3 OR upper_member = ?3)",
                params![app.0, id.as_str(), user, tombstone],
            )?;
            changed += 2;
        }
        Ok(changed.min(rows_max))
    }

    /// Takes the text out of the user's messages, and the user out of the messages of others.
    fn empty_messages(&self, app: AppId, erasure: &Erasure, rows_max: u32) -> StoreResult<u32> {
        let mut rows = 0;
        let mut at = erasure.conversation.clone().map(|conversation| (conversation, erasure.position));
        while rows < rows_max {
            let place = match at.take() {
                Some(place) => Some(place),
                None => self.conversation_after(app, &erasure.tombstone, None)?.map(|first| (first, 0)),
            };
            let Some((conversation, position)) = place else { return Ok(rows) };
            let looked_at = rows_max - rows;
            let newest = self.number::<u32>(
                "SELECT coalesce(max(position), 0) FROM messages WHERE app_id = ?1 AND conversation_id = ?2",
                params![app.0, conversation.as_str()],
                || format!("messages.position of the rows ({app}, {conversation})"),
            )?;
            let up_to = position.saturating_add(looked_at).min(newest.unwrap_or(0)).max(position);
            self.execute(
                MESSAGES,
                params![
                    app.0,
                    conversation.as_str(),
                    position,
                    up_to,
                    erasure.user.as_str(),
                    erasure.tombstone.as_str()
                ],
            )?;
            rows += up_to - position;
            if rows == rows_max {
                self.note_place(app, erasure, &conversation, up_to)?;
                return Ok(rows);
            }
            let next = self.conversation_after(app, &erasure.tombstone, Some(&conversation))?;
            let Some(next) = next else {
                self.note_place(app, erasure, &conversation, up_to)?;
                return Ok(rows);
            };
            // A conversation without messages costs a look too.
            rows += 1;
            self.note_place(app, erasure, &next, 0)?;
            at = Some((next, 0));
        }
        Ok(rows)
    }

    fn conversation_after(
        &self,
        app: AppId,
        tombstone: &UserId,
        after: Option<&ConversationId>,
    ) -> StoreResult<Option<ConversationId>> {
        let key: Option<ConversationKey> = self.one(
            "SELECT app_id, conversation_id FROM conversation_members \
             WHERE app_id = ?1 AND user_id = ?2 AND conversation_id > ?3 ORDER BY conversation_id LIMIT 1",
            params![app.0, tombstone.as_str(), after.map_or("", ConversationId::as_str)],
        )?;
        Ok(key.map(|ConversationKey(id)| id))
    }

    fn note_place(
        &self,
        app: AppId,
        erasure: &Erasure,
        conversation: &ConversationId,
        position: u32,
    ) -> StoreResult<()> {
        self.execute(
            "UPDATE erasures SET conversation_id = ?3, position = ?4 WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, erasure.user.as_str(), conversation.as_str(), position],
        )
        .map(drop)
    }

    /// Puts the tombstone into the user's place in calls and their timelines.
    fn leave_calls(&self, app: AppId, erasure: &Erasure, rows_max: u32) -> StoreResult<u32> {
        let (user, tombstone) = (erasure.user.as_str(), erasure.tombstone.as_str());
        let mut rows = 0;
        while rows < rows_max {
            let key: Option<CallKey> = self.one(
                "SELECT app_id, id FROM (SELECT app_id, id FROM calls WHERE app_id = ?1 AND caller_id = ?2 \
                     UNION ALL SELECT app_id, id FROM calls WHERE app_id = ?1 AND callee_id = ?2) LIMIT 1",
                params![app.0, user],
            )?;
            let Some(CallKey(call)) = key else { return Ok(rows) };
            // The details of the user's lines name the user's device.
            let lines = self.execute(
                "UPDATE call_events SET user_id = ?4, details = '' \
                 WHERE app_id = ?1 AND call_id = ?2 AND number IN (SELECT number FROM call_events \
                     WHERE app_id = ?1 AND call_id = ?2 AND user_id = ?3 LIMIT ?5)",
                params![app.0, call.as_str(), user, tombstone, rows_max - rows],
            )?;
            rows = rows.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            if rows >= rows_max {
                break;
            }
            self.execute(
                "UPDATE calls SET snapshot = '', caller_id = iif(caller_id = ?3, ?4, caller_id), \
                     callee_id = iif(callee_id = ?3, ?4, callee_id), ended_by = iif(ended_by = ?3, ?4, ended_by) \
                 WHERE app_id = ?1 AND id = ?2",
                params![app.0, call.as_str(), user, tombstone],
            )?;
            rows += 1;
        }
        Ok(rows)
    }

    /// Removes what is the user's alone, and the user from lists that others keep.
    fn erase_rows(&self, app: AppId, erasure: &Erasure, rows_max: u32) -> StoreResult<u32> {
        let (user, tombstone) = (erasure.user.as_str(), erasure.tombstone.as_str());
        let mut rows = 0;
        for sql in ROWS {
            let changed = self.execute(sql, params![app.0, user, tombstone, rows_max - rows])?;
            rows = rows.saturating_add(u32::try_from(changed).unwrap_or(u32::MAX)).min(rows_max);
        }
        Ok(rows)
    }
}

const MESSAGES: &str = "UPDATE messages SET \
         text = iif(sender_id = ?5, '', text), \
         sender_session_id = iif(sender_id = ?5, ?6, sender_session_id), \
         recipient_id = iif(recipient_id = ?5, ?6, recipient_id), \
         sender_id = iif(sender_id = ?5, ?6, sender_id) \
     WHERE app_id = ?1 AND conversation_id = ?2 AND position > ?3 AND position <= ?4 \
         AND (sender_id = ?5 OR recipient_id = ?5)";

/// For (app, user, tombstone, rows at most). Events of others come first: they look up the user's erasure until then.
const ROWS: &[&str] = &[
    "UPDATE events SET member_id = ?3 WHERE (app_id, user_id, seq) IN (SELECT app_id, user_id, seq \
         FROM events WHERE app_id = ?1 AND member_id = ?2 AND user_id <> ?2 LIMIT ?4)",
    "DELETE FROM events WHERE app_id = ?1 AND user_id = ?2 AND seq IN (SELECT seq FROM events \
         WHERE app_id = ?1 AND user_id = ?2 ORDER BY seq LIMIT ?4)",
    "DELETE FROM sessions WHERE app_id = ?1 AND id IN (SELECT id FROM sessions \
         WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "UPDATE ended_sessions SET user_id = ?3 WHERE number IN (SELECT number FROM ended_sessions \
         WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "DELETE FROM identities WHERE (app_id, type, value) IN (SELECT app_id, type, value FROM identities \
         WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "DELETE FROM passwords WHERE app_id = ?1 AND user_id = ?2 AND ?4 > 0",
    "DELETE FROM access_tokens WHERE app_id = ?1 AND user_id = ?2 AND id IN (SELECT id FROM access_tokens \
         WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "DELETE FROM device_credentials WHERE app_id = ?1 AND username IN (SELECT username \
         FROM device_credentials WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "DELETE FROM one_time_tokens WHERE app_id = ?1 AND hash IN (SELECT hash FROM one_time_tokens \
         WHERE app_id = ?1 AND user_id = ?2 LIMIT ?4)",
    "UPDATE audit SET subject = ?3 WHERE number IN (SELECT number FROM audit \
         WHERE app_id = ?1 AND subject = ?2 AND action GLOB 'user.*' LIMIT ?4)",
];

/// For (app, user): the last rows, together.
const THE_USER: &[&str] = &[
    "DELETE FROM mailboxes WHERE app_id = ?1 AND user_id = ?2",
    "DELETE FROM users WHERE app_id = ?1 AND id = ?2",
    "DELETE FROM erasures WHERE app_id = ?1 AND user_id = ?2",
];
