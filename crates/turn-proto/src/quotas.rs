//! Who holds which allocations, and how many they may be.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::allocation::Slot;
use crate::credential::Credential;
use crate::{Limits, Revoked};

/// The allocations of each session and each call.
pub(crate) struct Quotas {
    per_session: usize,
    per_call: usize,
    sessions: HashMap<Box<str>, Vec<Slot>>,
    calls: HashMap<Box<str>, Vec<Slot>>,
}

impl Quotas {
    pub fn new(limits: &Limits) -> Self {
        let number = |limit: std::num::NonZeroU32| usize::try_from(limit.get()).unwrap_or(usize::MAX);
        Self {
            per_session: number(limits.allocations_per_session),
            per_call: number(limits.allocations_per_call),
            sessions: HashMap::new(),
            calls: HashMap::new(),
        }
    }

    /// Whether one more is within the quotas of the session and of the call.
    pub fn allow(&self, credential: &Credential) -> bool {
        let held = |holders: &HashMap<Box<str>, Vec<Slot>>, name: &str| holders.get(name).map_or(0, Vec::len);
        held(&self.sessions, credential.session()) < self.per_session
            && held(&self.calls, &call_of(credential)) < self.per_call
    }

    /// Counts one more.
    pub fn add(&mut self, credential: &Credential, slot: Slot) {
        add(&mut self.sessions, credential.session(), slot);
        add(&mut self.calls, &call_of(credential), slot);
    }

    /// Counts one less.
    pub fn remove(&mut self, credential: &Credential, slot: Slot) {
        remove(&mut self.sessions, credential.session(), slot);
        remove(&mut self.calls, &call_of(credential), slot);
    }

    /// Those of a session or of a call.
    pub fn held_by(&self, whom: Revoked<'_>) -> Vec<Slot> {
        match whom {
            Revoked::Session(session) => self.sessions.get(session),
            Revoked::Call(call) => self.calls.get(call),
        }
        .cloned()
        .unwrap_or_default()
    }

    /// How many names are remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.sessions.len() + self.calls.len()
    }
}

/// What is for no call in particular counts as one call of its session; no call's name begins with a colon.
fn call_of(credential: &Credential) -> Cow<'_, str> {
    match credential.call() {
        "" => Cow::Owned(format!(":{}", credential.session())),
        call => Cow::Borrowed(call),
    }
}

fn add(holders: &mut HashMap<Box<str>, Vec<Slot>>, name: &str, slot: Slot) {
    match holders.get_mut(name) {
        Some(slots) => slots.push(slot),
        None => drop(holders.insert(name.into(), vec![slot])),
    }
}

fn remove(holders: &mut HashMap<Box<str>, Vec<Slot>>, name: &str, slot: Slot) {
    let Some(slots) = holders.get_mut(name) else { return };
    slots.retain(|held| *held != slot);
    if slots.is_empty() {
        holders.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;

    fn quotas(per_call: u32, per_session: u32) -> Quotas {
        let number = |count| NonZeroU32::new(count).expect("not zero");
        Quotas::new(&Limits {
            allocations_per_call: number(per_call),
            allocations_per_session: number(per_session),
            bytes_per_second: number(1),
            open_answers_per_second: number(1),
            lifetime_max: Duration::from_hours(1),
        })
    }

    fn credential(session: &str, call: &str) -> Credential {
        Credential::parse(&format!("1:{session}:{call}")).expect("a name")
    }

    #[test]
    fn both_sides_of_a_call_share_its_quota() {
        let mut quotas = quotas(3, 100);
        quotas.add(&credential("ses_a", "1.call"), Slot(0));
        quotas.add(&credential("ses_a", "1.call"), Slot(1));
        quotas.add(&credential("ses_b", "1.call"), Slot(2));
        assert!(!quotas.allow(&credential("ses_a", "1.call")));
        assert!(!quotas.allow(&credential("ses_b", "1.call")));
        assert!(quotas.allow(&credential("ses_a", "2.call")));
        quotas.remove(&credential("ses_b", "1.call"), Slot(2));
        assert!(quotas.allow(&credential("ses_a", "1.call")));
    }

    #[test]
    fn a_session_has_a_quota_over_its_calls_and_no_call_is_a_call_of_its_own() {
        let mut quotas = quotas(2, 3);
        quotas.add(&credential("ses_a", ""), Slot(0));
        quotas.add(&credential("ses_a", ""), Slot(1));
        assert!(!quotas.allow(&credential("ses_a", "")), "no call in particular");
        assert!(quotas.allow(&credential("ses_b", "")), "another session's");
        quotas.add(&credential("ses_a", "1.call"), Slot(2));
        assert!(!quotas.allow(&credential("ses_a", "2.call")));
    }

    #[test]
    fn holders_are_found_and_nothing_stays_of_the_last_one() {
        let mut quotas = quotas(9, 9);
        quotas.add(&credential("ses_a", "1.call"), Slot(4));
        quotas.add(&credential("ses_b", "1.call"), Slot(5));
        assert_eq!(quotas.held_by(Revoked::Session("ses_a")), [Slot(4)]);
        assert_eq!(quotas.held_by(Revoked::Call("1.call")), [Slot(4), Slot(5)]);
        assert_eq!(quotas.held_by(Revoked::Call("2.call")), []);
        quotas.remove(&credential("ses_a", "1.call"), Slot(4));
        quotas.remove(&credential("ses_b", "1.call"), Slot(5));
        assert_eq!(quotas.len(), 0);
    }
}
