//! What a text from the server says.

use callbox_domain::UserId;
use callbox_wire::ServerFrame;
use callbox_wire::frame::{Hello, Welcome};
use callbox_wire::{ClientFrame, frame};
use serde::Deserialize;

use super::ask::Answer;
use crate::error::Refusal;
use crate::event::{CallEvent, Event, MessageEvent};

/// A text, understood.
pub(super) enum Heard {
    Welcome(Box<Welcome>),
    Pong {
        re: String,
    },
    /// An event of the log.
    Logged {
        seq: u64,
        event: Event,
    },
    /// The answer to the request with this id.
    Reply {
        re: String,
        result: Result<Answer, Refusal>,
    },
    /// Something that is told once.
    Told(Event),
}

impl Heard {
    /// Reads a text. `user` is who is signed in.
    pub(super) fn read(text: &str, user: Option<&UserId>) -> Self {
        match serde_json::from_str(text) {
            Ok(frame) => Self::understand(frame, user),
            // A newer server may send frames, or error codes, that this version does not know.
            Err(_) => Self::guess(text),
        }
    }

    fn understand(frame: ServerFrame, user: Option<&UserId>) -> Self {
        let told = |event| Self::Told(Event::Call(event));
        match frame {
            ServerFrame::Welcome(welcome) => Self::Welcome(Box::new(welcome)),
            ServerFrame::Pong(frame) => Self::Pong { re: frame.re },
            ServerFrame::ErrorFrame(frame) => Self::refusal(frame.re, frame.error.into()),
            ServerFrame::MessageAccepted(frame) => {
                Self::answer(frame.re, Answer::Message(Box::new(frame.message)))
            }
            ServerFrame::ReceiptRecorded(frame) => Self::answer(frame.re, Answer::Receipt(frame.receipt)),
            ServerFrame::PresenceState(frame) => Self::answer(frame.re, Answer::Presences(frame.presences)),
            ServerFrame::CallStarted(frame::CallStarted { re, call, ice })
            | ServerFrame::CallJoined(frame::CallJoined { re, call, ice }) => {
                Self::answer(re, Answer::Call { call: Box::new(call), ice: Box::new(ice) })
            }
            ServerFrame::CallLeft(frame) => Self::answer(frame.re, Answer::Left(frame.call_id)),
            ServerFrame::MessageCreated(frame) => {
                let mine = user == Some(&frame.message.sender_id);
                let event = MessageEvent { message: frame.message, mine, origin: frame.origin };
                Self::Logged { seq: frame.seq.number(), event: Event::Message(event) }
            }
            ServerFrame::ReceiptChanged(frame) => {
                Self::Logged { seq: frame.seq.number(), event: Event::Receipt(frame.receipt) }
            }
            ServerFrame::CallEnded(frame) => {
                let event = Event::Call(CallEvent::Ended(frame.call));
                Self::Logged { seq: frame.seq.number(), event }
            }
            ServerFrame::Typing(typing) => Self::Told(Event::Typing(typing)),
            ServerFrame::PresenceChanged(frame) => Self::Told(Event::Presence(frame.presence)),
            ServerFrame::DirectoryChanged(frame) => Self::Told(Event::UserAdded(frame.entry)),
            ServerFrame::CallIncoming(frame) => told(CallEvent::Incoming(frame)),
            ServerFrame::CallRinging(frame) => told(CallEvent::Ringing(frame)),
            ServerFrame::CallAccepted(frame) => told(CallEvent::Accepted(frame)),
            ServerFrame::CallDescribed(frame) => told(CallEvent::Described(frame)),
            ServerFrame::CallCandidateAdded(frame) => told(CallEvent::CandidateAdded(frame)),
            ServerFrame::CallConnected(frame) => told(CallEvent::Connected(frame)),
            ServerFrame::CallMuted(frame) => told(CallEvent::Muted(frame)),
            ServerFrame::CallLive(frame) => told(CallEvent::Live(frame)),
        }
    }

    fn guess(text: &str) -> Self {
        let unknown = Event::Unknown(text.to_owned());
        match serde_json::from_str(text) {
            Ok(Envelope { seq: Some(seq), .. }) => Self::Logged { seq, event: unknown },
            Ok(Envelope { re, error: Some(refusal), .. }) => Self::refusal(re, refusal),
            _ => Self::Told(unknown),
        }
    }

    fn answer(re: String, answer: Answer) -> Self {
        Self::Reply { re, result: Ok(answer) }
    }

    fn refusal(re: Option<String>, refusal: Refusal) -> Self {
        match re {
            Some(re) => Self::Reply { re, result: Err(refusal) },
            None => Self::Told(Event::Refused(refusal)),
        }
    }
}

/// A frame as it travels.
pub(super) fn text(frame: &ClientFrame) -> String {
    serde_json::to_string(frame).expect("frames are plain data")
}

/// The first frame of a socket.
pub(super) fn hello(options: &super::Options, cursor: Option<String>) -> ClientFrame {
    let (token, connection_id) = (options.token.expose().clone(), options.connection_id.clone());
    Hello { id: HELLO_ID.into(), token, connection_id, cursor }.into()
}

/// The part of a frame that is read when the rest cannot be.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    seq: Option<u64>,
    #[serde(default)]
    re: Option<String>,
    #[serde(default)]
    error: Option<Refusal>,
}

/// By which the answer to a hello is known.
pub(super) const HELLO_ID: &str = "hello";
