//! Messages and conversations.

pub(crate) mod list_conversations;
pub(crate) mod list_messages;
pub(crate) mod send_message;
