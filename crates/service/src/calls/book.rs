//! Which calls live at this moment, when each wants to be looked at, and which connections have a socket: found without
//! asking the store.
//!
//! A hint only. The store's rows are the truth; a call that is in the book and over in the store is looked at once and
//! dropped.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use callbox_call_proto::{Call, Endpoint};
use callbox_domain::{AppId, CallId, Timestamp, UserId};

/// The live calls of this server. Clones are one book.
#[derive(Clone, Default)]
pub(crate) struct LiveCalls(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    by_user: HashMap<(AppId, UserId), BTreeSet<CallId>>,
    /// When each live call wants to be looked at; `queue` holds the same by time.
    deadlines: HashMap<(AppId, CallId), Timestamp>,
    queue: BTreeSet<(Timestamp, AppId, CallId)>,
    sockets: HashSet<(AppId, Endpoint)>,
    is_complete: bool,
}

impl LiveCalls {
    /// Notes how a call stands now.
    pub(super) fn note(&self, app: AppId, call: &Call) {
        let mut book = self.book();
        let users = [call.caller_id(), call.callee_id()];
        if let Some(deadline) = call.deadline() {
            for user in users {
                book.by_user.entry((app, user.clone())).or_default().insert(call.id().clone());
            }
            book.look_at(app, call.id(), deadline);
        } else {
            for user in users {
                book.forget(app, user, call.id());
            }
            if let Some(at) = book.deadlines.remove(&(app, call.id().clone())) {
                book.queue.remove(&(at, app, call.id().clone()));
            }
        }
    }

    /// Has a call looked at no later than `at`.
    pub(super) fn look_at(&self, app: AppId, call: &CallId, at: Timestamp) {
        self.book().look_at(app, call, at);
    }

    /// The live calls of a user.
    pub(super) fn of_user(&self, app: AppId, user: &UserId) -> Vec<CallId> {
        let book = self.book();
        book.by_user
            .get(&(app, user.clone()))
            .map(|calls| calls.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// Takes out every call whose deadline has come; some may want to be looked at later after all.
    pub(super) fn take_due(&self, now: Timestamp) -> Vec<(AppId, CallId)> {
        let mut book = self.book();
        let mut due = Vec::new();
        while book.queue.first().is_some_and(|(at, _, _)| *at <= now) {
            if let Some((_, app, call)) = book.queue.pop_first() {
                book.deadlines.remove(&(app, call.clone()));
                due.push((app, call));
            }
        }
        due
    }

    /// Notes whether a connection has a socket.
    pub(super) fn set_socket(&self, app: AppId, connection: &Endpoint, is_open: bool) {
        let mut book = self.book();
        if is_open {
            book.sockets.insert((app, connection.clone()));
        } else {
            book.sockets.remove(&(app, connection.clone()));
        }
    }

    /// Whether a connection has a socket.
    pub(super) fn has_socket(&self, app: AppId, connection: &Endpoint) -> bool {
        self.book().sockets.contains(&(app, connection.clone()))
    }

    /// Every call that was live when the server started is in the book now.
    pub(super) fn set_complete(&self) {
        self.book().is_complete = true;
    }

    /// Whether a call that is not in the book is over.
    pub(super) fn is_complete(&self) -> bool {
        self.book().is_complete
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// The earlier of two wishes counts: moves may be noted in another order than they were made, and a look too early
    /// only costs a write.
    fn look_at(&mut self, app: AppId, call: &CallId, at: Timestamp) {
        let key = (app, call.clone());
        match self.deadlines.get(&key) {
            Some(before) if *before <= at => return,
            Some(before) => {
                self.queue.remove(&(*before, app, call.clone()));
            }
            None => {}
        }
        self.deadlines.insert(key, at);
        self.queue.insert((at, app, call.clone()));
    }

    fn forget(&mut self, app: AppId, user: &UserId, call: &CallId) {
        let key = (app, user.clone());
        if let Some(calls) = self.by_user.get_mut(&key) {
            calls.remove(call);
            if calls.is_empty() {
                self.by_user.remove(&key);
            }
        }
    }
}
