//! Messages, conversations, receipts.

use callbox_domain::{ConversationId, MessageId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /v1/messages`, and the content of the frame `message.send`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessageRequest {
    /// Chosen by the sender, unique in the app: 8 to 64 of A-Z a-z 0-9 _ -. A repeat with the same content answers as
    /// the first time.
    #[schema(value_type = String)]
    pub message_id: MessageId,
    /// To whom.
    pub to: Recipient,
    /// What to say: 1 byte to 16 KiB of UTF-8.
    pub text: String,
}

/// Where a message goes: exactly one of the fields.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recipient {
    /// Another user of the app; opens the direct conversation where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub user_id: Option<UserId>,
    /// A conversation that the sender is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, required = false)]
    pub conversation_id: Option<ConversationId>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Chosen by its sender.
    #[schema(value_type = String)]
    pub id: MessageId,
    /// Where it stands.
    #[schema(value_type = String)]
    pub conversation_id: ConversationId,
    /// Its place in the conversation's one order: 1, 2, 3, … without gaps.
    pub position: u32,
    /// Who wrote it.
    #[schema(value_type = String)]
    pub sender_id: UserId,
    /// The other user of a direct conversation; `null` in a group.
    #[schema(required, value_type = Option<String>)]
    pub recipient_id: Option<UserId>,
    /// What was written.
    pub text: String,
    /// When the server accepted it.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// The answer to `POST /v1/messages`: the message is synced to disk and has its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendMessageAnswer {
    /// The message.
    pub message: Message,
}

/// From which of the reader's own sessions a message came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageOrigin {
    /// The sending session.
    #[schema(value_type = String)]
    pub session_id: SessionId,
}

/// How far one member is in a conversation. Neither value ever goes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Where.
    #[schema(value_type = String)]
    pub conversation_id: ConversationId,
    /// Who.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Every message up to this position reached one of the member's devices.
    pub delivered_up_to: u32,
    /// Every message up to this position was read.
    pub read_up_to: u32,
}

/// A line of `GET /v1/conversations`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ConversationId,
    /// Everyone in it, with how far they are.
    pub members: Vec<Receipt>,
    /// Position of the newest message.
    pub last_position: u32,
    /// The newest message.
    #[schema(required)]
    pub last_message: Option<Message>,
    /// Messages of others that the asking user has not read; counted up to 1,000.
    pub unread_count: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl Message {
    /// As it travels.
    pub fn from_domain(message: &callbox_domain::Message) -> Self {
        Self {
            id: message.id.clone(),
            conversation_id: message.conversation_id.clone(),
            position: message.position,
            sender_id: message.sender_id.clone(),
            recipient_id: message.recipient_id.clone(),
            text: message.text.as_ref().to_owned(),
            created_at: message.created_at,
        }
    }
}

impl Receipt {
    /// As it travels.
    pub fn from_domain(receipt: &callbox_domain::Receipt) -> Self {
        Self {
            conversation_id: receipt.conversation_id.clone(),
            user_id: receipt.user_id.clone(),
            delivered_up_to: receipt.delivered_up_to,
            read_up_to: receipt.read_up_to,
        }
    }
}

impl Conversation {
    /// As it travels.
    pub fn from_domain(summary: &callbox_domain::ConversationSummary) -> Self {
        let conversation = &summary.conversation;
        let member = |member: &callbox_domain::Member| Receipt {
            conversation_id: conversation.id.clone(),
            user_id: member.user_id.clone(),
            delivered_up_to: member.delivered_up_to,
            read_up_to: member.read_up_to,
        };
        Self {
            id: conversation.id.clone(),
            members: summary.members.iter().map(member).collect(),
            last_position: conversation.last_position,
            last_message: summary.last_message.as_ref().map(Message::from_domain),
            unread_count: summary.unread_count,
            created_at: conversation.created_at,
            updated_at: conversation.updated_at,
        }
    }
}
