//! What an app asks for and what it is answered.

use callbox_domain::{CallId, ConversationId, MessageId, UserId};
use callbox_wire::ClientFrame;
use callbox_wire::call::{
    Call, CallEndReason, CallMedia, IceCandidate, IceConfiguration, SessionDescription,
};
use callbox_wire::frame::{
    CallAccept, CallCandidate, CallDescribe, CallEnd, CallMediaReport, CallMute, CallReport, CallRing,
    CallStart, MessageSend, PresenceWatch, ReceiptRead, TypingSet,
};
use callbox_wire::messaging::{Message, Receipt, Recipient, SendMessageRequest};
use callbox_wire::people::Presence;

/// By which whoever drives the core knows an answer again: any number, each used for one request at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// A request with an answer. Each is of a kind that the server knows again: it is repeated after a lost socket until it
/// is answered or takes too long; a message never takes too long.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Sends a message. Messages with the same destination are accepted in the order in which they were asked for.
    Send(SendMessageRequest),
    /// The user has read everything up to a position.
    Read {
        /// Where.
        conversation_id: ConversationId,
        /// The last position that was read.
        up_to: u32,
    },
    /// Watches these users instead of those watched before, on this socket and on all later ones.
    Watch(Vec<UserId>),
    /// Calls a user.
    StartCall {
        /// The call's new id.
        call_id: CallId,
        /// Whom.
        callee_id: UserId,
        /// What it is to carry.
        media: CallMedia,
        /// How long it may ring, 1 to 120; as long as the app allows where it is left out.
        ring_seconds: Option<u32>,
    },
    /// Takes a call.
    AcceptCall(CallId),
    /// Cancels, declines or hangs up.
    EndCall {
        /// Which call.
        call_id: CallId,
        /// Why.
        reason: CallEndReason,
    },
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To [`Ask::Send`]: the message is synced to disk and has its place.
    Message(Box<Message>),
    /// To [`Ask::Read`]: how far the user is now.
    Receipt(Receipt),
    /// To [`Ask::Watch`]: how the watched users are.
    Presences(Vec<Presence>),
    /// To [`Ask::StartCall`] and [`Ask::AcceptCall`].
    Call {
        /// The call; one with another id when both called each other.
        call: Box<Call>,
        /// How this leg finds its way.
        ice: Box<IceConfiguration>,
    },
    /// To [`Ask::EndCall`]: this user is out of the call.
    Left(CallId),
}

/// Something that is told to the server, if it listens at this moment, and not answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Tell {
    /// The user writes, or stopped.
    Typing {
        /// To whom.
        to: Recipient,
        /// Writing, or no longer.
        active: bool,
    },
    /// This client shows the call to its user.
    Ring(CallId),
    /// This leg's session description.
    Describe {
        /// Which call.
        call_id: CallId,
        /// Which exchange it belongs to; each ICE restart adds one.
        generation: u32,
        /// The description.
        description: SessionDescription,
    },
    /// This leg's ICE candidate; `None` says that there are no more.
    Candidate {
        /// Which call.
        call_id: CallId,
        /// Which exchange it belongs to.
        generation: u32,
        /// The candidate.
        candidate: Option<IceCandidate>,
    },
    /// How this leg's media is doing.
    Report {
        /// Which call.
        call_id: CallId,
        /// How it is doing.
        media: CallMediaReport,
    },
    /// What this leg has switched off.
    Mute {
        /// Which call.
        call_id: CallId,
        /// The microphone is off.
        audio: bool,
        /// The camera is off.
        video: bool,
    },
}

impl Ask {
    pub(super) fn frame(&self, id: String) -> ClientFrame {
        match self.clone() {
            Self::Send(message) => MessageSend { id, message }.into(),
            Self::Read { conversation_id, up_to } => ReceiptRead { id, conversation_id, up_to }.into(),
            Self::Watch(user_ids) => PresenceWatch { id, user_ids }.into(),
            Self::StartCall { call_id, callee_id, media, ring_seconds } => {
                CallStart { id, call_id, callee_id, media, ring_seconds }.into()
            }
            Self::AcceptCall(call_id) => CallAccept { id, call_id }.into(),
            Self::EndCall { call_id, reason } => CallEnd { id, call_id, reason }.into(),
        }
    }

    /// Whether this is an answer to it.
    pub(super) fn takes(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::Send(_), Answer::Message(_))
                | (Self::Read { .. }, Answer::Receipt(_))
                | (Self::Watch(_), Answer::Presences(_))
                | (Self::StartCall { .. } | Self::AcceptCall(_), Answer::Call { .. })
                | (Self::EndCall { .. }, Answer::Left(_))
        )
    }

    pub(super) fn message_id(&self) -> Option<&MessageId> {
        match self {
            Self::Send(message) => Some(&message.message_id),
            _ => None,
        }
    }
}

impl Tell {
    pub(super) fn frame(self, id: String) -> ClientFrame {
        match self {
            Self::Typing { to, active } => TypingSet { id, to, active }.into(),
            Self::Ring(call_id) => CallRing { id, call_id }.into(),
            Self::Describe { call_id, generation, description } => {
                CallDescribe { id, call_id, generation, description }.into()
            }
            Self::Candidate { call_id, generation, candidate } => {
                CallCandidate { id, call_id, generation, candidate }.into()
            }
            Self::Report { call_id, media } => CallReport { id, call_id, media }.into(),
            Self::Mute { call_id, audio, video } => CallMute { id, call_id, audio, video }.into(),
        }
    }
}
