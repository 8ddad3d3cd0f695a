//! The bus: at-most-once fan-out of what happened to every part of the server that holds sockets.
//!
//! The bus may lose; the event log may not. Whoever listens heals a gap in logged events from the log.
//!
//! This crate must never import a runtime, a store or a socket.

mod local;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use local::LocalBus;

use std::sync::Arc;

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

/// What a listener does with a notice. It must not block, publish or subscribe.
pub type Listener = Box<dyn Fn(&Notice) + Send + Sync>;

/// Fan-out of notices to every listener. `testing` holds each bus to what follows.
///
/// - **At most once.** A listener hears a notice once or never, and never one that was not published. How often "never"
///   happens is the bus's own business: whoever listens must be right without it, only later.
/// - **From now on.** A listener hears what is published after [`Bus::subscribe`] has returned, and nothing that was
///   published before it was called.
/// - **In the order of each publisher.** What one thread publishes reaches each listener in that order. Between threads,
///   and between listeners, there is no order.
/// - **From any thread,** many at once. A listener must expect to be called by several at the same time.
/// - **Each for itself.** A listener that panics takes neither the publisher with it nor other listeners, and hears the
///   next notice.
/// - **Quickly.** Publishing waits for listeners of this process at most, which do not block, and never for a network.
pub trait Bus: Send + Sync {
    /// Tells all listeners.
    fn publish(&self, notice: Notice);

    /// Adds a listener for what is published from now on.
    fn subscribe(&self, listener: Listener);
}
