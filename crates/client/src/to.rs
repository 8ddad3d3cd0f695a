//! To whom.

use callbox_domain::{ConversationId, UserId};
use callbox_wire::messaging::Recipient;

use crate::error::Error;

/// To whom: another user, or a conversation that the user is in. A text is a user's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A user, by id.
    User(String),
    /// A conversation.
    Conversation(ConversationId),
}

impl To {
    pub(crate) fn recipient(self) -> Result<Recipient, Error> {
        Ok(match self {
            Self::User(id) => Recipient { user_id: Some(user_id(id)?), conversation_id: None },
            Self::Conversation(id) => Recipient { user_id: None, conversation_id: Some(id) },
        })
    }
}

/// A user's id, or the rule that the text breaks.
pub(crate) fn user_id(id: impl AsRef<str>) -> Result<UserId, Error> {
    UserId::new(id).map_err(|error| Error::Invalid(error.to_string()))
}

impl From<&str> for To {
    fn from(id: &str) -> Self {
        Self::User(id.to_owned())
    }
}

impl From<String> for To {
    fn from(id: String) -> Self {
        Self::User(id)
    }
}

impl From<&UserId> for To {
    fn from(id: &UserId) -> Self {
        Self::User(id.to_string())
    }
}

impl From<&ConversationId> for To {
    fn from(id: &ConversationId) -> Self {
        Self::Conversation(id.clone())
    }
}
