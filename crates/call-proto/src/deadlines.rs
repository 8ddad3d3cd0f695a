//! Which timers run in a live call, and what each of them means.

use std::time::Duration;

use callbox_domain::{CallEndCause, Timestamp};

use crate::leg::{Leg, Media};
use crate::live::{Live, Phase};

impl Live {
    /// Why the call must end at `now`, if it must. When several timers are due, the one that was due first says why.
    pub(crate) fn due(&self, created_at: Timestamp, now: Timestamp) -> Option<CallEndCause> {
        let (at, cause) = self.next_deadline(created_at)?;
        (at <= now).then_some(cause)
    }

    /// The first timer that will be due, and what it means. Of two at the same moment, the more telling one.
    pub(crate) fn next_deadline(&self, created_at: Timestamp) -> Option<(Timestamp, CallEndCause)> {
        self.deadlines(created_at).into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Whether the wait for media is suspended: one leg has it, the other has no socket to say so. A lost socket alone
    /// ends no call; if the media fails too, the leg that is there will report it.
    pub(crate) fn is_connect_waiting(&self) -> bool {
        let Phase::Accepted { callee, .. } = &self.phase else { return false };
        let silent = |leg: &Leg, other: &Leg| leg.gone_since.is_some() && other.media.is_connected();
        silent(&self.caller, callee) || silent(callee, &self.caller)
    }

    /// Gives the legs the whole time for media again, after it was suspended.
    pub(crate) fn restart_connect(&mut self, now: Timestamp) {
        if let Phase::Accepted { connect_by, .. } = &mut self.phase {
            *connect_by = now.plus(self.timers.connect).max(*connect_by);
        }
    }

    fn deadlines(&self, created_at: Timestamp) -> [Option<(Timestamp, CallEndCause)>; 4] {
        let timers = &self.timers;
        let longest =
            |accepted_at: Timestamp| Some((accepted_at.plus(timers.longest), CallEndCause::ServerEnded));
        match &self.phase {
            Phase::Reaching => {
                let reach = (created_at.plus(timers.reach), CallEndCause::Unreachable);
                [Some(reach), self.caller_given_up(), None, None]
            }
            Phase::Ringing { since, .. } => {
                let ring = (since.plus(timers.ring), CallEndCause::NoAnswer);
                [Some(ring), self.caller_given_up(), None, None]
            }
            Phase::Accepted { at, connect_by, callee } => {
                let connect = (*connect_by, CallEndCause::ConnectTimeout);
                let connect = (!self.is_connect_waiting()).then_some(connect);
                let lost = [self.lost(&self.caller, callee), self.lost(callee, &self.caller)];
                [lost[0], lost[1], connect, longest(*at)]
            }
            Phase::Connected { accepted_at, callee, .. } => {
                let lost = [self.lost(&self.caller, callee), self.lost(callee, &self.caller)];
                [lost[0], lost[1], longest(*accepted_at), None]
            }
        }
    }

    /// Before the answer: when a caller without a socket counts as gone.
    fn caller_given_up(&self) -> Option<(Timestamp, CallEndCause)> {
        let gone_since = self.caller.gone_since?;
        Some((gone_since.plus(self.timers.caller_gone), CallEndCause::Canceled))
    }

    /// When `leg`, having no socket, counts as lost: what `other` knows of the media decides. While `other` has media,
    /// only the loss of both sockets counts, and that for much longer.
    fn lost(&self, leg: &Leg, other: &Leg) -> Option<(Timestamp, CallEndCause)> {
        let gone_since = leg.gone_since?;
        let (since, wait): (Timestamp, Duration) = match other.media {
            Media::Unreported => (gone_since, self.timers.leg_gone),
            Media::Interrupted { since } => (gone_since.max(since), self.timers.leg_gone),
            Media::Connected => (gone_since.max(other.gone_since?), self.timers.both_gone),
        };
        Some((since.plus(wait), CallEndCause::ConnectionLost))
    }
}
