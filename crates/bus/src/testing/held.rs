//! A bus on which the test decides what arrives when.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Bus, Listener, LocalBus, Notice};

/// One node's end of a bus that several nodes share. What a node publishes waits in a queue of its own until the test
/// delivers or loses it: queues move independently, so notices of different nodes overtake each other at will.
pub struct HeldBus {
    shared: Arc<Shared>,
    node: usize,
}

struct Shared {
    listeners: LocalBus,
    waiting: Vec<Mutex<VecDeque<Notice>>>,
}

impl HeldBus {
    /// A bus and its ends, one for each of so many nodes.
    pub fn nodes(count: usize) -> Vec<Self> {
        let waiting = (0..count).map(|_| Mutex::default()).collect();
        let shared = Arc::new(Shared { listeners: LocalBus::default(), waiting });
        (0..count).map(|node| Self { shared: Arc::clone(&shared), node }).collect()
    }

    /// How many of this node's notices wait.
    pub fn waiting(&self) -> usize {
        self.queue().len()
    }

    /// Delivers this node's oldest notice to every listener; `false` when none waits.
    pub fn deliver_next(&self) -> bool {
        let Some(notice) = self.take_next() else { return false };
        self.shared.listeners.publish(notice);
        true
    }

    /// Loses this node's oldest notice; `false` when none waits.
    pub fn lose_next(&self) -> bool {
        self.take_next().is_some()
    }

    fn take_next(&self) -> Option<Notice> {
        self.queue().pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Notice>> {
        self.shared.waiting[self.node].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bus for HeldBus {
    fn publish(&self, notice: Notice) {
        self.queue().push_back(notice);
    }

    /// The listener hears what is delivered from now on, wherever it was published; also what waits already.
    fn subscribe(&self, listener: Listener) {
        self.shared.listeners.subscribe(listener);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conformance::numbered;

    #[test]
    fn nodes_overtake_each_other_and_each_keeps_its_order() {
        let nodes = HeldBus::nodes(2);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        nodes[0].subscribe(Box::new(move |notice| {
            if let Notice::SessionRenewed { expires_at, .. } = notice {
                ear.lock().expect("not poisoned").push(expires_at.as_millis());
            }
        }));
        for number in [1, 2, 3] {
            nodes[0].publish(numbered("one", number));
            nodes[1].publish(numbered("other", 10 * number));
        }
        assert!(heard.lock().expect("not poisoned").is_empty(), "nothing arrives by itself");
        assert!(nodes[1].deliver_next());
        assert!(nodes[0].lose_next());
        assert!(nodes[1].deliver_next());
        assert_eq!((nodes[0].waiting(), nodes[1].waiting()), (2, 1));
        while nodes[0].deliver_next() {}
        assert!(!nodes[0].lose_next());
        assert_eq!(*heard.lock().expect("not poisoned"), [10, 20, 2, 3]);
    }
}
