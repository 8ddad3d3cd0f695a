//! What a client tells its app.

use std::time::Duration;

use callbox_domain::{CallId, SessionId, UserId};
use callbox_wire::call::CallSummary;
use callbox_wire::frame::{
    CallAccepted, CallCandidateAdded, CallConnected, CallDescribed, CallIncoming, CallLive, CallMuted,
    CallRinging, Typing,
};
use callbox_wire::messaging::{Message, MessageOrigin, Receipt};
use callbox_wire::people::{DirectoryEntry, Presence};

use crate::error::{Error, Refusal};

/// Something happened. Messages, receipts and the ends of calls come each exactly once and in order, however often the
/// connection is lost between them; the rest is told to those who are connected.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server welcomed this client: requests are answered from now on.
    Online {
        /// Who is signed in.
        user_id: UserId,
        /// On which session.
        session_id: SessionId,
        /// The calls of the user that go on; a call that is not among them is over. Each is told by [`CallEvent::Live`].
        live_calls: Vec<CallId>,
    },
    /// The connection is lost; the next attempt follows by itself.
    Offline {
        /// Why.
        error: Error,
        /// When it follows.
        retry_in: Duration,
    },
    /// The connection is over for good. Nothing comes after this.
    Stopped(Error),
    /// Events were missed that the server no longer tells: fetch again whatever is shown.
    Stale,
    /// A message in one of the user's conversations.
    Message(MessageEvent),
    /// Someone received or read messages, or the user did on another device.
    Receipt(Receipt),
    /// Someone writes, or stopped.
    Typing(Typing),
    /// How a watched user is.
    Presence(Presence),
    /// A user was added to the app.
    UserAdded(DirectoryEntry),
    /// Something about a call.
    Call(CallEvent),
    /// The server refused something that is answered only when it is wrong, such as a signal of a call.
    Refused(Refusal),
    /// A frame that this version does not know, as it came.
    Unknown(String),
}

/// A message: someone else's, or the user's own from this or another device.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageEvent {
    /// The message.
    pub message: Message,
    /// Whether the signed-in user wrote it.
    pub mine: bool,
    /// From which of the user's own sessions it came; none for messages of others.
    pub origin: Option<MessageOrigin>,
}

/// Something about a call.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CallEvent {
    /// Someone calls the user: show it, and say so by `ring`.
    Incoming(CallIncoming),
    /// The first device of the callee rings.
    Ringing(CallRinging),
    /// The callee answered; whoever is not in it stops ringing.
    Accepted(CallAccepted),
    /// The other leg's session description, each once.
    Described(CallDescribed),
    /// The other leg's ICE candidate, each once.
    CandidateAdded(CallCandidateAdded),
    /// Both legs have media.
    Connected(CallConnected),
    /// The other leg switched its microphone or camera.
    Muted(CallMuted),
    /// After each [`Event::Online`]: a call of the user that goes on.
    Live(CallLive),
    /// A call of the user is over.
    Ended(CallSummary),
}
