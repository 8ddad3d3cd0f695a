//! Where a message, or a sign of writing, goes.

use callbox_domain::{AppId, Conversation, UserId};
use callbox_storage::Read;
use callbox_wire::messaging::Recipient;
use callbox_wire::{ApiError, ErrorCode};

use crate::error::Refusal;

/// Whom a request reaches.
pub(super) enum Destination {
    /// A conversation that the sender is in.
    Conversation(Conversation),
    /// Another user, with whom the sender has no conversation yet.
    NewDirect(UserId),
}

/// Finds where `to` leads for this sender.
pub(super) fn destination(
    store: &(impl Read + ?Sized),
    app: AppId,
    sender: &UserId,
    to: &Recipient,
) -> Result<Destination, Refusal> {
    match (&to.user_id, &to.conversation_id) {
        (Some(user), None) => {
            if user == sender {
                return Err(ApiError::invalid_field("to.userId", "a message goes to another user").into());
            }
            if user.is_tombstone() {
                return Err(gone(user).into());
            }
            if let Some(conversation) = store.direct_conversation(app, sender, user)? {
                return Ok(Destination::Conversation(conversation));
            }
            // A sender whose request was under way while they were erased is as gone as a recipient.
            for one in [sender, user] {
                if store.user(app, one)?.is_none() || store.is_being_erased(app, one)? {
                    return Err(gone(one).into());
                }
            }
            Ok(Destination::NewDirect(user.clone()))
        }
        (None, Some(id)) => {
            let conversation = store.conversation(app, id)?.filter(|found| found.members.contains(sender));
            let conversation = conversation.ok_or(ErrorCode::ConversationNotFound)?;
            match conversation.members.as_slice() {
                // There is nobody left to read it.
                [one, other] if one.is_tombstone() || other.is_tombstone() => {
                    Err(gone(if one == sender { other } else { one }).into())
                }
                _ => Ok(Destination::Conversation(conversation)),
            }
        }
        _ => Err(ApiError::invalid_field("to", "give exactly one of userId and conversationId").into()),
    }
}

fn gone(user: &UserId) -> ApiError {
    ApiError::new(ErrorCode::UserNotFound).detail("userId", user.as_str())
}
