//! A call that lives: what each input does to it.

use callbox_domain::{CallEndCause, ConnectionId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::call::{Parties, Side};
use crate::leg::Leg;
use crate::signals::Signals;
use crate::timeline::{Details, EventKind, LegDetails, Timeline};
use crate::{
    EndReason, Endpoint, IllegalMove, Input, KeptSignal, MediaReport, Muted, Output, ServerCause, SignalKind,
    Timers,
};

/// The live state. This is what a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Live {
    pub(crate) timers: Timers,
    /// The latest moment that the call has seen.
    pub(crate) latest: Timestamp,
    pub(crate) caller: Leg,
    pub(crate) phase: Phase,
    pub(crate) signals: Signals,
    pub(crate) timeline: Timeline,
}

/// How far the call has come, and what only that state knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub(crate) enum Phase {
    /// No device of the callee rings yet.
    Reaching,
    /// At least one does.
    Ringing {
        /// Since the first one did.
        since: Timestamp,
        /// Those that the timeline names.
        connections: Vec<ConnectionId>,
    },
    /// One of them answered.
    Accepted {
        /// When.
        at: Timestamp,
        /// When both legs must have media.
        connect_by: Timestamp,
        /// The leg that answered.
        callee: Leg,
    },
    /// Both legs have had media.
    Connected {
        /// When it was accepted.
        accepted_at: Timestamp,
        /// When both had it for the first time.
        at: Timestamp,
        /// The leg that answered.
        callee: Leg,
    },
}

/// What one input did.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) outputs: Vec<Output>,
    /// Why the call is over now, and who ended it.
    pub(crate) end: Option<(CallEndCause, Option<UserId>)>,
}

impl Step {
    fn ending(cause: CallEndCause, by: Option<UserId>) -> Self {
        Self { outputs: Vec::new(), end: Some((cause, by)) }
    }
}

impl Live {
    pub(crate) fn new(now: Timestamp, caller: Endpoint, timers: Timers) -> Self {
        Self {
            timers,
            latest: now,
            caller: Leg::new(caller),
            phase: Phase::Reaching,
            signals: Signals::default(),
            timeline: Timeline::default(),
        }
    }

    /// Takes an input at `now`, which is not before `latest`. Timers that are due are left to the caller.
    pub(crate) fn handle(
        &mut self,
        parties: &Parties,
        now: Timestamp,
        input: Input,
    ) -> Result<Step, IllegalMove> {
        let waited = self.is_connect_waiting();
        let step = match input {
            Input::Ring { from } => self.ring(parties, now, from)?,
            Input::Accept { from } => self.accept(parties, now, from)?,
            Input::End { user_id, session_id, connection_id, reason } => {
                self.hang_up(parties, user_id, &session_id, connection_id.as_ref(), reason)?
            }
            Input::Signal { from, kind, generation, bytes } => {
                self.signal(parties, now, from, kind, generation, bytes)?
            }
            Input::Report { from, media } => self.report(parties, now, &from, media)?,
            Input::Mute { from, muted } => self.mute(parties, now, from, muted)?,
            Input::ConnectionLost { connection } => self.lose(now, &connection),
            Input::ConnectionBack { connection } => self.regain(now, &connection),
            Input::SessionEnded { session_id } => self.session_ended(&session_id),
            Input::ServerEnd { cause } => self.server_end(cause),
            Input::Tick => Step::default(),
        };
        self.latest = now;
        if waited && !self.is_connect_waiting() {
            self.restart_connect(now);
        }
        Ok(step)
    }

    /// The leg that answered.
    pub(crate) fn callee(&self) -> Option<&Leg> {
        match &self.phase {
            Phase::Reaching | Phase::Ringing { .. } => None,
            Phase::Accepted { callee, .. } | Phase::Connected { callee, .. } => Some(callee),
        }
    }

    pub(crate) fn accepted_at(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Reaching | Phase::Ringing { .. } => None,
            Phase::Accepted { at, .. } => Some(*at),
            Phase::Connected { accepted_at, .. } => Some(*accepted_at),
        }
    }

    /// The last line of the timeline.
    pub(crate) fn ended_line(
        &mut self,
        now: Timestamp,
        cause: CallEndCause,
        by: Option<&UserId>,
    ) -> Option<Output> {
        let details = Details::Ended {
            cause,
            omitted_lines: self.timeline.omitted(),
            caller: LegDetails::of(&self.caller),
            callee: self.callee().map(LegDetails::of),
        };
        self.timeline.line(now, EventKind::Ended, by, details)
    }

    fn ring(&mut self, parties: &Parties, now: Timestamp, from: Endpoint) -> Result<Step, IllegalMove> {
        if parties.side(&from.user_id)? == Side::Caller {
            return Err(IllegalMove::NotTheCallee);
        }
        let first = match &mut self.phase {
            Phase::Reaching => {
                let connections = vec![from.connection_id.clone()];
                self.phase = Phase::Ringing { since: now, connections };
                true
            }
            Phase::Ringing { connections, .. } => {
                let known = connections.contains(&from.connection_id);
                if known || connections.len() >= RINGING_LINES_MAX {
                    return Ok(Step::default());
                }
                connections.push(from.connection_id.clone());
                false
            }
            Phase::Accepted { callee, .. } | Phase::Connected { callee, .. } => {
                return if callee.endpoint == from {
                    Ok(Step::default())
                } else {
                    Err(IllegalMove::AlreadyAnswered)
                };
            }
        };
        let mut step = Step::default();
        let details = Details::device(&from);
        step.outputs.extend(self.timeline.line(now, EventKind::Ringing, Some(&from.user_id), details));
        if first {
            step.outputs.push(Output::Ringing);
        }
        Ok(step)
    }

    fn accept(&mut self, parties: &Parties, now: Timestamp, from: Endpoint) -> Result<Step, IllegalMove> {
        if parties.side(&from.user_id)? == Side::Caller {
            return Err(IllegalMove::NotTheCallee);
        }
        match self.callee() {
            Some(leg) if leg.endpoint == from => return Ok(Step::default()),
            Some(_) => return Err(IllegalMove::AlreadyAnswered),
            None => {}
        }
        self.phase = Phase::Accepted {
            at: now,
            connect_by: now.plus(self.timers.connect),
            callee: Leg::new(from.clone()),
        };
        let mut step = Step::default();
        let details = Details::device(&from);
        step.outputs.extend(self.timeline.line(now, EventKind::Accepted, Some(&from.user_id), details));
        step.outputs.push(Output::Accepted { by: from });
        Ok(step)
    }

    fn hang_up(
        &self,
        parties: &Parties,
        user_id: UserId,
        session_id: &SessionId,
        connection_id: Option<&ConnectionId>,
        reason: EndReason,
    ) -> Result<Step, IllegalMove> {
        let speaks_for = |leg: &Leg| {
            leg.endpoint.session_id == *session_id
                && connection_id.is_none_or(|connection| *connection == leg.endpoint.connection_id)
        };
        let cause = match (parties.side(&user_id)?, self.callee()) {
            (Side::Caller, _) if !speaks_for(&self.caller) => return Err(IllegalMove::NotTheCallersLeg),
            (Side::Callee, Some(leg)) if !speaks_for(leg) => return Err(IllegalMove::AlreadyAnswered),
            _ if reason == EndReason::Failed => CallEndCause::Failed,
            (_, Some(_)) => CallEndCause::Completed,
            (Side::Caller, None) => CallEndCause::Canceled,
            (Side::Callee, None) if reason == EndReason::Busy => CallEndCause::Busy,
            (Side::Callee, None) => CallEndCause::Declined,
        };
        Ok(Step::ending(cause, Some(user_id)))
    }

    fn signal(
        &mut self,
        parties: &Parties,
        now: Timestamp,
        from: Endpoint,
        kind: SignalKind,
        generation: u32,
        bytes: usize,
    ) -> Result<Step, IllegalMove> {
        self.leg_mut(parties, &from)?;
        self.signals = self.signals.with(generation, bytes)?;
        let number = self.signals.count();
        let mut step = Step::default();
        if kind != SignalKind::Candidate {
            let details = Details::Described { description: kind, generation, signal: number };
            let line = self.timeline.line(now, EventKind::Described, Some(&from.user_id), details);
            step.outputs.extend(line);
        }
        let to = if from == self.caller.endpoint { self.callee() } else { Some(&self.caller) };
        let to = to.map(|leg| leg.endpoint.clone());
        step.outputs.push(Output::Signal(KeptSignal { number, from: from.user_id, to, generation }));
        Ok(step)
    }

    fn report(
        &mut self,
        parties: &Parties,
        now: Timestamp,
        from: &Endpoint,
        report: MediaReport,
    ) -> Result<Step, IllegalMove> {
        let answered = self.callee().is_some();
        let leg = self.leg_mut(parties, from)?;
        if !answered {
            return Err(IllegalMove::NotAnswered);
        }
        let mut step = Step::default();
        if !leg.report(now, report) {
            return Ok(step);
        }
        let kind = match report {
            MediaReport::Connected => EventKind::MediaConnected,
            MediaReport::Interrupted => EventKind::Interrupted,
        };
        step.outputs.extend(self.timeline.line(now, kind, Some(&from.user_id), Details::None));
        if let Phase::Accepted { at, callee, .. } = &self.phase
            && self.caller.media.is_connected()
            && callee.media.is_connected()
        {
            self.phase = Phase::Connected { accepted_at: *at, at: now, callee: callee.clone() };
            step.outputs.extend(self.timeline.line(now, EventKind::Connected, None, Details::None));
            step.outputs.push(Output::Connected { at: now });
        }
        Ok(step)
    }

    fn mute(
        &mut self,
        parties: &Parties,
        now: Timestamp,
        from: Endpoint,
        muted: Muted,
    ) -> Result<Step, IllegalMove> {
        let leg = self.leg_mut(parties, &from)?;
        let mut step = Step::default();
        if leg.muted == muted {
            return Ok(step);
        }
        leg.muted = muted;
        let user_id = from.user_id;
        step.outputs.extend(self.timeline.line(now, EventKind::Muted, Some(&user_id), Details::Muted(muted)));
        step.outputs.push(Output::Muted { user_id, muted });
        Ok(step)
    }

    fn lose(&mut self, now: Timestamp, connection: &Endpoint) -> Step {
        match self.leg_at(connection) {
            Some(leg) if leg.gone_since.is_none() => leg.gone_since = Some(now),
            _ => return Step::default(),
        }
        self.socket_line(now, EventKind::ConnectionLost, connection)
    }

    fn regain(&mut self, now: Timestamp, connection: &Endpoint) -> Step {
        match self.leg_at(connection) {
            Some(leg) if leg.gone_since.is_some() => leg.gone_since = None,
            _ => return Step::default(),
        }
        self.socket_line(now, EventKind::ConnectionBack, connection)
    }

    fn socket_line(&mut self, now: Timestamp, kind: EventKind, connection: &Endpoint) -> Step {
        let line = self.timeline.line(now, kind, Some(&connection.user_id), Details::None);
        Step { outputs: line.into_iter().collect(), end: None }
    }

    fn session_ended(&self, session_id: &SessionId) -> Step {
        let mut legs = std::iter::once(&self.caller).chain(self.callee());
        match legs.find(|leg| leg.endpoint.session_id == *session_id) {
            Some(leg) => Step::ending(CallEndCause::SessionEnded, Some(leg.endpoint.user_id.clone())),
            None => Step::default(),
        }
    }

    fn server_end(&self, cause: ServerCause) -> Step {
        Step::ending(cause.end_cause(self.callee().is_some()), None)
    }

    /// The leg that a move comes from.
    fn leg_mut(&mut self, parties: &Parties, from: &Endpoint) -> Result<&mut Leg, IllegalMove> {
        match parties.side(&from.user_id)? {
            Side::Caller if self.caller.endpoint == *from => Ok(&mut self.caller),
            Side::Caller => Err(IllegalMove::NotTheCallersLeg),
            Side::Callee => match self.callee_mut() {
                Some(leg) if leg.endpoint == *from => Ok(leg),
                Some(_) => Err(IllegalMove::AlreadyAnswered),
                None => Err(IllegalMove::NotAnswered),
            },
        }
    }

    /// The leg that is bound to a connection, if one is.
    fn leg_at(&mut self, connection: &Endpoint) -> Option<&mut Leg> {
        if self.caller.endpoint == *connection {
            return Some(&mut self.caller);
        }
        self.callee_mut().filter(|leg| leg.endpoint == *connection)
    }

    fn callee_mut(&mut self) -> Option<&mut Leg> {
        match &mut self.phase {
            Phase::Reaching | Phase::Ringing { .. } => None,
            Phase::Accepted { callee, .. } | Phase::Connected { callee, .. } => Some(callee),
        }
    }
}

/// How many ringing connections the timeline names.
const RINGING_LINES_MAX: usize = 20;
