//! Messages, conversations, receipts, typing.

mod acknowledge;
mod list_conversations;
mod list_messages;
mod mark_read;
mod recipient;
mod send_message;
mod set_typing;

#[cfg(test)]
mod tests;

pub use callbox_storage::MessagesPage;
pub use list_conversations::{ConversationList, ListConversations};
pub use list_messages::{ListMessages, MessageList};
