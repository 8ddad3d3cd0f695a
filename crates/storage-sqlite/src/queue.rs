//! A bounded queue between callers, who never wait, and threads, which do.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callbox_storage::{StoreError, StoreResult};

use crate::stopwatch::now;

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    closed: Condvar,
    capacity: usize,
}

/// An item and since when it waits.
pub(crate) struct Queued<T> {
    pub item: T,
    since: Instant,
}

struct State<T> {
    /// The one that has waited longest comes first.
    items: VecDeque<Queued<T>>,
    /// Threads that wait for an item: waking costs a system call, so it is done only for them.
    waiting: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), waiting: 0, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), closed: Condvar::new(), capacity }
    }

    /// Adds an item, or says at once why that is not possible.
    pub fn push(&self, item: T) -> StoreResult<()> {
        let since = now();
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.items.len() >= self.capacity {
            return Err(StoreError::Overloaded);
        }
        state.items.push_back(Queued { item, since });
        let wake = state.waiting > 0;
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Waits for an item; `None` once the queue is closed and empty.
    pub fn wait(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(queued) = state.items.pop_front() {
                return Some(queued.item);
            }
            if state.closed {
                return None;
            }
            state.waiting += 1;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
    }

    /// Moves up to `limit` items to the end of `target`, without waiting.
    pub fn drain_into(&self, target: &mut VecDeque<Queued<T>>, limit: usize) {
        let mut state = self.lock();
        let count = limit.min(state.items.len());
        target.extend(state.items.drain(..count));
    }

    /// Puts items back to the front that were drained and not begun.
    pub fn give_back(&self, items: &mut VecDeque<Queued<T>>) {
        if items.is_empty() {
            return;
        }
        let mut state = self.lock();
        while let Some(last) = items.pop_back() {
            state.items.push_front(last);
        }
    }

    /// Takes out what has waited for `time` or longer, where it `may_go`.
    pub fn take_late(&self, time: Duration, may_go: impl Fn(&T) -> bool) -> Vec<T> {
        let now = now();
        let mut state = self.lock();
        let late = state.items.partition_point(|queued| now.duration_since(queued.since) >= time);
        let (gone, kept): (Vec<_>, Vec<_>) =
            state.items.drain(..late).partition(|queued| may_go(&queued.item));
        for queued in kept.into_iter().rev() {
            state.items.push_front(queued);
        }
        drop(state);
        gone.into_iter().map(|queued| queued.item).collect()
    }

    /// Waits for so long, or until the queue is closed; whether it is still open.
    pub fn pause(&self, time: Duration) -> bool {
        let state = self.lock();
        let waited = self.closed.wait_timeout_while(state, time, |state| !state.closed);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// Takes no more items. Those that are in the queue still come out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
        self.closed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing can panic while the lock is held, except for lack of memory.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_so_and_loses_nothing() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        assert_eq!(queue.push(2), Ok(()));
        assert_eq!(queue.push(3), Err(StoreError::Overloaded));
        assert_eq!(queue.wait(), Some(1));
        assert_eq!(queue.push(4), Ok(()));
        let mut rest = VecDeque::new();
        queue.drain_into(&mut rest, 10);
        assert_eq!(rest.iter().map(|queued| queued.item).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn what_is_given_back_keeps_its_place() {
        let queue = Queue::new(4);
        for item in 1..=3 {
            assert_eq!(queue.push(item), Ok(()));
        }
        let mut taken = VecDeque::new();
        queue.drain_into(&mut taken, 2);
        assert_eq!(queue.push(4), Ok(()));
        queue.give_back(&mut taken);
        assert!(taken.is_empty());
        queue.close();
        assert_eq!(std::iter::from_fn(|| queue.wait()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    #[test]
    fn what_is_late_goes_unless_it_must_stay() {
        let queue = Queue::new(4);
        for item in 1..=4 {
            assert_eq!(queue.push(item), Ok(()));
        }
        assert_eq!(queue.take_late(Duration::from_hours(1), |_| true), [0; 0]);
        assert_eq!(queue.take_late(Duration::ZERO, |item| item % 2 == 0), [2, 4]);
        queue.close();
        assert!(!queue.pause(Duration::from_hours(1)));
        assert_eq!(std::iter::from_fn(|| queue.wait()).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_closed_queue_hands_out_what_it_has() {
        let queue = Queue::new(2);
        assert_eq!(queue.push(1), Ok(()));
        queue.close();
        assert_eq!(queue.push(2), Err(StoreError::Closed));
        assert_eq!(queue.wait(), Some(1));
        assert_eq!(queue.wait(), None);
    }
}
