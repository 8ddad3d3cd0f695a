//! Writing verbs. Everything here happens inside one closure and is undone when that closure refuses.

use std::sync::Arc;

use callbox_domain::{
    App, AppId, AppKeyRecord, CallEventRecord, CallId, CallRecord, Conversation, ConversationId, Event,
    Identity, MailboxEpoch, Message, MessageId, Receipt, Session, SessionEndReason, SessionId, Timestamp,
    User, UserId, Watermark,
};

use crate::{Read, StoreResult, WriteAccounts};

/// A write in progress. It sees its own writes.
///
/// When a verb of this trait fails, the write is undone and answered with that error, whatever its closure makes of it:
/// a verb that failed half-way leaves nothing behind.
pub trait Tx: Read + WriteAccounts {
    // Apps

    /// Adds an app and returns its number; `app.id` is ignored.
    fn insert_app(&mut self, app: &App) -> StoreResult<AppId>;
    /// Adds a key row. Adding one whose (key, generation) exists is [`Created::Existed`] and changes nothing.
    fn insert_app_key(&mut self, key: &AppKeyRecord) -> StoreResult<Created>;
    /// Sets the moment after which a key row is no longer good.
    fn expire_app_key(&mut self, key: &AppKeyRecord, not_after: Timestamp) -> StoreResult<()>;

    // People

    /// Adds a user with an empty mailbox of this epoch. An existing user stays as it is.
    fn insert_user(&mut self, app: AppId, user: &User, epoch: &MailboxEpoch) -> StoreResult<Created>;
    /// Adds an identity. An existing one (same type and value) stays as it is.
    fn insert_identity(&mut self, app: AppId, identity: &Identity) -> StoreResult<Created>;
    /// Notes when a user's last connection closed. Never goes back.
    fn touch_user(&mut self, app: AppId, user: &UserId, last_seen_at: Timestamp) -> StoreResult<()>;

    // Sessions

    /// Adds a session, found later by the SHA-256 of its bearer token.
    fn insert_session(&mut self, session: &Session, token_hash: &[u8; 32]) -> StoreResult<()>;
    /// Ends an open session and adds it to the list of ended ones. `false` when there is no such session or it had ended already (the first reason stands).
    fn end_session(
        &mut self,
        app: AppId,
        session: &SessionId,
        at: Timestamp,
        reason: SessionEndReason,
    ) -> StoreResult<bool>;

    // Messages

    /// Adds a conversation between `conversation.members`, without messages. Two members make it their direct
    /// conversation; they can have one only.
    fn insert_conversation(&mut self, app: AppId, conversation: &Conversation) -> StoreResult<()>;
    /// Appends a message at the next position and notes the moment as the conversation's last change, unless that is
    /// later. The caller has made sure that the id is new and the conversation exists. The other user of a direct
    /// conversation becomes [`Message::recipient_id`].
    fn append_message(&mut self, app: AppId, message: NewMessage) -> StoreResult<Message>;
    /// Raises a member's watermark to `position`, at most to the newest message; reading implies delivery. Returns the
    /// member's watermarks when one of them rose, `None` when nothing changed or the user is no member.
    fn raise_watermark(
        &mut self,
        app: AppId,
        conversation: &ConversationId,
        user: &UserId,
        watermark: Watermark,
        position: u32,
    ) -> StoreResult<Option<Receipt>>;

    // The event log

    /// Appends an event to a user's log and returns its number. Only its kind and references are kept. A user without
    /// a mailbox is [`StoreError::Corrupt`](crate::StoreError::Corrupt). `at` is now: the event is kept for some time.
    fn append_event(
        &mut self,
        app: AppId,
        user: &UserId,
        event: &Arc<Event>,
        at: Timestamp,
    ) -> StoreResult<u64>;
    /// Removes events from the beginnings of logs, of all apps: those that are older than what is kept, and those beyond
    /// the number that is kept. A log's newest number stays what it is; [`Mailbox::pruned_up_to`] says how far it is gone.
    ///
    /// Works through the logs in an order of the store's own, from `from` on (0 in the beginning), until about `rows_max`
    /// rows were looked at or removed. Returns where to go on, or `None` when all logs were seen.
    ///
    /// [`Mailbox::pruned_up_to`]: callbox_domain::Mailbox::pruned_up_to
    fn prune_events(&mut self, from: u64, kept: EventsKept, rows_max: u32) -> StoreResult<Option<u64>>;

    // Calls

    /// Adds a call. One with the same id stays as it is.
    fn insert_call(&mut self, call: &CallRecord) -> StoreResult<Created>;
    /// Overwrites a call's changing parts: `accepted_at`, `end`, `snapshot`. An ended call loses its kept signals; an
    /// unknown call stays unknown.
    fn update_call(&mut self, call: &CallRecord) -> StoreResult<()>;
    /// Adds a line to a call's timeline.
    fn append_call_event(&mut self, app: AppId, call: &CallId, event: &CallEventRecord) -> StoreResult<()>;
    /// Keeps a signal of a live call until the call ends. Those of ended and unknown calls are not kept.
    fn append_call_signal(&mut self, app: AppId, call: &CallId, signal: &str) -> StoreResult<()>;
}

/// Which events stay in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventsKept {
    /// Those logged at this moment or later, as far as no newer one was logged with an older moment: a log loses its
    /// beginning only.
    pub newer_than: Timestamp,
    /// At most so many of the newest of each user.
    pub per_user_max: u64,
}

/// Whether an insert added something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It was there; nothing changed.
    Existed,
}

/// A message before it has a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Chosen by the sender; unique in the app.
    pub id: MessageId,
    /// Where it goes.
    pub conversation_id: ConversationId,
    /// Who wrote it.
    pub sender_id: UserId,
    /// From which session.
    pub sender_session_id: SessionId,
    /// What was written.
    pub text: Arc<str>,
    /// When the server accepted it.
    pub created_at: Timestamp,
}
