//! One socket as the rest of the hub sees it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use callbox_domain::{AppId, ConnectionId, SessionId, UserId};
use callbox_link_proto::{Input, Link};
use callbox_service::Caller;
use tokio::sync::Notify;

/// A socket's state machine, the bell that wakes its task, and, once admitted, whose it is.
pub(crate) struct Connection {
    number: u64,
    link: Mutex<Link>,
    wake: Notify,
    member: OnceLock<Box<Member>>,
    /// Users whose presence this connection watches.
    watched: Mutex<Vec<UserId>>,
}

/// Whose connection it is.
pub(crate) struct Member {
    pub(crate) caller: Caller,
    pub(crate) connection_id: ConnectionId,
}

impl Connection {
    pub(crate) fn new(number: u64, now: Duration) -> Self {
        Self {
            number,
            link: Mutex::new(Link::new(now)),
            wake: Notify::new(),
            member: OnceLock::new(),
            watched: Mutex::default(),
        }
    }

    /// Tells this socket apart from every other of this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Hands an input to the link and wakes the socket's task, where that leaves something to do or to do sooner.
    pub(crate) fn handle(&self, now: Duration, input: Input<'_>) {
        let mut link = self.link();
        let before = link.deadline();
        link.handle(now, input);
        let is_due = link.has_output() || link.deadline() < before;
        drop(link);
        if is_due {
            self.wake.notify_one();
        }
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when something to do was handed in since the last time.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Names the connection's owner; only the first time counts.
    pub(crate) fn admit(&self, caller: Caller, connection_id: ConnectionId) {
        let _ = self.member.set(Box::new(Member { caller, connection_id }));
    }

    pub(crate) fn member(&self) -> Option<&Member> {
        self.member.get().map(AsRef::as_ref)
    }

    pub(crate) fn app(&self) -> Option<AppId> {
        self.member().map(|member| member.caller.app_id())
    }

    pub(crate) fn is_of_session(&self, session: &SessionId) -> bool {
        self.member().is_some_and(|member| member.caller.session_id == *session)
    }

    pub(crate) fn is_named(&self, id: &ConnectionId) -> bool {
        self.member().is_some_and(|member| member.connection_id == *id)
    }

    /// Replaces the users whose presence is watched and returns those before.
    pub(crate) fn swap_watched(&self, watched: Vec<UserId>) -> Vec<UserId> {
        std::mem::replace(&mut *self.watched.lock().unwrap_or_else(PoisonError::into_inner), watched)
    }
}
