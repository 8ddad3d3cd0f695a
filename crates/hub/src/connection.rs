//! One socket as the rest of the hub sees it.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use callbox_domain::{AppId, ConnectionId, SessionId, UserId};
use callbox_link_proto::{Input, Link};
use callbox_service::Caller;
use futures_util::task::AtomicWaker;

/// A socket's state machine, how to wake its task, and, once admitted, whose it is.
pub(crate) struct Connection {
    number: u64,
    link: Mutex<Link>,
    task: AtomicWaker,
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
            task: AtomicWaker::new(),
            member: OnceLock::new(),
            watched: Mutex::default(),
        }
    }

    /// Tells this socket apart from every other of this process.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Hands in what happened on the socket's own task, which looks at the link before it rests.
    pub(crate) fn handle(&self, now: Duration, input: Input<'_>) {
        self.link().handle(now, input);
    }

    /// Hands in what happened elsewhere, and wakes the socket's task where that leaves something to do, or to do sooner.
    pub(crate) fn tell(&self, now: Duration, input: Input<'_>) {
        let mut link = self.link();
        let before = link.deadline();
        link.handle(now, input);
        let is_due = link.has_output() || link.deadline() < before;
        drop(link);
        if is_due {
            self.task.wake();
        }
    }

    pub(crate) fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when the link is as `wanted`. For the socket's task alone: only the last who waits is woken.
    pub(crate) async fn until(&self, wanted: impl Fn(&Link) -> bool) {
        poll_fn(|context| {
            // The waker first, the look second: who tells something in between is heard.
            self.task.register(context.waker());
            if wanted(&self.link()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
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
