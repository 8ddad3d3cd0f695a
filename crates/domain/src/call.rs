//! Calls as they are stored and told; how one moves from state to state is the business of `call-proto`.

use serde::{Deserialize, Serialize};

use crate::{AppId, CallId, Timestamp, UserId};

/// What a call carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallMedia {
    /// Sound only.
    Audio,
    /// Sound and picture.
    Video,
}

impl CallMedia {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Audio, Self::Video].into_iter().find(|media| media.as_str() == word)
    }
}

/// Why a call is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallEndCause {
    /// One side hung up after the call was accepted.
    Completed,
    /// The caller gave up before an answer.
    Canceled,
    /// The callee declined.
    Declined,
    /// The callee is in another call and takes one at a time.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// No device of the callee could be reached.
    Unreachable,
    /// It was accepted, but sound and picture never came through.
    ConnectTimeout,
    /// A side was gone for too long during the call.
    ConnectionLost,
    /// A side could not take part (no microphone, browser error).
    Failed,
    /// The callee blocked the caller; told to the app's backend only.
    Blocked,
    /// The app's backend forbade it.
    NotAllowed,
    /// A side's session ended.
    SessionEnded,
    /// The server or its operator ended it.
    ServerEnded,
}

impl CallEndCause {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 13] = [
        Self::Completed,
        Self::Canceled,
        Self::Declined,
        Self::Busy,
        Self::NoAnswer,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::ConnectionLost,
        Self::Failed,
        Self::Blocked,
        Self::NotAllowed,
        Self::SessionEnded,
        Self::ServerEnded,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::NotAllowed => "not_allowed",
            Self::SessionEnded => "session_ended",
            Self::ServerEnded => "server_ended",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }

    /// A sentence for people, the same for both sides.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Completed => "The call ended.",
            Self::Canceled => "The caller hung up before an answer.",
            Self::Declined => "The call was declined.",
            Self::Busy => "The other side is in another call.",
            Self::NoAnswer => "Nobody answered.",
            Self::Unreachable => "The other side could not be reached.",
            Self::ConnectTimeout => "The call was accepted, but sound and picture did not come through.",
            Self::ConnectionLost => "The connection was lost.",
            Self::Failed => "The call failed on one of the devices.",
            Self::Blocked => "The callee does not take calls from this caller.",
            Self::NotAllowed => "This call is not allowed.",
            Self::SessionEnded => "One side was signed out.",
            Self::ServerEnded => "The server ended the call.",
        }
    }
}

/// A call that is over, as its two users remember it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallSummary {
    /// The caller's id for it.
    pub id: CallId,
    /// Who called.
    pub caller_id: UserId,
    /// Who was called.
    pub callee_id: UserId,
    /// What it was to carry.
    pub media: CallMedia,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was accepted, if it was.
    pub accepted_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why.
    pub cause: CallEndCause,
    /// Who ended it; `None` when a timer or the server did.
    pub ended_by: Option<UserId>,
}

/// A call as a store keeps it. `snapshot` is the state machine's own form (JSON) and is opaque to stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// Its app.
    pub app_id: AppId,
    /// The caller's id for it.
    pub id: CallId,
    /// Who called.
    pub caller_id: UserId,
    /// Who was called.
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Set exactly when the call is over.
    pub end: Option<CallEnd>,
    /// The live state; empty once the call is over.
    pub snapshot: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub cause: CallEndCause,
    /// Who; `None` when a timer or the server did.
    pub by: Option<UserId>,
}

impl CallRecord {
    /// What its users are told once it is over; `None` while it lives.
    pub fn summary(&self) -> Option<CallSummary> {
        let end = self.end.as_ref()?;
        Some(CallSummary {
            id: self.id.clone(),
            caller_id: self.caller_id.clone(),
            callee_id: self.callee_id.clone(),
            media: self.media,
            created_at: self.created_at,
            accepted_at: self.accepted_at,
            ended_at: end.at,
            cause: end.cause,
            ended_by: end.by.clone(),
        })
    }
}

/// One line of a call's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallEventRecord {
    /// When.
    pub at: Timestamp,
    /// What happened, in the past tense (`ringing`, `accepted`, …).
    pub kind: String,
    /// Whose doing it was; `None` for timers and the server.
    pub user_id: Option<UserId>,
    /// Details as JSON, or empty.
    pub details: String,
}
