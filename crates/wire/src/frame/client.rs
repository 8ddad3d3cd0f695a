//! Client to server.

use callbox_domain::{ConnectionId, ConversationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Seq;
use crate::messaging::{Recipient, SendMessageRequest};

/// The first frame of every socket, within 10 seconds. Answered by `welcome`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// Comes back as `re`.
    pub id: String,
    /// The session's bearer token.
    pub token: String,
    /// Names this page load, chosen at random by the client; the same id on another socket replaces this one.
    #[schema(value_type = String)]
    pub connection_id: ConnectionId,
    /// The last cursor that the client has; without one it starts at the newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The client has everything up to this event. Cumulative; at most every 250 ms. Not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The last event that the client has.
    pub seq: Seq,
}

/// Asks for a `pong`: browsers do not show their scripts the protocol's own pings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ping {
    /// Comes back as `re`.
    pub id: String,
}

/// Sends a message. Answered by `message.accepted` once it is synced to disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageSend {
    /// Comes back as `re`.
    pub id: String,
    /// The message.
    pub message: SendMessageRequest,
}

/// The user has read everything up to a position. Answered by `receipt.recorded`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRead {
    /// Comes back as `re`.
    pub id: String,
    /// Where.
    #[schema(value_type = String)]
    pub conversation_id: ConversationId,
    /// The last position that was read.
    pub up_to: u32,
}

/// The user began or stopped writing. Not answered unless it is wrong; told to the others, never kept.
/// Clients repeat it every 4 seconds while it holds, and forget it after 6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypingSet {
    /// Comes back as `re` of an error.
    pub id: String,
    /// To whom the user writes.
    pub to: Recipient,
    /// Writing, or no longer.
    pub active: bool,
}

/// Watches the presence of these users, instead of those watched before by this connection: at most 500. Answered by
/// `presence.state`, then by `presence.changed` at every change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceWatch {
    /// Comes back as `re`.
    pub id: String,
    /// Whom.
    #[schema(value_type = Vec<String>)]
    pub user_ids: Vec<UserId>,
}
