//! The frames that wait for the socket, counted in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

/// A first-in, first-out queue of frames. It holds no memory while it is empty.
#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    frames: VecDeque<(Kind, Arc<str>)>,
    event_bytes: usize,
    other_bytes: usize,
}

/// What a frame is, as far as its room goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A logged event. One that finds no room stays in the log.
    Event,
    /// A reply, or something told once.
    Other,
}

impl SendQueue {
    pub(crate) fn push(&mut self, kind: Kind, frame: Arc<str>) {
        *self.counter(kind) += frame.len();
        self.frames.push_back((kind, frame));
    }

    pub(crate) fn pop(&mut self) -> Option<Arc<str>> {
        let Some((kind, frame)) = self.frames.pop_front() else {
            // An idle connection must not keep the room that a burst once took.
            self.frames = VecDeque::new();
            return None;
        };
        *self.counter(kind) -= frame.len();
        Some(frame)
    }

    /// How much waits of a kind.
    pub(crate) fn bytes(&self, kind: Kind) -> usize {
        match kind {
            Kind::Event => self.event_bytes,
            Kind::Other => self.other_bytes,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn counter(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Event => &mut self.event_bytes,
            Kind::Other => &mut self.other_bytes,
        }
    }
}
