//! The reading verbs, in SQL.

use callbox_domain::{
    App, AppId, AppKey, AppKeyRecord, CallEventRecord, CallId, CallRecord, Conversation, ConversationId,
    ConversationSummary, Identity, IdentityType, LoggedEvent, Mailbox, Member, Message, MessageId, Session,
    SessionId, User, UserId,
};
use callbox_storage::{ConversationsPage, EventsPage, MessagesPage, Read, SessionLookup, StoreResult};
use rusqlite::params;

use crate::entities::{
    CallSignal, NewestEvent, app_columns, app_key_columns, call_columns, call_event_columns,
    call_signal_columns, identity_columns, mailbox_columns, messages, session_columns, user_columns,
};
use crate::heads::Head;
use crate::transaction::Transaction;

impl Read for Transaction<'_, '_> {
    fn apps(&self) -> StoreResult<Vec<App>> {
        self.all(concat!("SELECT ", app_columns!(), " FROM apps ORDER BY id"), [])
    }

    fn app(&self, app: AppId) -> StoreResult<Option<App>> {
        self.one(concat!("SELECT ", app_columns!(), " FROM apps WHERE id = ?1"), [app.0])
    }

    fn app_keys(&self, key: &AppKey) -> StoreResult<Vec<AppKeyRecord>> {
        self.all(
            concat!("SELECT ", app_key_columns!(), " FROM app_keys WHERE key = ?1 ORDER BY generation DESC"),
            [key.as_str()],
        )
    }

    fn keys_of_app(&self, app: AppId) -> StoreResult<Vec<AppKeyRecord>> {
        self.all(
            concat!(
                "SELECT ",
                app_key_columns!(),
                " FROM app_keys WHERE app_id = ?1 ORDER BY generation DESC, key"
            ),
            [app.0],
        )
    }

    fn user(&self, app: AppId, user: &UserId) -> StoreResult<Option<User>> {
        self.one(
            concat!("SELECT ", user_columns!(), " FROM users WHERE app_id = ?1 AND id = ?2"),
            params![app.0, user.as_str()],
        )
    }

    fn users(&self, app: AppId, after: Option<&UserId>, limit: u32) -> StoreResult<Vec<User>> {
        // No id is empty, so that every id comes after the empty text.
        self.all(
            concat!(
                "SELECT ",
                user_columns!(),
                " FROM users WHERE app_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ),
            params![app.0, after.map_or("", UserId::as_str), limit],
        )
    }

    fn identity(
        &self,
        app: AppId,
        identity_type: IdentityType,
        value: &str,
    ) -> StoreResult<Option<Identity>> {
        self.one(
            concat!(
                "SELECT ",
                identity_columns!(),
                " FROM identities WHERE app_id = ?1 AND type = ?2 AND value = ?3"
            ),
            params![app.0, identity_type.as_str(), value],
        )
    }

    fn identities_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<Identity>> {
        self.all(
            concat!(
                "SELECT ",
                identity_columns!(),
                " FROM identities WHERE app_id = ?1 AND user_id = ?2 ORDER BY type, value"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn session_by_token(&self, token_hash: &[u8; 32]) -> StoreResult<Option<SessionLookup>> {
        let pair = self.pair(
            concat!(
                "SELECT ",
                session_columns!(),
                ", ",
                app_columns!(),
                " FROM sessions JOIN apps ON apps.id = sessions.app_id \
                 WHERE sessions.token_hash = ?1"
            ),
            SESSION_CELLS,
            [token_hash.as_slice()],
        )?;
        match pair {
            Some((session, app)) => Ok(Some(SessionLookup { session, app, token_good_until: None })),
            None => self.session_by_previous_token(token_hash),
        }
    }

    fn session(&self, app: AppId, session: &SessionId) -> StoreResult<Option<Session>> {
        self.one(
            concat!("SELECT ", session_columns!(), " FROM sessions WHERE app_id = ?1 AND id = ?2"),
            params![app.0, session.as_str()],
        )
    }

    fn conversation(&self, app: AppId, conversation: &ConversationId) -> StoreResult<Option<Conversation>> {
        Ok(self.head(app, conversation)?.map(Head::into_conversation))
    }

    fn direct_conversation(
        &self,
        app: AppId,
        one: &UserId,
        other: &UserId,
    ) -> StoreResult<Option<Conversation>> {
        Ok(self.direct_head(app, one, other)?.map(Head::into_conversation))
    }

    fn members(&self, app: AppId, conversation: &ConversationId) -> StoreResult<Vec<Member>> {
        Ok(self.head(app, conversation)?.map(Head::into_members).unwrap_or_default())
    }

    fn conversations_of(
        &self,
        app: AppId,
        user: &UserId,
        page: &ConversationsPage,
    ) -> StoreResult<Vec<ConversationSummary>> {
        self.conversation_summaries(app, user, page)
    }

    fn message(&self, app: AppId, message: &MessageId) -> StoreResult<Option<Message>> {
        self.one(
            concat!("SELECT ", messages!(), " WHERE messages.app_id = ?1 AND messages.id = ?2"),
            params![app.0, message.as_str()],
        )
    }

    fn messages(
        &self,
        app: AppId,
        conversation: &ConversationId,
        page: MessagesPage,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        self.message_page(app, conversation, page, limit)
    }

    fn mailbox(&self, app: AppId, user: &UserId) -> StoreResult<Option<Mailbox>> {
        self.one(
            concat!(
                "SELECT ",
                mailbox_columns!(),
                " FROM people JOIN mailboxes ON mailboxes.person = people.number \
                 WHERE people.app_id = ?1 AND people.user_id = ?2"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn heads(&self, mailboxes: &[(AppId, UserId)]) -> StoreResult<Vec<Option<u64>>> {
        let head = |(app, user): &(AppId, UserId)| {
            self.number(HEAD, params![app.0, user.as_str()], || {
                format!("the head of the mailbox ({app}, {user})")
            })
        };
        mailboxes.iter().map(head).collect()
    }

    fn events(&self, app: AppId, user: &UserId, page: EventsPage) -> StoreResult<Vec<LoggedEvent>> {
        self.event_page(app, user, page)
    }

    fn positions_in_events(
        &self,
        app: AppId,
        user: &UserId,
        after: u64,
        up_to: u64,
    ) -> StoreResult<Vec<(ConversationId, u32)>> {
        let Some(person) = self.person(app, user)? else { return Ok(Vec::new()) };
        let newest: Vec<NewestEvent> = self.all(
            "SELECT events.person, conversations.id, max(messages.place) & 4294967295 AS position \
             FROM events CROSS JOIN messages ON messages.place = events.place \
                 LEFT JOIN conversations ON conversations.number = messages.place >> 32 \
             WHERE events.person = ?1 AND events.seq > ?2 AND events.seq <= ?3 \
                 AND events.kind = 1 AND messages.sender <> ?1 \
             GROUP BY messages.place >> 32",
            params![person, sequence(after), sequence(up_to)],
        )?;
        Ok(newest.into_iter().map(|newest| (newest.conversation_id, newest.position)).collect())
    }

    fn call(&self, app: AppId, call: &CallId) -> StoreResult<Option<CallRecord>> {
        self.one(
            concat!("SELECT ", call_columns!(), " FROM calls WHERE app_id = ?1 AND id = ?2"),
            params![app.0, call.as_str()],
        )
    }

    fn live_calls(&self) -> StoreResult<Vec<CallRecord>> {
        self.all(
            concat!(
                "SELECT ",
                call_columns!(),
                " FROM calls WHERE ended_at IS NULL ORDER BY created_at, app_id, id"
            ),
            [],
        )
    }

    fn live_calls_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<CallRecord>> {
        self.all(
            concat!(
                "SELECT ",
                call_columns!(),
                " FROM calls WHERE app_id = ?1 AND caller_id = ?2 AND ended_at IS NULL \
                 UNION SELECT ",
                call_columns!(),
                " FROM calls WHERE app_id = ?1 AND callee_id = ?2 AND ended_at IS NULL \
                 ORDER BY created_at, id"
            ),
            params![app.0, user.as_str()],
        )
    }

    fn call_events(&self, app: AppId, call: &CallId) -> StoreResult<Vec<CallEventRecord>> {
        self.all(
            concat!(
                "SELECT ",
                call_event_columns!(),
                " FROM call_events WHERE app_id = ?1 AND call_id = ?2 ORDER BY number"
            ),
            params![app.0, call.as_str()],
        )
    }

    fn call_signals(&self, app: AppId, call: &CallId) -> StoreResult<Vec<String>> {
        let signals: Vec<CallSignal> = self.all(
            concat!(
                "SELECT ",
                call_signal_columns!(),
                " FROM call_signals WHERE app_id = ?1 AND call_id = ?2 ORDER BY number"
            ),
            params![app.0, call.as_str()],
        )?;
        Ok(signals.into_iter().map(|signal| signal.0).collect())
    }
}

/// A place in a log as SQL knows numbers; there are no events beyond its largest.
pub(crate) fn sequence(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// How many cells `session_columns!` has.
pub(crate) const SESSION_CELLS: usize = 10;

/// As `mailbox_columns!` has it, without the rest.
const HEAD: &str = "SELECT coalesce((SELECT max(seq) FROM events WHERE events.person = mailboxes.person), pruned_up_to) \
     FROM people JOIN mailboxes ON mailboxes.person = people.number WHERE people.app_id = ?1 AND people.user_id = ?2";
