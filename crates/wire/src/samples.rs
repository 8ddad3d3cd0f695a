//! A sample of every body and frame: checked against the OpenAPI document here, and against the TypeScript types made
//! from it in `web/packages/wire`.

mod account;
mod call;
mod managed;
mod operator;
mod session;

use callbox_domain::{CallId, ConnectionId, ConversationId, MessageId, SessionId, Timestamp, UserId};
use serde::Serialize;
use serde_json::Value;

use crate::call::{CallEndReason, EndCallRequest};
use crate::error::{ApiError, ErrorAnswer, ErrorCode};
use crate::frame::{
    Ack, ClientFrame, DirectoryChanged, ErrorFrame, Hello, MessageAccepted, MessageCreated, MessageSend,
    Ping, Pong, PresenceChanged, PresenceState, PresenceWatch, ReceiptChanged, ReceiptRead, ReceiptRecorded,
    ServerFrame, Typing, TypingSet, Welcome,
};
use crate::messaging::{
    Conversation, Message, MessageOrigin, Receipt, Recipient, SendMessageAnswer, SendMessageRequest,
};
use crate::people::{DirectoryEntry, Presence, PresenceStatus, User};
use crate::time::TimestampAnswer;
use crate::{Seq, page::Page};

/// One sample: the schema that it is of, and the JSON.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The component's name in the OpenAPI document.
    pub schema: &'static str,
    /// The file's name without `.json`: the schema's, or the frame's type.
    pub name: String,
    /// The sample itself.
    pub value: Value,
}

/// Every sample.
pub fn all() -> Vec<Sample> {
    let mut all = bodies();
    all.extend(client_frames().iter().map(|frame| sample("ClientFrame", frame.name(), frame)));
    all.extend(server_frames().iter().map(|frame| sample("ServerFrame", frame.name(), frame)));
    all
}

/// One of each frame that a client may send.
pub fn client_frames() -> Vec<ClientFrame> {
    let to = Recipient { conversation_id: Some(conversation_id()), ..Recipient::default() };
    let mut frames: Vec<ClientFrame> = vec![
        Hello {
            id: "1".into(),
            token: "cbs_kq3v…".into(),
            connection_id: ConnectionId::new("page-7f3a91").expect("valid"),
            cursor: Some("k3v9wq2p.812".into()),
        }
        .into(),
        Ack { seq: Seq::new(815) }.into(),
        Ping { id: "2".into() }.into(),
        MessageSend { id: "3".into(), message: send_message_request() }.into(),
        ReceiptRead { id: "4".into(), conversation_id: conversation_id(), up_to: 12 }.into(),
        TypingSet { id: "5".into(), to, active: true }.into(),
        PresenceWatch { id: "6".into(), user_ids: vec![user_id("ann"), user_id("bob")] }.into(),
    ];
    frames.extend(call::client_frames());
    frames
}

/// One of each frame that a server may send.
pub fn server_frames() -> Vec<ServerFrame> {
    let error = ApiError::new(ErrorCode::UserNotFound).detail("userId", "zoe").into_info(None);
    let mut frames: Vec<ServerFrame> = vec![
        Welcome {
            re: "1".into(),
            user_id: user_id("ann"),
            session_id: session_id(),
            cursor: "k3v9wq2p.812".into(),
            resumed: true,
            heartbeat_seconds: 25,
            server_time: moment(),
            live_call_ids: vec![call_id()],
        }
        .into(),
        ErrorFrame { re: Some("3".into()), error }.into(),
        Pong { re: "2".into() }.into(),
        MessageAccepted { re: "3".into(), message: message() }.into(),
        MessageCreated {
            seq: Seq::new(813),
            message: message(),
            origin: Some(MessageOrigin { session_id: session_id() }),
        }
        .into(),
        ReceiptRecorded { re: "4".into(), receipt: receipt() }.into(),
        ReceiptChanged { seq: Seq::new(814), receipt: receipt() }.into(),
        Typing { user_id: user_id("bob"), conversation_id: Some(conversation_id()), active: true }.into(),
        PresenceState { re: "6".into(), presences: vec![online("ann"), offline("bob")] }.into(),
        PresenceChanged { presence: offline("bob") }.into(),
        DirectoryChanged { entry: directory_entry() }.into(),
    ];
    frames.extend(call::server_frames());
    frames
}

fn bodies() -> Vec<Sample> {
    let error = ApiError::invalid_field("to", "give exactly one of userId and conversationId")
        .into_info(Some("req_4mz0q8".into()));
    let mut all = vec![
        sample("ErrorAnswer", "ErrorAnswer", &ErrorAnswer { error }),
        sample("IceConfiguration", "IceConfiguration", &call::ice_configuration()),
        sample("TimestampAnswer", "TimestampAnswer", &TimestampAnswer { timestamp: moment() }),
        sample("SendMessageRequest", "SendMessageRequest", &send_message_request()),
        sample("SendMessageAnswer", "SendMessageAnswer", &SendMessageAnswer { message: message() }),
        sample("Page_Message", "Page_Message", &page(message())),
        sample("Page_Conversation", "Page_Conversation", &page(conversation())),
        sample("EndCallRequest", "EndCallRequest", &EndCallRequest { reason: CallEndReason::HangUp }),
        sample("Page_DirectoryEntry", "Page_DirectoryEntry", &page(directory_entry())),
    ];
    all.extend(session::bodies());
    all.extend(account::bodies());
    all.extend(managed::bodies());
    all.extend(operator::bodies());
    all
}

fn sample(schema: &'static str, name: &str, value: &impl Serialize) -> Sample {
    Sample { schema, name: name.to_owned(), value: serde_json::to_value(value).expect("plain data") }
}

fn page<T>(item: T) -> Page<T> {
    Page { items: vec![item], next_cursor: Some("bmV4dA".into()) }
}

fn moment() -> Timestamp {
    Timestamp::from_millis(1_795_255_323_004)
}

fn user_id(name: &str) -> UserId {
    UserId::new(name).expect("valid")
}

fn session_id() -> SessionId {
    SessionId::new("ses_0c9k2m4n6p8r").expect("valid")
}

fn conversation_id() -> ConversationId {
    ConversationId::new("cnv_7h2j4k6m8n0p").expect("valid")
}

fn call_id() -> CallId {
    CallId::new("call_3b5d7f9h").expect("valid")
}

fn user(name: &str) -> User {
    User { id: user_id(name), created_at: moment() }
}

fn online(name: &str) -> Presence {
    Presence { user_id: user_id(name), status: PresenceStatus::Online, last_seen_at: None }
}

fn offline(name: &str) -> Presence {
    Presence { user_id: user_id(name), status: PresenceStatus::Offline, last_seen_at: Some(moment()) }
}

fn directory_entry() -> DirectoryEntry {
    DirectoryEntry { user: user("bob"), presence: online("bob") }
}

fn send_message_request() -> SendMessageRequest {
    SendMessageRequest {
        message_id: MessageId::new("msg_5d8f0a2c4e6b").expect("valid"),
        to: Recipient { user_id: Some(user_id("bob")), ..Recipient::default() },
        text: "Are you there?".into(),
    }
}

fn message() -> Message {
    Message {
        id: MessageId::new("msg_5d8f0a2c4e6b").expect("valid"),
        conversation_id: conversation_id(),
        position: 12,
        sender_id: user_id("ann"),
        recipient_id: Some(user_id("bob")),
        text: "Are you there?".into(),
        created_at: moment(),
    }
}

fn receipt() -> Receipt {
    Receipt {
        conversation_id: conversation_id(),
        user_id: user_id("bob"),
        delivered_up_to: 12,
        read_up_to: 11,
    }
}

fn conversation() -> Conversation {
    Conversation {
        id: conversation_id(),
        members: vec![receipt()],
        last_position: 12,
        last_message: Some(message()),
        unread_count: 1,
        created_at: moment(),
        updated_at: moment(),
    }
}
