//! The frames that wait for the socket, counted in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

/// A first-in, first-out queue of frames. It holds no memory while it is empty.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    frames: VecDeque<Arc<str>>,
    bytes: usize,
}

impl SendQueue {
    pub(crate) fn push(&mut self, frame: Arc<str>) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<str>> {
        let Some(frame) = self.frames.pop_front() else {
            // An idle connection must not keep the room that a burst once took.
            self.frames = VecDeque::new();
            return None;
        };
        self.bytes -= frame.len();
        Some(frame)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
