//! Connections without sockets, for tests outside this crate.

use std::sync::Arc;
use std::time::Duration;

use callbox_link_proto::{Input, Output, REPLAY_PAGE_BYTES};
use callbox_service::events::ReplayPage;

use crate::Hub;
use crate::connection::Connection;

/// A socket's place in the hub, without the socket: whoever holds it hands in what the client sent, and takes what the
/// server would send.
///
/// A socket's own task never serves two frames of one client at once, takes no output while it fetches, and drops what
/// it is at when the socket is lost. Whoever drives a line does the same.
#[derive(Clone)]
pub struct Line {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
}

impl Line {
    /// A client has opened a socket.
    pub fn open(hub: &Arc<Hub>) -> Self {
        Self { hub: Arc::clone(hub), connection: hub.add() }
    }

    /// A text frame came; returns when what it asks for was served.
    pub async fn receive(&self, text: &str) {
        self.hub.take_in(&self.connection, Input::Text(text), None).await;
    }

    /// A pong came.
    pub fn pong(&self) {
        self.connection.handle(self.hub.now(), Input::Pong);
    }

    /// When to call [`Line::tick`] at the latest; `None` once the connection is over.
    pub fn deadline(&self) -> Option<Duration> {
        self.connection.link().deadline()
    }

    /// The deadline came.
    pub fn tick(&self) {
        self.connection.handle(self.hub.now(), Input::Tick);
    }

    /// What to do next with the socket; [`Output::Fetch`] is answered by [`Line::fetch`].
    pub fn next_output(&self) -> Option<Output> {
        self.connection.link().next_output()
    }

    /// Reads at most `events_max` events after `after` from the log, for this connection. Sockets ask for more at once;
    /// how many is nothing that anybody may rely on.
    pub async fn fetch(&self, after: u64, events_max: u32) {
        let page = ReplayPage { events_max, bytes_max: REPLAY_PAGE_BYTES };
        self.hub.fetch(&self.connection, after, page).await;
    }

    /// Whether the server has closed the connection; its last outputs may still wait.
    pub fn is_closed(&self) -> bool {
        self.connection.link().is_closed()
    }

    /// The socket is gone.
    pub async fn lost(&self) {
        self.hub.remove(&self.connection).await;
    }
}

/// Reads the list of ended sessions once, from a number on, and lets go of them; how far it was read.
pub async fn sweep_ended_sessions(hub: &Hub, from: u64) -> u64 {
    hub.sweep(from).await
}
