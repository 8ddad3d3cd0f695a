//! Erases users, a part at a time.
//!
//! With the first part the user's number gets the tombstone's name: wherever others meet the user, in conversations,
//! messages and receipts, they meet the tombstone from then on, and nobody can write to them there any more. What follows
//! removes what the rows still hold. The user's own row, which keeps them out and their id taken, goes last.

use callbox_domain::{AppId, CallId, Timestamp, UserId};
use callbox_storage::StoreResult;
use rusqlite::params;

use crate::compact::NOTE_ERASURE;
use crate::conversations::missing;
use crate::entities::{app_id, call_id, stored, user_id};
use crate::numbers::{ConversationNumber, Person, Place};
use crate::stored_row::{Stored, StoredRow};
use crate::transaction::Transaction;

/// An erasure under way.
struct Erasure {
    user: UserId,
    tombstone: UserId,
    /// Of the messages in the user's conversations, those up to here are empty.
    place: Place,
}

stored!(Erasure, "erasures", key 2, |row| {
    app_id(row)?;
    Ok(Erasure { user: user_id(row)?, tombstone: user_id(row)?, place: Place::from_row(row.number()?) })
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
    fn(&Transaction<'home, 'connection>, AppId, &Erasure, Person, u32) -> StoreResult<u32>;

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
            "INSERT INTO erasures (app_id, user_id, tombstone, place) VALUES (?1, ?2, ?3, 0) \
             ON CONFLICT (app_id, user_id) DO NOTHING",
            params![app.0, user.as_str(), tombstone.as_str()],
        )?;
        Ok(true)
    }

    /// See [`callbox_storage::WriteAccounts::erase_part`].
    pub(crate) fn erase(&self, app: AppId, user: &UserId, rows_max: u32) -> StoreResult<bool> {
        let Some(erasure) = self.erasure(app, user)? else { return Ok(false) };
        let person = self.rename(app, &erasure)?;
        let mut rows_left = rows_max;
        let steps: [Step<'home, 'connection>; 3] =
            [Self::empty_messages, Self::leave_calls, Self::erase_rows];
        for step in steps {
            rows_left = rows_left.saturating_sub(step(self, app, &erasure, person, rows_left)?);
            if rows_left == 0 {
                return Ok(true);
            }
        }
        self.execute("DELETE FROM mailboxes WHERE person = ?1", params![person])?;
        for sql in THE_USER {
            self.execute(sql, params![app.0, user.as_str()])?;
        }
        self.execute(NOTE_ERASURE, [])?;
        Ok(false)
    }

    fn erasure(&self, app: AppId, user: &UserId) -> StoreResult<Option<Erasure>> {
        self.one(
            "SELECT app_id, user_id, tombstone, place FROM erasures WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, user.as_str()],
        )
    }

    /// The number of someone who has lost their name to a tombstone.
    pub(crate) fn person_being_erased(&self, app: AppId, user: &UserId) -> StoreResult<Option<Person>> {
        match self.erasure(app, user)? {
            Some(erasure) => self.person(app, &erasure.tombstone),
            None => Ok(None),
        }
    }

    /// Gives the user's number the tombstone's name, unless it has it already.
    fn rename(&self, app: AppId, erasure: &Erasure) -> StoreResult<Person> {
        // Names, recipients and the ends of logs change under them.
        if let Some(mut heads) = self.remembered() {
            heads.forget();
        }
        self.execute(
            "UPDATE people SET user_id = ?3 WHERE app_id = ?1 AND user_id = ?2 \
             AND NOT EXISTS (SELECT 1 FROM people WHERE app_id = ?1 AND user_id = ?3)",
            params![app.0, erasure.user.as_str(), erasure.tombstone.as_str()],
        )?;
        let person = self.person(app, &erasure.tombstone)?;
        person.ok_or_else(|| missing("people", app, erasure.user.as_str()))
    }

    /// Takes the texts out of the user's messages.
    fn empty_messages(
        &self,
        app: AppId,
        erasure: &Erasure,
        person: Person,
        rows_max: u32,
    ) -> StoreResult<u32> {
        let mut rows = 0;
        let mut place = erasure.place;
        while rows < rows_max {
            let up_to = place.later_by(rows_max - rows).min(self.newest_place(place)?);
            if up_to > place {
                self.execute(MESSAGES, params![place, up_to, person, erasure.tombstone.as_str()])?;
                rows += up_to.position() - place.position();
                place = up_to;
                continue;
            }
            let Some(next) = self.conversation_after(person, place.conversation())? else { break };
            // A conversation without messages costs a look too.
            rows += 1;
            place = Place::new(next, 0);
        }
        self.execute(
            "UPDATE erasures SET place = ?3 WHERE app_id = ?1 AND user_id = ?2",
            params![app.0, erasure.user.as_str(), place],
        )?;
        Ok(rows)
    }

    /// The newest message of the conversation of a place, or its beginning.
    fn newest_place(&self, place: Place) -> StoreResult<Place> {
        let beginning = Place::new(place.conversation(), 0);
        let newest = self.number(
            "SELECT max(place) FROM messages WHERE place > ?1 AND place <= ?2 HAVING max(place) IS NOT NULL",
            params![beginning, Place::last(place.conversation())],
            || "messages.place".to_owned(),
        )?;
        Ok(newest.map_or(beginning, Place::from_row))
    }

    fn conversation_after(
        &self,
        person: Person,
        after: ConversationNumber,
    ) -> StoreResult<Option<ConversationNumber>> {
        let next = self.number(
            "SELECT conversation FROM conversation_members WHERE person = ?1 AND conversation > ?2 \
             ORDER BY conversation LIMIT 1",
            params![person, after],
            || "conversation_members.conversation".to_owned(),
        )?;
        Ok(next.map(ConversationNumber))
    }

    /// Puts the tombstone into the user's place in calls and their timelines.
    fn leave_calls(&self, app: AppId, erasure: &Erasure, _: Person, rows_max: u32) -> StoreResult<u32> {
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
    fn erase_rows(&self, app: AppId, erasure: &Erasure, person: Person, rows_max: u32) -> StoreResult<u32> {
        let (user, tombstone) = (erasure.user.as_str(), erasure.tombstone.as_str());
        let events = self.execute(EVENTS, params![person, rows_max])?;
        let mut rows = u32::try_from(events).unwrap_or(u32::MAX).min(rows_max);
        for sql in ROWS {
            let changed = self.execute(sql, params![app.0, user, tombstone, rows_max - rows])?;
            rows = rows.saturating_add(u32::try_from(changed).unwrap_or(u32::MAX)).min(rows_max);
        }
        Ok(rows)
    }
}

const MESSAGES: &str = "UPDATE messages SET text = '', sender_session_id = ?4 \
     WHERE place > ?1 AND place <= ?2 AND sender = ?3";

const EVENTS: &str = "DELETE FROM events WHERE person = ?1 AND seq IN (SELECT seq FROM events \
     WHERE person = ?1 ORDER BY seq LIMIT ?2)";

/// For (app, user, tombstone, rows at most).
const ROWS: &[&str] = &[
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
    "DELETE FROM users WHERE app_id = ?1 AND id = ?2",
    "DELETE FROM erasures WHERE app_id = ?1 AND user_id = ?2",
];
