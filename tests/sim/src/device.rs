//! A client of a user: one session, the page that is loaded now, and the app on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use callbox_client::core::{Core, Input, Options, Ticket};
use callbox_domain::{ConnectionId, MessageId, Random, Secret, SessionId, UserId};
use callbox_service::sessions::SignedIn;
use callbox_wire::CloseCode;
use callbox_wire::messaging::SendMessageRequest;

use crate::app::App;
use crate::people::STOLEN;

pub(crate) struct Device {
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
    pub(crate) token: String,
    pub(crate) core: Core,
    pub(crate) app: App,
    /// Counts page loads.
    pub(crate) page: u64,
    /// Tells memories apart: what is queued in one is sent in order.
    pub(crate) memory: u64,
    pub(crate) wire: Option<u64>,
    pub(crate) wants_socket: bool,
    pub(crate) is_over: bool,
    /// Messages without an answer.
    pub(crate) asked: BTreeMap<Ticket, MessageId>,
    /// Those of them that use another's id.
    pub(crate) stolen: BTreeSet<Ticket>,
    tickets: u64,
}

impl Device {
    pub(crate) fn new(signed_in: &SignedIn, memory: u64, random: &Arc<dyn Random>, now: Duration) -> Self {
        let token = signed_in.token.expose().to_owned();
        let session = signed_in.session.id.clone();
        Self {
            user: signed_in.user.id.clone(),
            core: load(&session, 0, &token, None, random, now),
            session,
            token,
            app: App::default(),
            page: 0,
            memory,
            wire: None,
            wants_socket: false,
            is_over: false,
            asked: BTreeMap::new(),
            stolen: BTreeSet::new(),
            tickets: 0,
        }
    }

    /// The page is loaded again with what a store has kept: a place in the log, and the messages without an answer.
    pub(crate) fn reload(&mut self, cursor: Option<String>, random: &Arc<dyn Random>, now: Duration) {
        self.page += 1;
        self.wire = None;
        self.wants_socket = false;
        self.asked.clear();
        self.stolen.clear();
        self.core = load(&self.session, self.page, &self.token, cursor, random, now);
    }

    /// Asks the server to take a message.
    pub(crate) fn ask(&mut self, now: Duration, message: SendMessageRequest) {
        let ticket = self.ticket();
        self.asked.insert(ticket, message.message_id.clone());
        if message.text == STOLEN {
            self.stolen.insert(ticket);
        }
        self.core.handle(now, Input::Ask { ticket, ask: callbox_client::core::Ask::Send(message) });
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// The socket is gone.
    pub(crate) fn lose(&mut self, now: Duration, code: Option<CloseCode>) {
        self.wire = None;
        let reason = code.map_or_else(String::new, CloseCode::reason);
        self.core.handle(now, Input::Lost { code: code.map(CloseCode::number), reason });
    }

    /// Connected, and with nothing left to do.
    pub(crate) fn is_calm(&self) -> bool {
        self.is_over || (self.core.is_online() && self.asked.is_empty() && !self.app.is_stale)
    }
}

fn load(
    session: &SessionId,
    page: u64,
    token: &str,
    cursor: Option<String>,
    random: &Arc<dyn Random>,
    now: Duration,
) -> Core {
    let connection_id = ConnectionId::new(format!("{session}-{page}")).expect("of the form of ids");
    let options = Options { token: Secret::new(token.to_owned()), connection_id, cursor };
    Core::new(now, options, Arc::clone(random))
}
