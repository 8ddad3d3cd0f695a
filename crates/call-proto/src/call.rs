//! The call: its users, and whether it lives or is over.

use callbox_domain::call::CallEnd;
use callbox_domain::{CallId, CallMedia, Timestamp, UserId};

use crate::live::{Live, Phase};
use crate::timeline::{Details, DeviceDetails, EventKind};
use crate::{CallState, CallView, Endpoint, IllegalMove, Input, MutedUser, Output, Timers};

/// A direct call between two users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub(crate) parties: Parties,
    pub(crate) state: State,
}

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartCall {
    /// Chosen by the caller; unique in the app.
    pub id: CallId,
    /// Who calls, and with which connection: the caller's leg.
    pub caller: Endpoint,
    /// Who is called.
    pub callee_id: UserId,
    /// What it is to carry.
    pub media: CallMedia,
    /// Its time limits.
    pub timers: Timers,
}

impl Call {
    /// A new call, which tries to reach the callee's devices.
    pub fn start(now: Timestamp, start: StartCall) -> Result<(Self, Vec<Output>), IllegalMove> {
        if start.caller.user_id == start.callee_id {
            return Err(IllegalMove::CalledThemselves);
        }
        let parties = Parties {
            id: start.id,
            caller_id: start.caller.user_id.clone(),
            callee_id: start.callee_id,
            media: start.media,
            created_at: now,
        };
        let mut live = Live::new(now, start.caller, start.timers);
        let device = DeviceDetails::of(&live.caller.endpoint);
        let details = Details::Started { media: parties.media, device };
        let started = live.timeline.line(now, EventKind::Started, Some(&parties.caller_id), details);
        let outputs = started.into_iter().collect();
        Ok((Self { parties, state: State::Live(Box::new(live)) }, outputs))
    }

    /// Takes an input. A refused one changes nothing. Once the call is over, everything that the server states and a
    /// repeated end change nothing either, and other moves are refused.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Vec<Output>, IllegalMove> {
        if let Some(user) = input.user_id() {
            self.parties.side(user)?;
        }
        let live = match &mut self.state {
            State::Live(live) => live,
            State::Over(over) => return over.handle(&input),
        };
        let now = now.max(live.latest);
        let mut step = live.handle(&self.parties, now, input)?;
        if step.end.is_none() {
            step.end = live.due(self.parties.created_at, now).map(|cause| (cause, None));
        }
        if let Some((cause, by)) = step.end {
            step.outputs.extend(live.ended_line(now, cause, by.as_ref()));
            let end = CallEnd { at: now, cause, by };
            step.outputs.push(Output::Ended(end.clone()));
            self.state = State::Over(Over { accepted_at: live.accepted_at(), end });
        }
        Ok(step.outputs)
    }

    /// Lets time pass: [`Input::Tick`], which is never refused.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Vec<Output> {
        self.handle(now, Input::Tick).unwrap_or_default()
    }

    /// When to hand in [`Input::Tick`] if nothing happens before. Later than the latest moment that the call has
    /// seen; `None` once it is over.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.live()?.next_deadline(self.parties.created_at).map(|(at, _)| at)
    }

    /// The caller's id for it.
    pub fn id(&self) -> &CallId {
        &self.parties.id
    }

    /// Who calls.
    pub fn caller_id(&self) -> &UserId {
        &self.parties.caller_id
    }

    /// Who is called.
    pub fn callee_id(&self) -> &UserId {
        &self.parties.callee_id
    }

    /// When it was accepted, if it was; also once it is over.
    pub fn accepted_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Live(live) => live.accepted_at(),
            State::Over(over) => over.accepted_at,
        }
    }

    /// How it ended; `None` while it lives.
    pub fn end(&self) -> Option<&CallEnd> {
        match &self.state {
            State::Live(_) => None,
            State::Over(over) => Some(&over.end),
        }
    }

    /// What its users may know while it lives; `None` once it is over.
    pub fn view(&self) -> Option<CallView> {
        let live = self.live()?;
        let (state, connected_at) = match &live.phase {
            Phase::Reaching => (CallState::Reaching, None),
            Phase::Ringing { .. } => (CallState::Ringing, None),
            Phase::Accepted { .. } => (CallState::Accepted, None),
            Phase::Connected { at, .. } => (CallState::Connected, Some(*at)),
        };
        let legs = std::iter::once(&live.caller).chain(live.callee());
        let muted = legs
            .filter(|leg| leg.muted.audio || leg.muted.video)
            .map(|leg| MutedUser { user_id: leg.endpoint.user_id.clone(), muted: leg.muted });
        Some(CallView {
            id: self.parties.id.clone(),
            callee_id: self.parties.callee_id.clone(),
            media: self.parties.media,
            state,
            created_at: self.parties.created_at,
            accepted_at: live.accepted_at(),
            connected_at,
            caller: live.caller.endpoint.clone(),
            accepted_by: live.callee().map(|leg| leg.endpoint.clone()),
            muted: muted.collect(),
        })
    }

    fn live(&self) -> Option<&Live> {
        match &self.state {
            State::Live(live) => Some(live),
            State::Over(_) => None,
        }
    }
}

/// Whether a call `from` one user `to` another meets `existing`: the same two the other way round, not answered yet.
/// Then no second call is made; the start counts as an [`Input::Accept`] of the existing call by the connection that
/// sent it.
pub fn glare(existing: &Call, from: &UserId, to: &UserId) -> bool {
    let unanswered = existing.live().is_some_and(|live| live.callee().is_none());
    unanswered && existing.callee_id() == from && existing.caller_id() == to
}

/// What never changes. It stands in columns of the call's row, beside the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parties {
    pub(crate) id: CallId,
    pub(crate) caller_id: UserId,
    pub(crate) callee_id: UserId,
    pub(crate) media: CallMedia,
    pub(crate) created_at: Timestamp,
}

impl Parties {
    /// On which side a user is.
    pub(crate) fn side(&self, user: &UserId) -> Result<Side, IllegalMove> {
        if *user == self.caller_id {
            Ok(Side::Caller)
        } else if *user == self.callee_id {
            Ok(Side::Callee)
        } else {
            Err(IllegalMove::NotInCall)
        }
    }
}

/// One of the two users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Callee,
}

/// Whether the call lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Live(Box<Live>),
    Over(Over),
}

/// What is left of a call that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) accepted_at: Option<Timestamp>,
    pub(crate) end: CallEnd,
}

impl Over {
    fn handle(&self, input: &Input) -> Result<Vec<Output>, IllegalMove> {
        match input {
            Input::End { .. }
            | Input::ConnectionLost { .. }
            | Input::ConnectionBack { .. }
            | Input::SessionEnded { .. }
            | Input::ServerEnd { .. }
            | Input::Tick => Ok(Vec::new()),
            Input::Ring { .. }
            | Input::Accept { .. }
            | Input::Signal { .. }
            | Input::Report { .. }
            | Input::Mute { .. } => Err(IllegalMove::Ended { cause: self.end.cause }),
        }
    }
}
