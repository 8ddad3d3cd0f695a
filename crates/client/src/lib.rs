//! The Rust SDK of Callbox: sign-in, one connection that comes back by itself, messages exactly once, call signalling.
//!
//! [`core`] decides, and is pure: no socket, no clock, no randomness of its own.
//!
//! This crate must never import a crate of the server: what it knows of it is what travels.

pub mod core;
mod error;
mod event;

pub use error::{Error, Refusal};
pub use event::{CallEvent, Event, MessageEvent};
