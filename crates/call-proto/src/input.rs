//! What can happen to a call.

use callbox_domain::{CallEndCause, ConnectionId, SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::Muted;

/// One page load of one signed-in device of one user: what rings, and what a leg of a call is bound to. Connections
/// are named by clients, so the name counts only together with the session and the user.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Whose device.
    pub user_id: UserId,
    /// The signed-in device.
    pub session_id: SessionId,
    /// The page load.
    pub connection_id: ConnectionId,
}

/// One thing that happens. The first six are moves of users and may be refused; the others are facts that the server
/// states, and where they do not matter they change nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A connection of the callee shows the call to its user.
    Ring {
        /// The connection that rings.
        from: Endpoint,
    },
    /// A connection of the callee takes the call. The first one wins; a repeat by the same one changes nothing.
    Accept {
        /// The connection that answers.
        from: Endpoint,
    },
    /// A user ends the call: cancels, declines or hangs up, depending on who it is and when.
    End {
        /// Who.
        user_id: UserId,
        /// From which device.
        session_id: SessionId,
        /// From which connection; `None` for a request over HTTP, which speaks for its whole session.
        connection_id: Option<ConnectionId>,
        /// Why.
        reason: EndReason,
    },
    /// A leg sends a session description or an ICE candidate to the other. The text itself stays outside.
    Signal {
        /// The leg that sends it.
        from: Endpoint,
        /// What it is.
        kind: SignalKind,
        /// Which ICE generation it belongs to, counted by the legs: each ICE restart adds one.
        generation: u32,
        /// How long the text is, in bytes.
        bytes: usize,
    },
    /// A leg tells how its media is doing.
    Report {
        /// The leg that tells.
        from: Endpoint,
        /// How it is doing.
        media: MediaReport,
    },
    /// A leg switches its own microphone or camera off or on.
    Mute {
        /// The leg that switches.
        from: Endpoint,
        /// What is off from now on.
        muted: Muted,
    },
    /// The last socket of a connection closed. Must come after the [`Input::ConnectionBack`] of that socket, and not
    /// at all when another socket of the same connection has taken over.
    ConnectionLost {
        /// Which connection.
        connection: Endpoint,
    },
    /// A connection has a socket again.
    ConnectionBack {
        /// Which connection.
        connection: Endpoint,
    },
    /// A session was signed out, revoked, or is too old.
    SessionEnded {
        /// Which session.
        session_id: SessionId,
    },
    /// The server, its operator or the app's backend ends the call.
    ServerEnd {
        /// Why.
        cause: ServerCause,
    },
    /// Nothing but time has passed.
    Tick,
}

impl Input {
    /// [`Input::End`] by a connection.
    pub fn end(from: &Endpoint, reason: EndReason) -> Self {
        Self::End {
            user_id: from.user_id.clone(),
            session_id: from.session_id.clone(),
            connection_id: Some(from.connection_id.clone()),
            reason,
        }
    }

    /// The user whose move this is; `None` for what the server states.
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::Ring { from }
            | Self::Accept { from }
            | Self::Signal { from, .. }
            | Self::Report { from, .. }
            | Self::Mute { from, .. } => Some(&from.user_id),
            Self::End { user_id, .. } => Some(user_id),
            Self::ConnectionLost { .. }
            | Self::ConnectionBack { .. }
            | Self::SessionEnded { .. }
            | Self::ServerEnd { .. }
            | Self::Tick => None,
        }
    }
}

/// Why a user ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// The user wants it.
    HangUp,
    /// The callee is in another call and takes one at a time.
    Busy,
    /// The device cannot take part: no microphone, browser error.
    Failed,
}

/// What a signal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// A session description that proposes.
    Offer,
    /// A session description that answers.
    Answer,
    /// An ICE candidate, or the end of candidates.
    Candidate,
}

/// How a leg's media is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaReport {
    /// Sound and picture come through.
    Connected,
    /// They do not, at least for the moment.
    Interrupted,
}

/// Why the server ends a call. All but [`ServerCause::ServerEnded`] are answers to a start: once the call is accepted
/// they all mean that the server ended it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerCause {
    /// The server or its operator ended it.
    ServerEnded,
    /// The callee blocked the caller.
    Blocked,
    /// The app's backend forbade it.
    NotAllowed,
    /// The server knows that no device can be reached.
    Unreachable,
}

impl ServerCause {
    /// The end cause, given whether the call has been accepted.
    pub(crate) fn end_cause(self, accepted: bool) -> CallEndCause {
        match self {
            Self::Blocked if !accepted => CallEndCause::Blocked,
            Self::NotAllowed if !accepted => CallEndCause::NotAllowed,
            Self::Unreachable if !accepted => CallEndCause::Unreachable,
            _ => CallEndCause::ServerEnded,
        }
    }
}
