//! The bus: at-most-once fan-out of what happened to every part of the server that holds sockets.
//!
//! The bus may lose; the event log may not. Whoever listens heals a gap in logged events from the log.
//!
//! This crate must never import a runtime, a store or a socket.

use std::sync::{Arc, RwLock};

use callbox_domain::{AppId, ConnectionId, LoggedEvent, SessionId, Timestamp, UserId};
use callbox_wire::people::{DirectoryEntry, Presence};
use callbox_wire::{CloseCode, ServerFrame};

/// Something that sockets must learn.
#[derive(Debug, Clone)]
pub enum Notice {
    /// Events were logged, in commit order.
    Logged(Vec<LoggedEvent>),
    /// A frame for some connections of one user; told once.
    Frame {
        /// The user's app.
        app_id: AppId,
        /// Whose connections.
        user_id: UserId,
        /// Which of them.
        reach: Reach,
        /// What.
        frame: Arc<ServerFrame>,
    },
    /// A user came or went.
    PresenceChanged {
        /// The user's app.
        app_id: AppId,
        /// The user as of now.
        presence: Presence,
    },
    /// A user was added to an app whose directory is open to everyone.
    UserAdded {
        /// The app.
        app_id: AppId,
        /// The new user.
        entry: DirectoryEntry,
    },
    /// A session was renewed: its connections stay longer.
    SessionRenewed {
        /// The session's app.
        app_id: AppId,
        /// The session's user.
        user_id: UserId,
        /// Which session.
        session_id: SessionId,
        /// When it ends by itself now.
        expires_at: Timestamp,
    },
    /// A session is over: its connections must go.
    SessionEnded {
        /// The session's app.
        app_id: AppId,
        /// The session's user.
        user_id: UserId,
        /// Which session.
        session_id: SessionId,
        /// What its sockets are told.
        code: CloseCode,
    },
}

/// Which connections of a user a frame is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    Everywhere,
    /// Only this one. Connections are named by clients, so the name counts together with the session.
    Connection {
        /// Of which session.
        session_id: SessionId,
        /// Which connection.
        connection_id: ConnectionId,
    },
}

/// What a listener does with a notice. It runs where the notice was published and must not block.
pub type Listener = Box<dyn Fn(&Notice) + Send + Sync>;

/// Fan-out to every listener, at most once, in the order of each publisher.
pub trait Bus: Send + Sync {
    /// Tells all listeners.
    fn publish(&self, notice: Notice);

    /// Adds a listener for what is published from now on.
    fn subscribe(&self, listener: Listener);
}

/// The bus of a server that is alone: calls its listeners at once.
#[derive(Default)]
pub struct LocalBus {
    listeners: RwLock<Vec<Listener>>,
}

impl Bus for LocalBus {
    fn publish(&self, notice: Notice) {
        let listeners = self.listeners.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        for listener in listeners.iter() {
            listener(&notice);
        }
    }

    fn subscribe(&self, listener: Listener) {
        self.listeners.write().unwrap_or_else(std::sync::PoisonError::into_inner).push(listener);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_listener_hears_every_notice_published_after_it_came() {
        let bus = LocalBus::default();
        let heard = Arc::new(AtomicUsize::new(0));
        bus.publish(Notice::Logged(vec![]));
        for _ in 0..2 {
            let heard = Arc::clone(&heard);
            bus.subscribe(Box::new(move |_| {
                heard.fetch_add(1, Ordering::Relaxed);
            }));
        }
        bus.publish(Notice::Logged(vec![]));
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }
}
