//! Server to client.

use callbox_domain::{CallId, ConversationId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ServerFrame;
use crate::Seq;
use crate::error::ErrorInfo;
use crate::messaging::{Message, MessageOrigin, Receipt};
use crate::people::{DirectoryEntry, Presence};

/// The answer to `hello`. Events after the client's cursor follow, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The id of the hello.
    pub re: String,
    /// Who is signed in.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// On which session.
    #[schema(value_type = String)]
    pub session_id: SessionId,
    /// Where the replay starts: the cursor of the hello when `resumed`, otherwise the newest event.
    pub cursor: String,
    /// Whether the server goes on from the client's cursor. When `false`, and the client had one, it must fetch again
    /// what it shows: events between are not replayed.
    pub resumed: bool,
    /// The server pings this often; a client that hears nothing for two of them should connect again.
    pub heartbeat_seconds: u32,
    /// The server's clock.
    #[schema(value_type = String, format = DateTime)]
    pub server_time: Timestamp,
    /// The user's calls that are live; each is told by a `call.live` right after. A call that the client holds and that
    /// is not among them is over.
    #[schema(value_type = Vec<String>)]
    pub live_call_ids: Vec<CallId>,
}

/// A request went wrong, or (`re` null) something that cannot be matched to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorFrame {
    /// The id of the request.
    #[schema(required)]
    pub re: Option<String>,
    /// What went wrong.
    pub error: ErrorInfo,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pong {
    /// The id of the ping.
    pub re: String,
}

/// The answer to `message.send`: the message is synced to disk and has its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageAccepted {
    /// The id of the request.
    pub re: String,
    /// The message.
    pub message: Message,
}

/// Logged. A message in one of the user's conversations, the user's own included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageCreated {
    /// Its place in the user's log.
    pub seq: Seq,
    /// The message.
    pub message: Message,
    /// From which of the user's own sessions it came; `null` for messages of others.
    #[schema(required)]
    pub origin: Option<MessageOrigin>,
}

/// The answer to `receipt.read`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRecorded {
    /// The id of the request.
    pub re: String,
    /// How far the user is now.
    pub receipt: Receipt,
}

/// Logged. Another member received or read messages, or the user did so on another device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptChanged {
    /// Its place in the user's log.
    pub seq: Seq,
    /// How far that member is now.
    pub receipt: Receipt,
}

/// Someone writes to the user, or stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// Who.
    #[schema(value_type = String)]
    pub user_id: UserId,
    /// Where; `null` while the two users have no conversation yet.
    #[schema(required, value_type = Option<String>)]
    pub conversation_id: Option<ConversationId>,
    /// Writing, or no longer.
    pub active: bool,
}

/// The answer to `presence.watch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceState {
    /// The id of the request.
    pub re: String,
    /// One for each watched user that exists.
    pub presences: Vec<Presence>,
}

/// A watched user came or went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresenceChanged {
    /// The user as of now.
    pub presence: Presence,
}

/// A user was added to an app whose directory is open to everyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryChanged {
    /// The new user.
    pub entry: DirectoryEntry,
}

/// A logged event's frame as text, written once and numbered for each receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedFrame {
    before_seq: String,
    after_seq: String,
}

impl LoggedFrame {
    /// Writes `frame`, which must be of a logged type; its own `seq` is not used.
    ///
    /// # Panics
    /// When the frame has no `seq` right after its `type`, which the tests of this crate rule out.
    pub fn new(frame: &ServerFrame) -> Self {
        let text = serde_json::to_string(frame).expect("frames are plain data");
        let marker = "\"seq\":";
        let start = text.find(marker).expect("a logged frame has a seq") + marker.len();
        let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        Self { before_seq: text[..start].to_owned(), after_seq: text[start + digits..].to_owned() }
    }

    /// How long the text is, in bytes, without its number.
    #[expect(clippy::len_without_is_empty, reason = "no frame is empty")]
    pub fn len(&self) -> usize {
        self.before_seq.len() + self.after_seq.len()
    }

    /// The frame's text with this number.
    pub fn with_seq(&self, seq: u64) -> String {
        let seq = Seq::new(seq).number().to_string();
        let mut text = String::with_capacity(self.before_seq.len() + seq.len() + self.after_seq.len());
        text.push_str(&self.before_seq);
        text.push_str(&seq);
        text.push_str(&self.after_seq);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_logged_frame_is_the_frame_with_another_number() {
        let mut logged = 0;
        for frame in samples::server_frames() {
            let value = serde_json::to_value(&frame).expect("plain");
            if value.get("seq").is_none() {
                continue;
            }
            logged += 1;
            let text = LoggedFrame::new(&frame).with_seq(77);
            let mut expected = value;
            expected["seq"] = 77.into();
            let actual: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(actual, expected);
            assert!(text.starts_with(&format!("{{\"type\":\"{}\",\"seq\":77,", frame.name())), "{text}");
        }
        assert!(logged >= 2);
    }
}
