//! Whose credentials are good no more before they expire.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Timestamp;

use crate::credential::{CREDENTIAL_LIFE, Credential};
use crate::{Now, Revoked};

/// What is known of credentials beside their signature.
///
/// Nothing of it is on a disk. Who lost the right to relay before the server started is not known, so all credentials of
/// that time are refused; and when more would be remembered than there is room for, all is forgotten and the same is done.
pub(crate) struct Revocations {
    mark: Mark,
    sessions: HashMap<Arc<str>, Duration>,
    calls: HashMap<Arc<str>, Duration>,
    /// What is forgotten when, the earliest first.
    forget: VecDeque<(Duration, Kind, Arc<str>)>,
}

/// Credentials made before it are refused.
struct Mark {
    second: i64,
    /// Whether those made in that very second are refused, too.
    inclusive: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Session,
    Call,
}

impl Revocations {
    /// Nothing is known of what was before `now`.
    pub fn new(now: Now) -> Self {
        Self {
            mark: Mark { second: seconds(now.wall), inclusive: false },
            sessions: HashMap::new(),
            calls: HashMap::new(),
            forget: VecDeque::new(),
        }
    }

    /// Remembers that a session or a call lost the right to relay.
    pub fn revoke(&mut self, now: Now, whom: Revoked<'_>) {
        self.forget(now);
        let (kind, name) = match whom {
            // No call in particular: nothing that could end.
            Revoked::Call("") => return,
            Revoked::Call(name) => (Kind::Call, name),
            Revoked::Session(name) => (Kind::Session, name),
        };
        // One end is told more than once, and takes one place.
        if self.of(kind).get(name).is_some_and(|until| *until >= now.elapsed + CREDENTIAL_LIFE) {
            return;
        }
        if self.forget.len() >= REVOKED_MAX {
            self.forget.clear();
            self.sessions.clear();
            self.calls.clear();
            // It may have been made in the same second, before this.
            self.mark = Mark { second: seconds(now.wall), inclusive: true };
            return;
        }
        let until = now.elapsed + REMEMBERED;
        let name: Arc<str> = name.into();
        self.of(kind).insert(name.clone(), until);
        self.forget.push_back((until, kind, name));
    }

    /// Whether a credential opens no allocations any more, or not here.
    pub fn refuse(&mut self, now: Now, credential: &Credential) -> bool {
        self.forget(now);
        // A clock that was set back must not lock everyone out until it is where it was.
        self.mark.second = self.mark.second.min(seconds(now.wall));
        let made = seconds(credential.made_at());
        made < self.mark.second
            || (self.mark.inclusive && made == self.mark.second)
            || self.sessions.contains_key(credential.session())
            || self.calls.contains_key(credential.call())
    }

    fn forget(&mut self, now: Now) {
        while self.forget.front().is_some_and(|(until, ..)| *until <= now.elapsed) {
            let Some((until, kind, name)) = self.forget.pop_front() else { return };
            // Whoever was revoked again is remembered for longer.
            if self.of(kind).get(&name) == Some(&until) {
                self.of(kind).remove(&name);
            }
        }
    }

    fn of(&mut self, kind: Kind) -> &mut HashMap<Arc<str>, Duration> {
        match kind {
            Kind::Session => &mut self.sessions,
            Kind::Call => &mut self.calls,
        }
    }
}

fn seconds(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(1_000)
}

/// By then every credential made before has expired, even if the clock was set back meanwhile by as much as it lives.
const REMEMBERED: Duration = Duration::from_secs(2 * CREDENTIAL_LIFE.as_secs());

/// So many sessions and calls are remembered.
const REVOKED_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: i64 = 1_795_255_323_500;

    /// So many milliseconds after the start.
    fn at(millis: i64) -> Now {
        let elapsed = Duration::from_millis(u64::try_from(millis).expect("after the start"));
        Now { elapsed, wall: Timestamp::from_millis(WALL + millis) }
    }

    fn credential(now: Now, session: &str, call: &str) -> Credential {
        Credential::new(now.wall, session, call)
    }

    #[test]
    fn what_was_made_before_the_start_is_refused() {
        let mut revocations = Revocations::new(at(0));
        let before = Credential::new(Timestamp::from_millis(WALL - 1_000), "ses", "");
        assert!(revocations.refuse(at(0), &before));
        assert!(!revocations.refuse(at(0), &credential(at(0), "ses", "")), "of the same second");
    }

    #[test]
    fn the_mark_follows_a_clock_that_is_set_back() {
        let mut revocations = Revocations::new(at(0));
        let back = Now { elapsed: Duration::from_secs(1), wall: Timestamp::from_millis(WALL - 3_600_000) };
        assert!(!revocations.refuse(back, &credential(back, "ses", "")));
        let earlier = Credential::new(Timestamp::from_millis(WALL - 3_601_000), "ses", "");
        assert!(revocations.refuse(back, &earlier));
    }

    #[test]
    fn who_was_revoked_is_refused_for_twice_the_life_of_a_credential() {
        let mut revocations = Revocations::new(at(0));
        revocations.revoke(at(0), Revoked::Session("ses_a"));
        revocations.revoke(at(0), Revoked::Call("1.call"));
        assert!(revocations.refuse(at(1), &credential(at(0), "ses_a", "")));
        assert!(revocations.refuse(at(1), &credential(at(0), "ses_b", "1.call")));
        assert!(!revocations.refuse(at(1), &credential(at(0), "ses_b", "2.call")));
        assert!(!revocations.refuse(at(1), &credential(at(0), "1.call", "ses_a")), "names of another kind");
        assert!(revocations.refuse(at(1_199_999), &credential(at(0), "ses_a", "")));
        assert!(!revocations.refuse(at(1_200_000), &credential(at(0), "ses_a", "")));
        assert!(
            revocations.forget.is_empty() && revocations.sessions.is_empty() && revocations.calls.is_empty()
        );
    }

    #[test]
    fn no_call_in_particular_cannot_end() {
        let mut revocations = Revocations::new(at(0));
        revocations.revoke(at(0), Revoked::Call(""));
        assert!(!revocations.refuse(at(1), &credential(at(0), "ses_a", "")));
    }

    #[test]
    fn who_is_revoked_again_is_remembered_from_then_on() {
        let mut revocations = Revocations::new(at(0));
        revocations.revoke(at(0), Revoked::Session("ses_a"));
        revocations.revoke(at(600_001), Revoked::Session("ses_a"));
        assert!(revocations.refuse(at(1_200_001), &credential(at(0), "ses_a", "")));
        assert!(!revocations.refuse(at(1_800_001), &credential(at(0), "ses_a", "")));
    }

    #[test]
    fn one_end_that_is_told_again_takes_one_place() {
        let mut revocations = Revocations::new(at(0));
        for again in 0..3 {
            revocations.revoke(at(again), Revoked::Session("name"));
            revocations.revoke(at(again), Revoked::Call("name"));
        }
        assert_eq!(revocations.forget.len(), 2);
        assert!(revocations.refuse(at(1_199_999), &credential(at(0), "name", "")));
    }

    #[test]
    fn beyond_the_limit_everyone_needs_a_fresh_credential_and_nobody_slips_through() {
        let mut revocations = Revocations::new(at(0));
        for number in 0..REVOKED_MAX {
            revocations.revoke(at(10), Revoked::Session(&format!("ses_{number}")));
        }
        assert!(revocations.refuse(at(10), &credential(at(10), "ses_7", "")));
        assert!(!revocations.refuse(at(10), &credential(at(10), "ses_x", "")));
        revocations.revoke(at(20), Revoked::Session("ses_x"));
        assert!(revocations.forget.is_empty() && revocations.sessions.is_empty());
        for session in ["ses_7", "ses_x", "ses_y"] {
            assert!(revocations.refuse(at(20), &credential(at(20), session, "")), "{session}");
            assert!(!revocations.refuse(at(2_000), &credential(at(1_500), session, "")), "{session}");
        }
    }
}
