//! The reading verbs that take more than one statement: lists with their content, page by page.

use std::sync::Arc;

use callbox_domain::message::UNREAD_COUNT_MAX;
use callbox_domain::{
    AppId, CallRecord, Conversation, ConversationId, ConversationSummary, Event, LoggedEvent, Message,
    Receipt, Timestamp, UserId,
};
use callbox_storage::{ConversationsPage, EventsPage, MessagesPage, Read, StoreError, StoreResult};
use rusqlite::params;

use crate::entities::{
    ConversationHead, ConversationKey, EventReference, EventTarget, call_columns, event_columns,
    member_columns, message_columns,
};
use crate::read::{CONVERSATION, sequence};
use crate::statements::Prepared;
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// Completes a conversation.
    pub(crate) fn with_members(
        &self,
        app: AppId,
        head: Option<ConversationHead>,
    ) -> StoreResult<Option<Conversation>> {
        let Some(head) = head else { return Ok(None) };
        let members = self.members(app, &head.id)?;
        let users = members.into_iter().map(|member| member.user_id).collect();
        Ok(Some(conversation_of(head, users)))
    }

    /// See [`Read::conversations_of`].
    pub(crate) fn conversation_summaries(
        &self,
        app: AppId,
        user: &UserId,
        page: &ConversationsPage,
    ) -> StoreResult<Vec<ConversationSummary>> {
        let (before_time, before_id) = match &page.before {
            Some((time, id)) => (time.as_millis(), id.as_str()),
            // Later than any conversation.
            None => (i64::MAX, ""),
        };
        let updated_after = page.updated_after.map_or(i64::MIN, Timestamp::as_millis);
        let keys: Vec<ConversationKey> = self.all(
            "SELECT app_id, id FROM ( \
                 SELECT conversations.app_id, conversations.id, max(conversations.updated_at, \
                     coalesce((SELECT messages.created_at FROM messages \
                         WHERE messages.app_id = conversations.app_id \
                             AND messages.conversation_id = conversations.id \
                         ORDER BY position DESC LIMIT 1), conversations.updated_at)) AS changed_at \
                 FROM conversation_members AS mine CROSS JOIN conversations \
                     ON conversations.app_id = mine.app_id \
                     AND conversations.id = mine.conversation_id \
                 WHERE mine.app_id = ?1 AND mine.user_id = ?2) \
             WHERE (changed_at, id) < (?3, ?4) AND changed_at > ?5 \
             ORDER BY changed_at DESC, id DESC LIMIT ?6",
            params![app.0, user.as_str(), before_time, before_id, updated_after, page.limit],
        )?;
        keys.into_iter().map(|key| self.summary(app, user, &key.0)).collect()
    }

    /// See [`Read::messages`].
    pub(crate) fn message_page(
        &self,
        app: AppId,
        conversation: &ConversationId,
        page: MessagesPage,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        if let MessagesPage::After(position) = page {
            return self.all(
                concat!(
                    "SELECT ",
                    message_columns!(),
                    " FROM messages WHERE app_id = ?1 AND conversation_id = ?2 \
                     AND position > ?3 ORDER BY position LIMIT ?4"
                ),
                params![app.0, conversation.as_str(), position, limit],
            );
        }
        let before = match page {
            MessagesPage::Before(position) => i64::from(position),
            MessagesPage::Latest | MessagesPage::After(_) => i64::MAX,
        };
        let mut messages: Vec<Message> = self.all(
            concat!(
                "SELECT ",
                message_columns!(),
                " FROM messages WHERE app_id = ?1 AND conversation_id = ?2 \
                 AND position < ?3 ORDER BY position DESC LIMIT ?4"
            ),
            params![app.0, conversation.as_str(), before, limit],
        )?;
        messages.reverse();
        Ok(messages)
    }

    /// See [`Read::events`].
    ///
    /// Nothing that an event refers to is ever removed by a verb of this port, so that a reference into the void is a
    /// bad row: left out, it would tear a gap that clients take for a lost event.
    pub(crate) fn event_page(
        &self,
        app: AppId,
        user: &UserId,
        page: EventsPage,
    ) -> StoreResult<Vec<LoggedEvent>> {
        let references: Vec<EventReference> = self.all(
            concat!(
                "SELECT ",
                event_columns!(),
                " FROM events WHERE app_id = ?1 AND user_id = ?2 AND seq > ?3 \
                 ORDER BY seq LIMIT ?4"
            ),
            params![app.0, user.as_str(), sequence(page.after), page.limit],
        )?;
        let mut lookups = Lookups::default();
        references
            .into_iter()
            .map(|reference| {
                let event = lookups.event(self, app, &reference.target)?.ok_or_else(|| {
                    StoreError::Corrupt(format!(
                        "events of the row ({app}, {user}, {}) refers to nothing",
                        reference.seq
                    ))
                })?;
                Ok(LoggedEvent {
                    app_id: app,
                    user_id: user.clone(),
                    seq: reference.seq,
                    event: Arc::new(event),
                })
            })
            .collect()
    }

    fn summary(
        &self,
        app: AppId,
        user: &UserId,
        conversation: &ConversationId,
    ) -> StoreResult<ConversationSummary> {
        let head: Option<ConversationHead> = self.one(CONVERSATION, params![app.0, conversation.as_str()])?;
        let head = head.ok_or_else(|| {
            StoreError::Corrupt(format!("conversations has no row ({app}, {conversation})"))
        })?;
        let members = self.members(app, &head.id)?;
        let read_up_to =
            members.iter().find(|member| member.user_id == *user).map_or(0, |member| member.read_up_to);
        let unread_count = self.number(
            "SELECT count(*) FROM (SELECT 1 FROM messages \
             WHERE app_id = ?1 AND conversation_id = ?2 AND position > ?3 AND sender_id <> ?4 LIMIT ?5)",
            params![app.0, head.id.as_str(), read_up_to, user.as_str(), UNREAD_COUNT_MAX],
            || format!("the count of messages of the conversation ({app}, {})", head.id),
        )?;
        let last_message = self.message_page(app, &head.id, MessagesPage::Latest, 1)?.pop();
        let users = members.iter().map(|member| member.user_id.clone()).collect();
        Ok(ConversationSummary {
            conversation: conversation_of(head, users),
            members,
            last_message,
            unread_count: unread_count.unwrap_or(0),
        })
    }
}

/// The statements that look up what events refer to; each is fetched once for a whole page.
#[derive(Default)]
struct Lookups<'home, 'connection> {
    message: Option<Prepared<'home, 'connection>>,
    receipt: Option<Prepared<'home, 'connection>>,
    call: Option<Prepared<'home, 'connection>>,
}

impl<'home, 'connection> Lookups<'home, 'connection> {
    fn event(
        &mut self,
        transaction: &Transaction<'home, 'connection>,
        app: AppId,
        target: &EventTarget,
    ) -> StoreResult<Option<Event>> {
        match target {
            EventTarget::Message { conversation_id, position } => {
                let statement = fetched(&mut self.message, transaction, MESSAGE_AT)?;
                let parameters = params![app.0, conversation_id.as_str(), position];
                let message = transaction.one_of(statement, parameters)?;
                Ok(message.map(Event::MessageCreated))
            }
            EventTarget::Receipt { conversation_id, member_id } => {
                let statement = fetched(&mut self.receipt, transaction, RECEIPT_OF)?;
                let parameters = params![app.0, conversation_id.as_str(), member_id.as_str()];
                let receipt: Option<Receipt> = transaction.one_of(statement, parameters)?;
                Ok(receipt.map(Event::ReceiptChanged))
            }
            EventTarget::Call { call_id } => {
                let statement = fetched(&mut self.call, transaction, CALL)?;
                let call: Option<CallRecord> =
                    transaction.one_of(statement, params![app.0, call_id.as_str()])?;
                Ok(call.and_then(|call| call.summary()).map(Event::CallEnded))
            }
        }
    }
}

fn fetched<'slot, 'home, 'connection>(
    slot: &'slot mut Option<Prepared<'home, 'connection>>,
    transaction: &Transaction<'home, 'connection>,
    sql: &'static str,
) -> StoreResult<&'slot mut Prepared<'home, 'connection>> {
    if slot.is_none() {
        *slot = Some(transaction.statement(sql)?);
    }
    Ok(slot.as_mut().expect("filled just before"))
}

fn conversation_of(head: ConversationHead, members: Vec<UserId>) -> Conversation {
    Conversation {
        id: head.id,
        members,
        last_position: head.last_position,
        created_at: head.created_at,
        updated_at: head.updated_at,
    }
}

const MESSAGE_AT: &str = concat!(
    "SELECT ",
    message_columns!(),
    " FROM messages WHERE app_id = ?1 AND conversation_id = ?2 AND position = ?3"
);
/// While a member is being erased, their events and their row change names at different moments.
const RECEIPT_OF: &str = concat!(
    "SELECT ",
    member_columns!(),
    " FROM conversation_members WHERE app_id = ?1 AND conversation_id = ?2 AND user_id IN (?3, \
     (SELECT tombstone FROM erasures WHERE app_id = ?1 AND user_id = ?3))"
);
const CALL: &str = concat!("SELECT ", call_columns!(), " FROM calls WHERE app_id = ?1 AND id = ?2");
