//! The server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use callbox_domain::Random;

use crate::{Figures, Input, Now, Output, Settings};

/// A STUN and TURN server.
pub struct Server {
    outputs: VecDeque<Output>,
    figures: Figures,
}

impl Server {
    /// A server without clients.
    pub fn new(_settings: Settings, _random: Arc<dyn Random>) -> Self {
        Self { outputs: VecDeque::new(), figures: Figures::default() }
    }

    /// Takes what happened.
    pub fn handle(&mut self, _now: Now, _input: Input<'_>) {}

    /// The next thing to do; `None` when everything is done.
    pub fn next_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to hand in [`Input::Tick`] at the latest; `None` while nothing can expire.
    pub fn deadline(&self) -> Option<Duration> {
        None
    }

    /// What it has done so far.
    pub fn figures(&self) -> Figures {
        self.figures
    }
}
