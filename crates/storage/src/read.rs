//! Reading verbs.

use callbox_domain::{
    App, AppId, AppKey, AppKeyRecord, CallEventRecord, CallId, CallRecord, Conversation, ConversationId,
    ConversationSummary, Identity, IdentityType, LoggedEvent, Mailbox, Member, Message, MessageId, Session,
    SessionId, Timestamp, User, UserId,
};

use crate::{ReadAccounts, StoreResult};

/// What can be read, inside a write as well as beside it. Every verb names the app first: nothing crosses apps.
pub trait Read: ReadAccounts {
    // Apps

    /// All apps, by number.
    fn apps(&self) -> StoreResult<Vec<App>>;
    /// The app with this number.
    fn app(&self, app: AppId) -> StoreResult<Option<App>>;
    /// Every row of this key, newest generation first, whether still good or not. Empty when no app has the key.
    fn app_keys(&self, key: &AppKey) -> StoreResult<Vec<AppKeyRecord>>;
    /// Every key row of this app, newest generation first.
    fn keys_of_app(&self, app: AppId) -> StoreResult<Vec<AppKeyRecord>>;

    // People

    /// One user.
    fn user(&self, app: AppId, user: &UserId) -> StoreResult<Option<User>>;
    /// Users in the order of their ids, after `after`, at most `limit`.
    fn users(&self, app: AppId, after: Option<&UserId>, limit: u32) -> StoreResult<Vec<User>>;
    /// The identity with this normalised value.
    fn identity(&self, app: AppId, identity_type: IdentityType, value: &str)
    -> StoreResult<Option<Identity>>;
    /// Every identity of one user, in no promised order.
    fn identities_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<Identity>>;

    // Sessions

    /// The session whose bearer token has this SHA-256, in whichever app: its own, or the one of before its renewal.
    fn session_by_token(&self, token_hash: &[u8; 32]) -> StoreResult<Option<SessionLookup>>;
    /// One session.
    fn session(&self, app: AppId, session: &SessionId) -> StoreResult<Option<Session>>;

    // Messages

    /// One conversation, with its members in the order of their ids.
    fn conversation(&self, app: AppId, conversation: &ConversationId) -> StoreResult<Option<Conversation>>;
    /// The direct conversation of two users, in either order.
    fn direct_conversation(
        &self,
        app: AppId,
        one: &UserId,
        other: &UserId,
    ) -> StoreResult<Option<Conversation>>;
    /// Every member with watermarks, in the order of their ids.
    fn members(&self, app: AppId, conversation: &ConversationId) -> StoreResult<Vec<Member>>;
    /// A user's conversations, the latest changed first. Unread messages are counted up to
    /// [`callbox_domain::message::UNREAD_COUNT_MAX`].
    fn conversations_of(
        &self,
        app: AppId,
        user: &UserId,
        page: &ConversationsPage,
    ) -> StoreResult<Vec<ConversationSummary>>;
    /// One message by its id.
    fn message(&self, app: AppId, message: &MessageId) -> StoreResult<Option<Message>>;
    /// A page of a conversation's history, always in rising order of position.
    fn messages(
        &self,
        app: AppId,
        conversation: &ConversationId,
        page: MessagesPage,
        limit: u32,
    ) -> StoreResult<Vec<Message>>;

    // The event log

    /// A user's mailbox; every user has one.
    fn mailbox(&self, app: AppId, user: &UserId) -> StoreResult<Option<Mailbox>>;
    /// The number of each user's newest event, in the order of `mailboxes`: as [`Read::mailbox`] says it, and `None` for
    /// who is no user. Asked again and again for everyone who is connected: one look at an index for each, nothing more.
    fn heads(&self, mailboxes: &[(AppId, UserId)]) -> StoreResult<Vec<Option<u64>>>;
    /// Events after `page.after`, in order, at most `page.limit`, with their content as it is now. One that refers to
    /// nothing is [`StoreError::Corrupt`](crate::StoreError::Corrupt): left out, it would look like a lost event.
    fn events(&self, app: AppId, user: &UserId, page: EventsPage) -> StoreResult<Vec<LoggedEvent>>;
    /// For the `message.created` events of a user with `after < seq <= up_to`: each conversation and the highest
    /// position of another member's message among them, in no promised order.
    fn positions_in_events(
        &self,
        app: AppId,
        user: &UserId,
        after: u64,
        up_to: u64,
    ) -> StoreResult<Vec<(ConversationId, u32)>>;

    // Calls

    /// One call, live or over.
    fn call(&self, app: AppId, call: &CallId) -> StoreResult<Option<CallRecord>>;
    /// Every live call of every app, in no promised order, to rebuild timers after a start.
    fn live_calls(&self) -> StoreResult<Vec<CallRecord>>;
    /// The live calls in which a user takes part, oldest first.
    fn live_calls_of(&self, app: AppId, user: &UserId) -> StoreResult<Vec<CallRecord>>;
    /// A call's timeline, oldest first.
    fn call_events(&self, app: AppId, call: &CallId) -> StoreResult<Vec<CallEventRecord>>;
    /// The kept signals (session descriptions and candidates) of a live call, oldest first, as opaque text.
    fn call_signals(&self, app: AppId, call: &CallId) -> StoreResult<Vec<String>>;
}

/// A session found by its bearer token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionLookup {
    /// The session.
    pub session: Session,
    /// Its app.
    pub app: App,
    /// Where the token is the one of before a renewal: until when it is good.
    pub token_good_until: Option<Timestamp>,
}

/// Which part of a user's conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationsPage {
    /// Only those that come after this one in the list's order (older, or equally old with a smaller id).
    pub before: Option<(Timestamp, ConversationId)>,
    /// Only those changed after this moment.
    pub updated_after: Option<Timestamp>,
    /// At most so many.
    pub limit: u32,
}

/// Which part of a conversation's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagesPage {
    /// The newest.
    Latest,
    /// The newest among those before this position.
    Before(u32),
    /// The oldest among those after this position.
    After(u32),
}

/// Which part of an event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventsPage {
    /// The last event already known.
    pub after: u64,
    /// At most so many.
    pub limit: u32,
}
