//! Accepts a message: it has its place, is in every member's log, and is synced to disk before anyone hears of it.

use std::sync::Arc;

use callbox_domain::message::MESSAGE_TEXT_BYTES_MAX;
use callbox_domain::{Conversation, ConversationId, Event, Message};
use callbox_storage::{NewMessage, Tx};
use callbox_wire::messaging::{Recipient, SendMessageRequest};
use callbox_wire::{ApiError, ErrorCode};

use super::recipient::{Destination, destination};
use crate::error::{Refusal, written};
use crate::{Caller, Service, ServiceResult};

impl Service {
    /// Sends a message from the caller. A repeat with the same id and content is answered as the first time; the same
    /// id with other content, or of another sender, is `message_id_taken` and tells nothing of the other message.
    ///
    /// Errors: `invalid_request`, `user_not_found`, `conversation_not_found`, `message_id_taken`, `rate_limited`.
    pub async fn send_message(&self, caller: &Caller, request: SendMessageRequest) -> ServiceResult<Message> {
        if !(1..=MESSAGE_TEXT_BYTES_MAX).contains(&request.text.len()) {
            return Err(ApiError::invalid_field("text", "1 byte to 16 KiB of UTF-8")
                .detail("bytesMax", MESSAGE_TEXT_BYTES_MAX));
        }
        self.count_message(caller)?;
        let new_conversation = ConversationId::generate(self.random.as_ref());
        let now = self.clock.now();
        let app = caller.app_id();
        let message = NewMessage {
            id: request.message_id,
            conversation_id: new_conversation,
            sender_id: caller.user_id.clone(),
            sender_session_id: caller.session_id.clone(),
            text: request.text.into(),
            created_at: now,
        };
        let to = request.to;
        let sent = self.store.write(move |tx| {
            if let Some(first) = tx.message(app, &message.id)? {
                return if is_repeat(&first, &message, &to) {
                    Ok(first)
                } else {
                    Err(ErrorCode::MessageIdTaken.into())
                };
            }
            let conversation = conversation_for(tx, app, &message, &to)?;
            let message =
                tx.append_message(app, NewMessage { conversation_id: conversation.id, ..message })?;
            let event = Arc::new(Event::MessageCreated(message.clone()));
            for member in conversation.members.iter().filter(|member| !member.is_tombstone()) {
                tx.append_event(app, member, &event, now)?;
            }
            Ok::<_, Refusal>(message)
        });
        written(sent.await)
    }
}

fn conversation_for(
    tx: &mut dyn Tx,
    app: callbox_domain::AppId,
    message: &NewMessage,
    to: &Recipient,
) -> Result<Conversation, Refusal> {
    match destination(tx, app, &message.sender_id, to)? {
        Destination::Conversation(conversation) => Ok(conversation),
        Destination::NewDirect(other) => {
            let mut members = vec![message.sender_id.clone(), other];
            members.sort();
            let conversation = Conversation {
                id: message.conversation_id.clone(),
                members,
                last_position: 0,
                created_at: message.created_at,
                updated_at: message.created_at,
            };
            tx.insert_conversation(app, &conversation)?;
            Ok(conversation)
        }
    }
}

/// Whether a message is the first one again. Nothing is looked up: what was accepted stays accepted, also when its recipient
/// was erased since.
fn is_repeat(first: &Message, again: &NewMessage, to: &Recipient) -> bool {
    let goes_there = match (&to.user_id, &to.conversation_id) {
        (Some(user), None) => {
            first.recipient_id.as_ref().is_some_and(|recipient| recipient == user || recipient.is_tombstone())
        }
        (None, Some(conversation)) => *conversation == first.conversation_id,
        _ => false,
    };
    goes_there && first.sender_id == again.sender_id && first.text == again.text
}
