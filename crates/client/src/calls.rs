//! Calls: who rings, who answers, and what the two legs tell each other. Sound and picture are the app's.

use callbox_domain::{CallId, UserId};
use callbox_wire::call::{
    Call, CallEndReason, CallMedia, IceCandidate, IceConfiguration, SessionDescription,
};
use callbox_wire::frame::CallMediaReport;

use crate::client::Client;
use crate::core::{Answer, Ask, Tell, call_id};
use crate::error::Error;
use crate::system::SystemRandom;
use crate::to::user_id;

/// The calls of a client. What happens in them comes as [`Event::Call`](crate::Event::Call).
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a>(&'a Client);

/// A call that this client takes part in.
#[derive(Debug, Clone, PartialEq)]
pub struct Joined {
    /// The call.
    pub call: Call,
    /// How this leg finds its way.
    pub ice: IceConfiguration,
}

impl<'a> Calls<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self(client)
    }

    /// Calls a user; `ring_seconds`, 1 to 120, is as long as the app allows where it is `None`. When that user is calling this
    /// one at the same moment, the two become one call: the answer then carries that call, accepted.
    pub async fn start(
        self,
        callee: impl AsRef<str>,
        media: CallMedia,
        ring_seconds: Option<u32>,
    ) -> Result<Joined, Error> {
        let callee_id: UserId = user_id(callee)?;
        let ask = Ask::StartCall { call_id: call_id(&SystemRandom), callee_id, media, ring_seconds };
        self.join(ask).await
    }

    /// Says that this client shows the call to its user.
    pub async fn ring(self, call_id: &CallId) -> Result<(), Error> {
        self.0.tell(Tell::Ring(call_id.clone())).await
    }

    /// Takes a call. What the caller sent before follows as events.
    pub async fn accept(self, call_id: &CallId) -> Result<Joined, Error> {
        self.join(Ask::AcceptCall(call_id.clone())).await
    }

    /// Cancels, declines or hangs up.
    pub async fn end(self, call_id: &CallId, reason: CallEndReason) -> Result<(), Error> {
        self.0.ask(Ask::EndCall { call_id: call_id.clone(), reason }).await.map(drop)
    }

    /// Tells the other leg a session description of the exchange with this number.
    pub async fn describe(
        self,
        call_id: &CallId,
        generation: u32,
        description: SessionDescription,
    ) -> Result<(), Error> {
        self.0.tell(Tell::Describe { call_id: call_id.clone(), generation, description }).await
    }

    /// Tells the other leg an ICE candidate of the exchange with this number; `None` says that there are no more.
    pub async fn add_candidate(
        self,
        call_id: &CallId,
        generation: u32,
        candidate: Option<IceCandidate>,
    ) -> Result<(), Error> {
        self.0.tell(Tell::Candidate { call_id: call_id.clone(), generation, candidate }).await
    }

    /// Says how this leg's media is doing.
    pub async fn report(self, call_id: &CallId, media: CallMediaReport) -> Result<(), Error> {
        self.0.tell(Tell::Report { call_id: call_id.clone(), media }).await
    }

    /// Says what this leg has switched off.
    pub async fn mute(self, call_id: &CallId, audio: bool, video: bool) -> Result<(), Error> {
        self.0.tell(Tell::Mute { call_id: call_id.clone(), audio, video }).await
    }

    async fn join(self, ask: Ask) -> Result<Joined, Error> {
        match self.0.ask(ask).await? {
            Answer::Call { call, ice } => Ok(Joined { call: *call, ice: *ice }),
            other => unreachable!("{other:?} answers something else"),
        }
    }
}
