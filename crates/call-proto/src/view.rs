//! A live call as its users see it.

use callbox_domain::{CallId, CallMedia, Timestamp, UserId};

use crate::{Endpoint, Muted};

/// Everything that the two users may know about a live call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallView {
    /// The caller's id for it.
    pub id: CallId,
    /// Who is called.
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// How far it has come.
    pub state: CallState,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
    /// When both legs had media for the first time.
    pub connected_at: Option<Timestamp>,
    /// Who calls, and with which connection.
    pub caller: Endpoint,
    /// The connection of the callee that answered.
    pub accepted_by: Option<Endpoint>,
    /// The legs that have something switched off, the caller's first.
    pub muted: Vec<MutedUser>,
}

/// What one user has switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutedUser {
    /// Who.
    pub user_id: UserId,
    /// What.
    pub muted: Muted,
}

/// How far a live call has come; it never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallState {
    /// No device of the callee rings yet.
    Reaching,
    /// At least one does.
    Ringing,
    /// One of them answered.
    Accepted,
    /// Both legs have had media.
    Connected,
}

impl CallState {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reaching => "reaching",
            Self::Ringing => "ringing",
            Self::Accepted => "accepted",
            Self::Connected => "connected",
        }
    }
}
