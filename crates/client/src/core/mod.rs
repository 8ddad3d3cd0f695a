//! The client as a state machine: when to connect, what to say, what to tell the app, each once and in order.
//!
//! Pure: what happens comes in by [`Core::handle`]; what to do comes out by [`Core::next_output`], and the moment at which
//! to come back by [`Core::deadline`]. Time is the time since some fixed moment; randomness comes in when the core is made.
//! So a test, or a simulation of many clients, drives it faster than real time and sees the same run for the same seed.
//!
//! Whoever drives it keeps these rules:
//! - After each [`Input`], take outputs until there are none, in order.
//! - After [`Output::Open`], answer by [`Input::Opened`] or [`Input::Lost`].
//! - After [`Output::Close`] or the next [`Output::Open`], nothing of the earlier socket comes in any more.
//! - At [`Core::deadline`], at the latest, comes [`Input::Tick`].
//!
//! A frame that went out on a socket that is lost may or may not have reached the server: the core says it again on the
//! next one, and the server knows it by the id in it.

mod ask;
mod backoff;
mod frames;
mod ids;
mod log;
mod machine;
mod outbox;
mod signals;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use ask::{Answer, Ask, Tell, Ticket};
pub use ids::{MessageIds, call_id, connection_id};
pub use log::Cursor;
pub use machine::{Core, Input, Options, Output};
