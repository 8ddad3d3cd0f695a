//! Conversations, messages and receipts.

use std::sync::Arc;

use crate::{ConversationId, MessageId, SessionId, Timestamp, UserId};

/// Longest text of a message, in bytes of UTF-8.
pub const MESSAGE_TEXT_BYTES_MAX: usize = 16 * 1024;

/// Unread messages are counted up to this.
pub const UNREAD_COUNT_MAX: u32 = 1_000;

/// An ordered history between users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Everyone in it; two for a direct conversation (the same user twice is refused).
    pub members: Vec<UserId>,
    /// Position of the newest message; 0 while there is none. Positions are dense and start at 1.
    pub last_position: u32,
    /// When the first message was sent.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How far one member is in a conversation. Neither value ever goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Every message up to this position reached one of the member's devices.
    pub delivered_up_to: u32,
    /// Every message up to this position was read.
    pub read_up_to: u32,
}

/// Which of a member's two watermarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watermark {
    /// Reached a device.
    Delivered,
    /// Read by the person; implies delivered.
    Read,
}

/// A message as everyone in the conversation sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Chosen by the sender.
    pub id: MessageId,
    /// Where it stands.
    pub conversation_id: ConversationId,
    /// Its place in the conversation's one order, from 1.
    pub position: u32,
    /// Who wrote it.
    pub sender_id: UserId,
    /// The sender's session, told to the sender's own devices only.
    pub sender_session_id: SessionId,
    /// The other user of a direct conversation; `None` in a group.
    pub recipient_id: Option<UserId>,
    /// What was written.
    pub text: Arc<str>,
    /// When the server accepted it.
    pub created_at: Timestamp,
}

/// How far a member is, as told to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where.
    pub conversation_id: ConversationId,
    /// The member whose watermarks these are.
    pub user_id: UserId,
    /// See [`Member::delivered_up_to`].
    pub delivered_up_to: u32,
    /// See [`Member::read_up_to`].
    pub read_up_to: u32,
}

/// One line of a user's list of conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationSummary {
    /// The conversation itself.
    pub conversation: Conversation,
    /// Every member's watermarks.
    pub members: Vec<Member>,
    /// The newest message.
    pub last_message: Option<Message>,
    /// Messages of others after the asking user's read watermark, counted up to [`UNREAD_COUNT_MAX`].
    pub unread_count: u32,
}
