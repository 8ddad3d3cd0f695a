//! What must hold for every call, whatever happens to it.

use callbox_call_proto::{Call, CallState, EventKind, IllegalMove, Input, Output};
use callbox_domain::call::CallEnd;
use callbox_domain::{CallEndCause, CallEventRecord, Timestamp, UserId};

use crate::support::*;

/// A call under watch, and a twin that is written to a row and read back before each input.
pub struct Checker {
    pub call: Call,
    twin: Call,
    latest: Timestamp,
    acceptor: Option<callbox_call_proto::Endpoint>,
    signals: u32,
    timeline: Vec<CallEventRecord>,
    ended: Option<CallEnd>,
}

impl Checker {
    pub fn new(now: Timestamp) -> Self {
        let (call, outputs) =
            Call::start(now, start_call(callbox_call_proto::Timers::default())).expect("allowed");
        Self {
            twin: call.clone(),
            call,
            latest: now,
            acceptor: None,
            signals: 0,
            timeline: lines(&outputs),
            ended: None,
        }
    }

    /// Handles an input and checks all that can be checked.
    pub fn handle(&mut self, now: Timestamp, input: Input) -> Result<Vec<Output>, IllegalMove> {
        let before = self.call.clone();
        let stranger = input.user_id().is_some_and(|it| it != before.caller_id() && it != before.callee_id());
        let result = self.call.handle(now, input.clone());

        self.twin = Call::from_record(&self.twin.to_record(APP)).expect("readable");
        assert_eq!(self.twin.handle(now, input), result, "the same future after a row");
        assert_eq!(self.twin, self.call);

        match &result {
            Ok(outputs) => {
                assert!(!stranger);
                self.latest = self.latest.max(now);
                self.check_outputs(outputs);
                self.check_progress(&before);
            }
            Err(error) => {
                assert_eq!(stranger, *error == IllegalMove::NotInCall);
                assert_eq!(self.call, before, "a refusal changes nothing");
            }
        }
        assert_eq!(self.call.end(), self.ended.as_ref());
        assert_eq!(self.call.view().is_none(), self.ended.is_some());
        result
    }

    /// The whole timeline is in order.
    pub fn check_timeline(&self) {
        let mut seen: Vec<EventKind> = Vec::new();
        for line in &self.timeline {
            let kind = EventKind::parse(&line.kind).expect("a known kind");
            let accepted = seen.contains(&EventKind::Accepted);
            let by_callee = line.user_id == Some(user("bob"));
            let in_place = match kind {
                EventKind::Started => seen.is_empty(),
                EventKind::Ringing | EventKind::Accepted => !accepted && by_callee,
                EventKind::Described
                | EventKind::Muted
                | EventKind::ConnectionLost
                | EventKind::ConnectionBack => accepted || !by_callee,
                EventKind::MediaConnected | EventKind::Interrupted => accepted,
                EventKind::Connected => seen.last() == Some(&EventKind::MediaConnected) && accepted,
                EventKind::Ended => true,
            };
            assert!(in_place, "{kind:?} after {seen:?}");
            seen.push(kind);
        }
        let count = |kind| seen.iter().filter(|it| **it == kind).count();
        assert_eq!(count(EventKind::Started), 1);
        assert!(count(EventKind::Connected) <= 1);
        assert_eq!(count(EventKind::Ended), usize::from(self.ended.is_some()));
        assert_eq!(seen.last() == Some(&EventKind::Ended), self.ended.is_some());
        assert!(self.timeline.is_sorted_by_key(|line| line.at));
    }

    fn check_outputs(&mut self, outputs: &[Output]) {
        assert!(self.ended.is_none() || outputs.is_empty(), "nothing follows the end");
        for (place, output) in outputs.iter().enumerate() {
            match output {
                Output::Record(line) => {
                    assert!(line.details.is_empty() || line.details.starts_with('{'));
                    self.timeline.push(line.clone());
                }
                Output::Accepted { by } => {
                    assert_eq!(self.acceptor.replace(by.clone()), None, "one acceptor");
                }
                Output::Signal(signal) => {
                    self.signals += 1;
                    assert_eq!(signal.number, self.signals);
                    let other = if signal.from == user("ann") { self.acceptor.clone() } else { Some(ann()) };
                    assert_eq!(signal.to, other);
                }
                Output::Ended(end) => {
                    assert_eq!(place, outputs.len() - 1);
                    assert_eq!(end.at, self.latest);
                    self.check_end(end);
                    assert!(self.ended.replace(end.clone()).is_none());
                }
                Output::Ringing | Output::Connected { .. } | Output::Muted { .. } => {}
            }
        }
    }

    fn check_end(&self, end: &CallEnd) {
        use CallEndCause as Cause;
        let had = |kind: EventKind| self.timeline.iter().any(|line| line.kind == kind.as_str());
        let accepted = had(EventKind::Accepted);
        assert_eq!(self.call.accepted_at().is_some(), accepted);
        let by = end.by.as_ref().map(UserId::as_str);
        let consistent = match end.cause {
            Cause::Completed => accepted && by.is_some(),
            Cause::Canceled => !accepted && by != Some("bob"),
            Cause::Declined | Cause::Busy => !accepted && by == Some("bob"),
            Cause::NoAnswer => !accepted && had(EventKind::Ringing) && by.is_none(),
            Cause::Unreachable | Cause::Blocked | Cause::NotAllowed => !accepted && by.is_none(),
            Cause::ConnectTimeout => accepted && !had(EventKind::Connected) && by.is_none(),
            Cause::ConnectionLost => accepted && had(EventKind::ConnectionLost) && by.is_none(),
            Cause::Failed => by.is_some(),
            Cause::SessionEnded => by == Some("ann") || (accepted && by == Some("bob")),
            Cause::ServerEnded => by.is_none(),
        };
        assert!(consistent, "{end:?}, accepted: {accepted}");
    }

    fn check_progress(&self, before: &Call) {
        let Some(view) = self.call.view() else {
            assert_eq!(self.call.deadline(), None);
            return;
        };
        let deadline = self.call.deadline().expect("a live call has one");
        assert!(deadline > self.latest, "{deadline} is not after {}", self.latest);
        assert_eq!(view.accepted_by, self.acceptor);
        let answered = view.state >= CallState::Accepted;
        assert_eq!((view.accepted_at.is_some(), view.accepted_by.is_some()), (answered, answered));
        assert_eq!(view.connected_at.is_some(), view.state == CallState::Connected);
        let before = before.view().expect("it lived");
        assert!(before.state <= view.state);
        assert!(before.accepted_at.is_none() || before.accepted_at == view.accepted_at);
        assert!(before.connected_at.is_none() || before.connected_at == view.connected_at);
    }
}
