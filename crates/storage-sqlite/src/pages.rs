//! Histories and logs with their content, page by page.

use std::sync::Arc;

use callbox_domain::{AppId, CallRecord, ConversationId, Event, LoggedEvent, Message, Receipt, UserId};
use callbox_storage::{EventsPage, MessagesPage, StoreError, StoreResult};
use rusqlite::params;

use crate::entities::{EventReference, EventTarget, call_columns, members, messages};
use crate::numbers::{ConversationNumber, Place};
use crate::read::sequence;
use crate::statements::Prepared;
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// See [`callbox_storage::Read::messages`].
    pub(crate) fn message_page(
        &self,
        app: AppId,
        conversation: &ConversationId,
        page: MessagesPage,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        let number = self.number(
            "SELECT number FROM conversations WHERE app_id = ?1 AND id = ?2",
            params![app.0, conversation.as_str()],
            || format!("conversations.number of the row ({app}, {conversation})"),
        )?;
        match number.map(ConversationNumber) {
            Some(number) => self.messages_of(number, page, limit),
            None => Ok(Vec::new()),
        }
    }

    /// A page of the history of a conversation that is there.
    pub(crate) fn messages_of(
        &self,
        number: ConversationNumber,
        page: MessagesPage,
        limit: u32,
    ) -> StoreResult<Vec<Message>> {
        if let MessagesPage::After(position) = page {
            return self.all(
                concat!("SELECT ", messages!(), " WHERE place > ?1 AND place <= ?2 ORDER BY place LIMIT ?3"),
                params![Place::new(number, position), Place::last(number), limit],
            );
        }
        let before = match page {
            MessagesPage::Before(position) => Place::new(number, position),
            MessagesPage::Latest | MessagesPage::After(_) => Place::last(number).next(),
        };
        let mut messages: Vec<Message> = self.all(
            concat!("SELECT ", messages!(), " WHERE place > ?1 AND place < ?2 ORDER BY place DESC LIMIT ?3"),
            params![Place::new(number, 0), before, limit],
        )?;
        messages.reverse();
        Ok(messages)
    }

    /// See [`callbox_storage::Read::events`].
    ///
    /// Nothing that an event refers to is ever removed by a verb of this port, so that a reference into the void is a
    /// bad row: left out, it would tear a gap that clients take for a lost event.
    pub(crate) fn event_page(
        &self,
        app: AppId,
        user: &UserId,
        page: EventsPage,
    ) -> StoreResult<Vec<LoggedEvent>> {
        let Some(person) = self.person(app, user)? else { return Ok(Vec::new()) };
        let references: Vec<EventReference> = self.all(
            "SELECT person, seq, kind, place, conversation, member, call_id FROM events \
             WHERE person = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            params![person, sequence(page.after), page.limit],
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
            EventTarget::Message(place) => {
                let statement = fetched(&mut self.message, transaction, MESSAGE_AT)?;
                let message = transaction.one_of(statement, params![place])?;
                Ok(message.map(Event::MessageCreated))
            }
            EventTarget::Receipt { conversation, member } => {
                let statement = fetched(&mut self.receipt, transaction, RECEIPT_OF)?;
                let receipt: Option<Receipt> =
                    transaction.one_of(statement, params![conversation, member])?;
                Ok(receipt.map(Event::ReceiptChanged))
            }
            EventTarget::Call(call_id) => {
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

const MESSAGE_AT: &str = concat!("SELECT ", messages!(), " WHERE place = ?1");
const RECEIPT_OF: &str = concat!("SELECT ", members!(), " WHERE conversation = ?1 AND person = ?2");
const CALL: &str = concat!("SELECT ", call_columns!(), " FROM calls WHERE app_id = ?1 AND id = ?2");
