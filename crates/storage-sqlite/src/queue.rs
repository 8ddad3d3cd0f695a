//! A bounded queue between callers, who never wait, and threads, which do.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use callbox_storage::{StoreError, StoreResult};

pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    capacity: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// Threads that wait for an item: waking costs a system call, so it is done only for them.
    waiting: usize,
    closed: bool,
}

impl<T> Queue<T> {
    pub fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), waiting: 0, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new(), capacity }
    }

    /// Adds an item, or says at once why that is not possible.
    pub fn push(&self, item: T) -> StoreResult<()> {
        let mut state = self.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        if state.items.len() >= self.capacity {
            return Err(StoreError::Overloaded);
        }
        state.items.push_back(item);
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
            if let Some(item) = state.items.pop_front() {
                return Some(item);
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
    pub fn drain_into(&self, target: &mut VecDeque<T>, limit: usize) {
        let mut state = self.lock();
        let count = limit.min(state.items.len());
        target.extend(state.items.drain(..count));
    }

    /// Takes no more items. Those that are in the queue still come out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_all();
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
        assert_eq!(rest, [2, 4]);
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
