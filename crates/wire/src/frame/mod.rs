//! Socket frames. One JSON text each, at most 64 KiB, told apart by `type`.
//!
//! A client frame that expects an answer carries an `id`; the answer, or an `error`, carries it back as `re`.
//! Logged events carry a `seq`; everything else is told once and not replayed.

mod call;
mod client;
mod server;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use call::{
    CallAccept, CallAccepted, CallCandidate, CallCandidateAdded, CallConnected, CallDescribe, CallDescribed,
    CallEnd, CallEnded, CallIncoming, CallJoined, CallLeft, CallLive, CallMediaReport, CallMute, CallMuted,
    CallReport, CallRing, CallRinging, CallStart, CallStarted,
};
pub use client::{Ack, Hello, MessageSend, Ping, PresenceWatch, ReceiptRead, TypingSet};
pub use server::{
    DirectoryChanged, ErrorFrame, LoggedFrame, MessageAccepted, MessageCreated, Pong, PresenceChanged,
    PresenceState, ReceiptChanged, ReceiptRecorded, Typing, Welcome,
};

/// Largest frame in either direction, in bytes.
pub const FRAME_BYTES_MAX: usize = 64 * 1024;

/// The WebSocket subprotocol that client and server agree on.
pub const SUBPROTOCOL: &str = "callbox.v1";

/// Longest `id` of a client frame, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;

macro_rules! frames {
    ($(#[$doc:meta])* $enum:ident { $($variant:ident $name:tt,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
        #[serde(tag = "type")]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum $enum {
            $(#[serde(rename = $name)] $variant($variant),)*
        }

        impl $enum {
            /// The names of all frames of this direction, in the order of the table.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The frame's name, as in `type`.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        $(impl From<$variant> for $enum {
            fn from(frame: $variant) -> Self {
                Self::$variant(frame)
            }
        })*
    };
}

frames! {
    /// What a client may send.
    ClientFrame {
        Hello "hello",
        Ack "ack",
        Ping "ping",
        MessageSend "message.send",
        ReceiptRead "receipt.read",
        TypingSet "typing.set",
        PresenceWatch "presence.watch",
        CallStart "call.start",
        CallRing "call.ring",
        CallAccept "call.accept",
        CallEnd "call.end",
        CallDescribe "call.describe",
        CallCandidate "call.candidate",
        CallReport "call.report",
        CallMute "call.mute",
    }
}

frames! {
    /// What a server may send. Clients hand a frame whose type they do not know to their app as `unknown`.
    ServerFrame {
        Welcome "welcome",
        ErrorFrame "error",
        Pong "pong",
        MessageAccepted "message.accepted",
        MessageCreated "message.created",
        ReceiptRecorded "receipt.recorded",
        ReceiptChanged "receipt.changed",
        Typing "typing",
        PresenceState "presence.state",
        PresenceChanged "presence.changed",
        DirectoryChanged "directory.changed",
        CallStarted "call.started",
        CallJoined "call.joined",
        CallLeft "call.left",
        CallIncoming "call.incoming",
        CallRinging "call.ringing",
        CallAccepted "call.accepted",
        CallDescribed "call.described",
        CallCandidateAdded "call.candidate_added",
        CallConnected "call.connected",
        CallMuted "call.muted",
        CallLive "call.live",
        CallEnded "call.ended",
    }
}

/// Why a text is not a client frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameError {
    /// Not JSON, or not an object with a `type`. The connection cannot go on.
    Malformed,
    /// A frame type that this server does not know, or a field that is wrong. Answered with an `error` frame.
    Invalid {
        /// The frame's `id`, where it had one.
        id: Option<String>,
        /// What is wrong.
        problem: String,
    },
}

impl ClientFrame {
    /// Reads a frame.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let problem = match serde_json::from_str::<Self>(text) {
            Ok(frame) => return frame.check(),
            Err(error) => error.to_string(),
        };
        let envelope: Envelope = serde_json::from_str(text).map_err(|_| FrameError::Malformed)?;
        let is_known = Self::NAMES.contains(&envelope.frame_type.as_str());
        let problem = if is_known { problem } else { "This server knows no frame of this type.".to_owned() };
        Err(FrameError::Invalid { id: envelope.id, problem })
    }

    /// The request id, for frames that are answered.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Hello(frame) => Some(&frame.id),
            Self::Ping(frame) => Some(&frame.id),
            Self::MessageSend(frame) => Some(&frame.id),
            Self::ReceiptRead(frame) => Some(&frame.id),
            Self::TypingSet(frame) => Some(&frame.id),
            Self::PresenceWatch(frame) => Some(&frame.id),
            Self::CallStart(frame) => Some(&frame.id),
            Self::CallRing(frame) => Some(&frame.id),
            Self::CallAccept(frame) => Some(&frame.id),
            Self::CallEnd(frame) => Some(&frame.id),
            Self::CallDescribe(frame) => Some(&frame.id),
            Self::CallCandidate(frame) => Some(&frame.id),
            Self::CallReport(frame) => Some(&frame.id),
            Self::CallMute(frame) => Some(&frame.id),
            Self::Ack(_) => None,
        }
    }

    fn check(self) -> Result<Self, FrameError> {
        match self.id() {
            Some(id) if id.len() > REQUEST_ID_BYTES_MAX => Err(FrameError::Invalid {
                id: None,
                problem: format!("id: at most {REQUEST_ID_BYTES_MAX} bytes"),
            }),
            _ => Ok(self),
        }
    }
}

impl ServerFrame {
    /// The frame as it travels.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("frames are plain data")
    }
}

/// The part of a frame that is read when the rest cannot be.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    frame_type: String,
    #[serde(default)]
    id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_types_and_bad_fields_are_answered_and_nonsense_is_not() {
        let unknown = ClientFrame::parse(r#"{"type":"warp","id":"9"}"#).expect_err("unknown type");
        assert!(matches!(unknown, FrameError::Invalid { id: Some(id), .. } if id == "9"));
        let bad = ClientFrame::parse(r#"{"type":"ack","seq":"one"}"#).expect_err("wrong type of field");
        assert!(matches!(bad, FrameError::Invalid { id: None, .. }));
        for text in ["", "[]", "1", "{", r#"{"id":"1"}"#, r#"{"type":1}"#] {
            assert_eq!(ClientFrame::parse(text), Err(FrameError::Malformed), "{text}");
        }
    }

    #[test]
    fn unknown_fields_are_ignored() {
        let frame = ClientFrame::parse(r#"{"type":"ack","seq":3,"mood":"good"}"#).expect("valid");
        assert_eq!(frame, Ack { seq: crate::Seq::new(3) }.into());
    }

    #[test]
    fn long_request_ids_are_refused() {
        let text = format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(65));
        assert!(matches!(ClientFrame::parse(&text), Err(FrameError::Invalid { id: None, .. })));
    }
}
