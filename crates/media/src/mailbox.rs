//! What the rest of the server tells the thread.

use std::sync::{Mutex, MutexGuard, PoisonError};

use mio::Waker;

/// Commands that the thread has not seen yet, and how the thread is.
pub(crate) struct Mailbox {
    waker: Waker,
    inside: Mutex<Inside>,
}

struct Inside {
    commands: Vec<Command>,
    life: Life,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// A session is over.
    EndSession(String),
    /// A call is over.
    EndCall(String),
    /// Every allocation is to end.
    DropAllocations,
    /// The thread is to end.
    Stop,
}

/// How the thread is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Life {
    /// It does its work.
    Running,
    /// It was told to stop.
    Stopped,
    /// It ended by itself, which it should not.
    Failed(String),
}

impl Mailbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { waker, inside: Mutex::new(Inside { commands: Vec::new(), life: Life::Running }) }
    }

    /// Leaves a command. It is never lost while the thread lives; afterwards nothing is left that it could be about.
    pub(crate) fn leave(&self, command: Command) {
        let mut inside = self.inside();
        if inside.life == Life::Running {
            inside.commands.push(command);
            drop(inside);
            self.wake();
        }
    }

    /// Makes the thread look.
    pub(crate) fn wake(&self) {
        if let Err(error) = self.waker.wake() {
            // It looks once a second anyway.
            tracing::warn!(%error, "the relay's thread cannot be woken");
        }
    }

    pub(crate) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.inside().commands)
    }

    pub(crate) fn life(&self) -> Life {
        self.inside().life.clone()
    }

    /// Says that the thread ended.
    pub(crate) fn end(&self, life: Life) {
        let mut inside = self.inside();
        inside.life = life;
        inside.commands = Vec::new();
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
