//! One client connection as a state machine: hello, replay, live events, acknowledgement, heartbeat, bounded queue.
//!
//! Pure: bytes, events and time come in by [`Link::handle`]; what to send comes out by [`Link::next_output`], what the
//! client asks for by [`Link::next_request`], and the moment at which to come back by [`Link::deadline`]. Time is the
//! time since some fixed moment, so that a jump of the wall clock closes nothing.
//!
//! The event log is the connection's outbox: an event that does not fit now is not queued but fetched later, when the
//! socket has drained. So a slow reader costs a bounded amount of memory and still misses nothing.
//!
//! This crate must never import a runtime, a socket, a clock or a random generator.

mod link;
mod queue;

#[cfg(test)]
mod tests;

pub use link::{Admission, Input, Link, Output, Request};

use std::time::Duration;

/// A hello must come within this time.
pub const HELLO_TIME_MAX: Duration = Duration::from_secs(10);

/// The server pings this often.
pub const HEARTBEAT: Duration = Duration::from_secs(25);

/// A peer from which nothing came for so long is gone.
pub const SILENCE_MAX: Duration = Duration::from_secs(2 * HEARTBEAT.as_secs());

/// Replies and ephemeral frames that wait for the socket; more closes the connection as a slow reader.
pub const SEND_QUEUE_BYTES_MAX: usize = 256 * 1024;

/// Logged events are queued only while less than this of them waits; beyond it they are fetched from the log later.
pub const EVENT_QUEUE_BYTES_MAX: usize = 64 * 1024;

/// Events in one page of replay, at most.
pub const REPLAY_PAGE_EVENTS: u32 = 100;

/// A page of replay ends with the event that reaches this: more would find no room.
pub const REPLAY_PAGE_BYTES: usize = EVENT_QUEUE_BYTES_MAX;
