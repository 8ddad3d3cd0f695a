//! The event log as sockets see it: where a cursor leads, pages of replay, and each event as a frame.

mod dispatch;
mod frames;
mod heads;
mod open_mailbox;
mod prune;
mod replay;

#[cfg(test)]
mod tests;

pub use dispatch::dispatcher;
pub use frames::logged_frame;
pub use open_mailbox::OpenMailbox;
pub use prune::RetentionSettings;
pub use replay::{ReplayPage, Replayed};
