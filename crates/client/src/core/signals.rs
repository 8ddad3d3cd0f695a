//! Which signals of which calls were told already.

use std::collections::{BTreeMap, BTreeSet};

use callbox_domain::CallId;

/// The numbers of the signals that the app has: a server tells some of them again after each reconnect.
#[derive(Debug, Default)]
pub(super) struct Signals(BTreeMap<CallId, BTreeSet<u32>>);

impl Signals {
    /// Whether this one is new.
    pub(super) fn take(&mut self, call: &CallId, signal: u32) -> bool {
        if let Some(seen) = self.0.get_mut(call) {
            return seen.insert(signal);
        }
        self.0.entry(call.clone()).or_default().insert(signal)
    }

    /// A call is over.
    pub(super) fn forget(&mut self, call: &CallId) {
        self.0.remove(call);
    }

    /// All calls but these are over.
    pub(super) fn keep(&mut self, live: &[CallId]) {
        self.0.retain(|call, _| live.contains(call));
    }
}
