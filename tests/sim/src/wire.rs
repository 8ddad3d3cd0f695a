//! One socket: a client's end, a server's end, and what is on its way between them.

use std::collections::VecDeque;
use std::sync::Arc;

use callbox_domain::SessionId;
use callbox_hub::testing::Line;
use callbox_wire::CloseCode;

use crate::dice::Dice;
use crate::task::Task;

/// From the client to the server.
#[derive(Debug)]
pub(crate) enum Up {
    Text(String),
    Pong,
    /// The client's end is closed.
    End,
}

/// From the server to the client.
#[derive(Debug)]
pub(crate) enum Down {
    Text(Arc<str>),
    Ping,
    Close(CloseCode),
    /// The server's end is gone without a word.
    End,
}

/// The socket's task in the server.
pub(crate) enum ServerEnd {
    Open {
        line: Line,
        /// It serves a frame; the next one waits.
        serving: Option<Task<()>>,
        /// It reads the log; what is to be sent waits.
        fetching: Option<Task<()>>,
        /// Nothing is to be sent until something happens.
        is_quiet: bool,
    },
    /// The socket is over, and the hub is told.
    Leaving(Task<()>),
    Gone,
}

pub(crate) struct Wire {
    pub(crate) device: usize,
    pub(crate) node: usize,
    pub(crate) session: SessionId,
    pub(crate) up: VecDeque<Up>,
    pub(crate) down: VecDeque<Down>,
    pub(crate) server: ServerEnd,
    pub(crate) has_client: bool,
    /// The network is gone: what is sent from now on goes nowhere.
    pub(crate) is_cut: bool,
    /// The last event that the server sent, or the place where it said that it goes on; `None` before the welcome.
    pub(crate) sent: Option<u64>,
}

impl Wire {
    pub(crate) fn new(device: usize, node: usize, session: SessionId, line: Line) -> Self {
        Self {
            device,
            node,
            session,
            up: VecDeque::new(),
            down: VecDeque::new(),
            server: ServerEnd::Open { line, serving: None, fetching: None, is_quiet: true },
            has_client: true,
            is_cut: false,
            sent: None,
        }
    }

    pub(crate) fn send_up(&mut self, up: Up) {
        if !self.is_cut {
            self.up.push_back(up);
        }
    }

    pub(crate) fn send_down(&mut self, down: Down) {
        if !self.is_cut && self.has_client {
            self.down.push_back(down);
        }
    }

    /// The network between the two is gone, with some of what was on its way: the newest, for the order is kept. Each end
    /// may or may not notice by itself. How much was lost up and down.
    pub(crate) fn cut(&mut self, dice: &mut Dice) -> (usize, usize) {
        let before = (self.up.len(), self.down.len());
        self.up.truncate(dice.below(before.0 + 1));
        self.down.truncate(dice.below(before.1 + 1));
        let lost = (before.0 - self.up.len(), before.1 - self.down.len());
        if dice.chance(70) {
            self.up.push_back(Up::End);
        }
        if dice.chance(70) {
            self.down.push_back(Down::End);
        }
        self.is_cut = true;
        lost
    }

    /// The client closes its end. What it sent arrives, unless it was killed.
    pub(crate) fn shut(&mut self, dice: &mut Dice, is_killed: bool) {
        if is_killed {
            self.up.truncate(dice.below(self.up.len() + 1));
        }
        self.send_up(Up::End);
        self.has_client = false;
        self.down.clear();
    }

    /// The server's end goes: what it was at is dropped where it stands. Whether it was at something.
    pub(crate) fn leave(&mut self) -> bool {
        let ServerEnd::Open { line, serving, fetching, .. } = &self.server else { return false };
        let was_busy = serving.is_some() || fetching.is_some();
        let line = line.clone();
        self.server = ServerEnd::Leaving(Task::new(async move { line.lost().await }));
        was_busy
    }

    /// The server is gone, and the sockets of its process with it.
    pub(crate) fn crash(&mut self, dice: &mut Dice) {
        self.server = ServerEnd::Gone;
        self.up.clear();
        self.down.truncate(dice.below(self.down.len() + 1));
        self.send_down(Down::End);
        self.is_cut = true;
    }

    /// Something may be to be sent again.
    pub(crate) fn stir(&mut self) {
        if let ServerEnd::Open { is_quiet, .. } = &mut self.server {
            *is_quiet = false;
        }
    }

    pub(crate) fn line(&self) -> Option<&Line> {
        match &self.server {
            ServerEnd::Open { line, .. } => Some(line),
            _ => None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.server, ServerEnd::Gone) && !self.has_client
    }
}
