//! The path of every message: its row, the rows of its events, and the watermarks that follow.
//!
//! What is appended is only noted while the closure runs, and written when the closure is kept: a closure that refuses has
//! nothing to undo, and one that is kept needs no savepoint, which would copy every page that it touches.

use std::sync::Arc;

use callbox_domain::{
    AppId, ConversationId, Event, LoggedEvent, Message, Receipt, Timestamp, UserId, Watermark,
};
use callbox_storage::{NewMessage, StoreError, StoreResult};
use rusqlite::params;

use crate::conversations::missing;
use crate::entities::{EventTarget, KIND_CALL_ENDED, KIND_MESSAGE_CREATED, KIND_RECEIPT_CHANGED};
use crate::heads::{Head, PersonHead};
use crate::numbers::{ConversationNumber, Person, Place};
use crate::read::sequence;
use crate::statements::Statements;
use crate::transaction::Transaction;

impl Transaction<'_, '_> {
    /// See [`callbox_storage::Tx::append_message`].
    pub(crate) fn add_message(&self, app: AppId, message: NewMessage) -> StoreResult<Message> {
        let id = &message.conversation_id;
        let head = self.head(app, id)?.ok_or_else(|| missing("conversations", app, id.as_str()))?;
        let Some(position) = head.last_position.checked_add(1) else {
            return Err(StoreError::Corrupt(format!("messages.position of the rows ({app}, {id})")));
        };
        if message.created_at < head.updated_at {
            self.hold_back(&head)?;
        }
        let sender = match head.member(&message.sender_id) {
            Some(member) => member.person,
            None => self.person_or_new(app, &message.sender_id)?,
        };
        let recipient = head.recipient(&message.sender_id);
        let appended = Message {
            recipient_id: recipient.map(|member| member.member.user_id.clone()),
            position,
            id: message.id,
            conversation_id: message.conversation_id,
            sender_id: message.sender_id,
            sender_session_id: message.sender_session_id,
            text: message.text,
            created_at: message.created_at,
        };
        self.note(Appended::Message {
            place: Place::new(head.number, position),
            app,
            sender,
            recipient: recipient.map(|member| member.person),
            message: appended.clone(),
        });
        self.moved(app, &appended.conversation_id, |head| {
            head.last_position = position;
            head.updated_at = head.updated_at.max(appended.created_at);
        });
        Ok(appended)
    }

    /// See [`callbox_storage::Tx::raise_watermark`].
    pub(crate) fn raise(
        &self,
        app: AppId,
        conversation: &ConversationId,
        user: &UserId,
        watermark: Watermark,
        position: u32,
    ) -> StoreResult<Option<Receipt>> {
        let Some(head) = self.head(app, conversation)? else { return Ok(None) };
        let Some(one) = head.member(user) else { return Ok(None) };
        let position = position.min(head.last_position);
        let delivered = one.member.delivered_up_to.max(position);
        let read = match watermark {
            Watermark::Delivered => one.member.read_up_to,
            Watermark::Read => one.member.read_up_to.max(position),
        };
        if (delivered, read) == (one.member.delivered_up_to, one.member.read_up_to) {
            return Ok(None);
        }
        self.note(Appended::Watermarks { conversation: head.number, person: one.person, delivered, read });
        self.moved(app, conversation, |head| {
            if let Some(one) = head.members.iter_mut().find(|one| one.member.user_id == *user) {
                (one.member.delivered_up_to, one.member.read_up_to) = (delivered, read);
            }
        });
        Ok(Some(Receipt {
            conversation_id: conversation.clone(),
            user_id: user.clone(),
            delivered_up_to: delivered,
            read_up_to: read,
        }))
    }

    /// See [`callbox_storage::Tx::append_event`].
    pub(crate) fn add_event(
        &mut self,
        app: AppId,
        user: &UserId,
        event: &Arc<Event>,
        at: Timestamp,
    ) -> StoreResult<u64> {
        let (person, newest) = self.end_of_log(app, user)?;
        let seq = newest + 1;
        let target = self.target(app, event)?;
        self.note(Appended::Event { person, seq, at, target });
        if let Some(mut heads) = self.remembered()
            && let Some(head) = heads.person(app, user)
        {
            head.newest_event = Some(seq);
        }
        self.events.push(LoggedEvent { app_id: app, user_id: user.clone(), seq, event: Arc::clone(event) });
        Ok(seq)
    }

    /// Someone who must have a mailbox, and the number of their newest event.
    fn end_of_log(&self, app: AppId, user: &UserId) -> StoreResult<(Person, u64)> {
        let missing = || missing("mailboxes", app, user.as_str());
        let person = match self.person_head(app, user)? {
            Some(PersonHead { person, newest_event: Some(newest) }) => return Ok((person, newest)),
            Some(PersonHead { person, newest_event: None }) => person,
            // The last call of somebody who is being erased may end late.
            None => self.person_being_erased(app, user)?.ok_or_else(missing)?,
        };
        let newest = self.number(
            "SELECT coalesce((SELECT max(seq) FROM events WHERE events.person = ?1), pruned_up_to) \
             FROM mailboxes WHERE person = ?1",
            params![person],
            || format!("events.seq of a row ({app}, {user})"),
        )?;
        newest.map(|newest| (person, newest)).ok_or_else(missing)
    }

    /// What an event points to.
    fn target(&self, app: AppId, event: &Event) -> StoreResult<EventTarget> {
        Ok(match event {
            Event::MessageCreated(message) => {
                let conversation = self.conversation_number(app, &message.conversation_id)?;
                EventTarget::Message(Place::new(conversation, message.position))
            }
            Event::ReceiptChanged(receipt) => EventTarget::Receipt {
                conversation: self.conversation_number(app, &receipt.conversation_id)?,
                member: self.person_or_new(app, &receipt.user_id)?,
            },
            Event::CallEnded(call) => EventTarget::Call(call.id.clone()),
        })
    }

    /// The number of a conversation that must exist.
    fn conversation_number(&self, app: AppId, id: &ConversationId) -> StoreResult<ConversationNumber> {
        if let Some(number) =
            self.remembered().and_then(|mut heads| heads.conversation(app, id).map(|head| head.number))
        {
            return Ok(number);
        }
        let head = self.head(app, id)?;
        head.map(|head| head.number).ok_or_else(|| missing("conversations", app, id.as_str()))
    }

    /// Changes what is remembered of a conversation, if it is.
    fn moved(&self, app: AppId, id: &ConversationId, change: impl FnOnce(&mut Head)) {
        if let Some(mut heads) = self.remembered()
            && let Some(head) = heads.conversation(app, id)
        {
            change(head);
        }
    }

    /// Keeps the moment of the last change when the next message will be older: a clock may jump back.
    fn hold_back(&self, head: &Head) -> StoreResult<()> {
        self.execute(
            "UPDATE conversations SET updated_at = ?2 WHERE number = ?1 AND updated_at < ?2",
            params![head.number, head.updated_at.as_millis()],
        )
        .map(drop)
    }
}

/// A row that is to be written.
pub(crate) enum Appended {
    Message { place: Place, app: AppId, sender: Person, recipient: Option<Person>, message: Message },
    Event { person: Person, seq: u64, at: Timestamp, target: EventTarget },
    Watermarks { conversation: ConversationNumber, person: Person, delivered: u32, read: u32 },
}

impl Appended {
    /// Writes the row.
    pub fn write(&self, statements: &Statements<'_>) -> rusqlite::Result<usize> {
        match self {
            Self::Message { place, app, sender, recipient, message } => statements
                .get(
                    "INSERT INTO messages \
                     (place, app_id, id, sender, sender_session_id, recipient, created_at, text) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    place,
                    app.0,
                    message.id.as_str(),
                    sender,
                    message.sender_session_id.as_str(),
                    recipient,
                    message.created_at.as_millis(),
                    &*message.text
                ]),
            Self::Event { person, seq, at, target } => {
                let (seq, at) = (sequence(*seq), at.as_millis());
                match target {
                    EventTarget::Message(place) => statements
                        .get("INSERT INTO events (person, seq, at, kind, place) VALUES (?1, ?2, ?3, ?4, ?5)")?
                        .execute(params![person, seq, at, KIND_MESSAGE_CREATED, place]),
                    EventTarget::Receipt { conversation, member } => statements
                        .get(
                            "INSERT INTO events (person, seq, at, kind, conversation, member) \
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        )?
                        .execute(params![person, seq, at, KIND_RECEIPT_CHANGED, conversation, member]),
                    EventTarget::Call(call) => statements
                        .get(
                            "INSERT INTO events (person, seq, at, kind, call_id) VALUES (?1, ?2, ?3, ?4, ?5)",
                        )?
                        .execute(params![person, seq, at, KIND_CALL_ENDED, call.as_str()]),
                }
            }
            Self::Watermarks { conversation, person, delivered, read } => statements
                .get(
                    "UPDATE conversation_members SET delivered_up_to = ?3, read_up_to = ?4 \
                     WHERE conversation = ?1 AND person = ?2",
                )?
                .execute(params![conversation, person, delivered, read]),
        }
    }
}
