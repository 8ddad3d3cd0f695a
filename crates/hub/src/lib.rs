//! This node's sockets: who is connected, what reaches whom, and how much may wait.
//!
//! Each socket is one task that drives one `Link` of link-proto; what happens elsewhere comes in over the bus. This
//! crate must never import a store, and never an HTTP operation: the edges do not know each other.

mod calls;
mod connection;
mod drive;
mod registry;
mod requests;
mod route;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod watchers;

#[cfg(test)]
mod tests;

pub use route::routes;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use callbox_bus::{Bus, Notice, Reach};
use callbox_domain::{AppId, LoggedEvent, SessionId, UserId};
use callbox_link_proto::Input;
use callbox_service::Service;
use callbox_service::events::logged_frame;
use callbox_wire::frame::{DirectoryChanged, LoggedFrame, PresenceChanged, ServerFrame};
use callbox_wire::{CloseCode, people};
use tokio::sync::Notify;

use connection::Connection;
use registry::Registry;
use watchers::Watchers;

/// All sockets of this node.
pub struct Hub {
    service: Arc<Service>,
    registry: Registry,
    watchers: Watchers,
    /// Every socket, admitted or not, for a graceful stop.
    open: Mutex<HashMap<u64, Weak<Connection>>>,
    next_number: AtomicU64,
    closed_one: Notify,
}

impl Hub {
    /// A hub that listens to the bus from now on.
    pub fn new(service: Arc<Service>, bus: &dyn Bus) -> Arc<Self> {
        let hub = Arc::new(Self {
            service,
            registry: Registry::default(),
            watchers: Watchers::default(),
            open: Mutex::default(),
            next_number: AtomicU64::new(0),
            closed_one: Notify::new(),
        });
        let listener = Arc::downgrade(&hub);
        bus.subscribe(Box::new(move |notice| {
            if let Some(hub) = listener.upgrade() {
                hub.hear(notice);
            }
        }));
        hub
    }

    /// Tells every socket to come back later, and returns when all are gone.
    pub async fn drain(&self) {
        loop {
            let closed_one = self.closed_one.notified();
            let open: Vec<_> = self.open_connections().values().filter_map(Weak::upgrade).collect();
            if open.is_empty() {
                return;
            }
            for connection in open {
                self.tell(&connection, Input::Close(CloseCode::Draining));
            }
            closed_one.await;
        }
    }

    fn hear(&self, notice: &Notice) {
        match notice {
            Notice::Logged(events) => {
                self.service.heed_events(events);
                self.deliver(events);
            }
            Notice::Frame { app_id, user_id, reach, frame } => {
                let connections = self.registry.of_user(*app_id, user_id);
                let reached = connections.iter().filter(|connection| match reach {
                    Reach::Everywhere => true,
                    Reach::Connection { session_id, connection_id } => {
                        connection.is_of_session(session_id) && connection.is_named(connection_id)
                    }
                });
                self.send_to(reached, frame);
            }
            Notice::PresenceChanged { app_id, presence } => self.tell_watchers(*app_id, presence),
            Notice::UserAdded { app_id, entry } => {
                let frame = DirectoryChanged { entry: entry.clone() }.into();
                self.send_to(&self.registry.of_app(*app_id), &frame);
            }
            Notice::SessionRenewed { app_id, user_id, session_id, expires_at } => {
                let life = expires_at.since(self.service.clock().now());
                for connection in self.connections_of(*app_id, user_id, session_id) {
                    self.tell(&connection, Input::SessionLife(life));
                }
            }
            Notice::SessionEnded { app_id, user_id, session_id, code } => {
                self.let_go(*app_id, user_id, session_id, *code);
            }
        }
    }

    /// Closes the connections of a session that is over.
    fn let_go(&self, app: AppId, user: &UserId, session: &SessionId, code: CloseCode) {
        for connection in self.connections_of(app, user, session) {
            self.tell(&connection, Input::Close(code));
        }
    }

    /// As [`Hub::let_go`], whoever the user is. Walks all connections of the app.
    fn let_go_of_session(&self, app: AppId, session: &SessionId, code: CloseCode) {
        for connection in self.registry.of_app(app) {
            if connection.is_of_session(session) {
                self.tell(&connection, Input::Close(code));
            }
        }
    }

    fn connections_of(
        &self,
        app: AppId,
        user: &UserId,
        session: &SessionId,
    ) -> impl Iterator<Item = Arc<Connection>> {
        let connections = self.registry.of_user(app, user);
        connections.into_iter().filter(move |connection| connection.is_of_session(session))
    }

    /// Hands events to their users' connections. Each event is written as text once for its author's connections and
    /// once for all others.
    fn deliver(&self, events: &[LoggedEvent]) {
        let mut written: Option<(Written, LoggedFrame)> = None;
        for event in events {
            let connections = self.registry.of_user(event.app_id, &event.user_id);
            if connections.is_empty() {
                continue;
            }
            let wanted = Written::of(event);
            let frame = match written.take() {
                Some((last, frame)) if last == wanted => frame,
                _ => logged_frame(&event.event, &event.user_id),
            };
            for connection in &connections {
                self.tell(connection, Input::Event { seq: event.seq, frame: &frame });
            }
            written = Some((wanted, frame));
        }
    }

    fn tell_watchers(&self, app: AppId, presence: &people::Presence) {
        let frame = PresenceChanged { presence: presence.clone() }.into();
        self.send_to(&self.watchers.of(app, &presence.user_id), &frame);
    }

    fn send_to<'a>(&self, connections: impl IntoIterator<Item = &'a Arc<Connection>>, frame: &ServerFrame) {
        let mut text: Option<Arc<str>> = None;
        for connection in connections {
            let text = text.get_or_insert_with(|| frame.to_text().into());
            self.tell(connection, Input::Send(Arc::clone(text)));
        }
    }

    fn tell(&self, connection: &Connection, input: Input<'_>) {
        connection.tell(self.service.clock().elapsed(), input);
    }

    fn open_connections(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Weak<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> Arc<Connection> {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let connection = Arc::new(Connection::new(number, self.service.clock().elapsed()));
        self.open_connections().insert(number, Arc::downgrade(&connection));
        metrics::gauge!("callbox_sockets_open").increment(1);
        connection
    }

    async fn remove(&self, connection: &Arc<Connection>) {
        self.watchers.unwatch(connection);
        if self.registry.remove(connection)
            && let Some(member) = connection.member()
        {
            self.service.connection_closed(&member.caller, &member.connection_id).await;
        }
        self.open_connections().remove(&connection.number());
        metrics::gauge!("callbox_sockets_open").decrement(1);
        self.closed_one.notify_waiters();
    }
}

/// Which text of which event: the author's own devices see more than the others.
#[derive(PartialEq, Eq)]
struct Written {
    event: usize,
    own: bool,
}

impl Written {
    fn of(event: &LoggedEvent) -> Self {
        let own = match &*event.event {
            callbox_domain::Event::MessageCreated(message) => message.sender_id == event.user_id,
            _ => false,
        };
        Self { event: Arc::as_ptr(&event.event).addr(), own }
    }
}
