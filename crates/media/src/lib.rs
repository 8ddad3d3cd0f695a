//! Moves media: the sockets of the relay, and the thread that drives [`callbox_turn_proto::Server`].
//!
//! One thread has every datagram socket and every stream that is up; it never waits for anything but the next packet.
//! Accepting and TLS handshakes, which cost much and may take long, run on tokio and hand over what is ready.
//! Whatever cannot be sent at once is dropped or waits in a queue with a limit: memory never grows with the traffic.
//!
//! The rest of the server speaks to it through `media-control` only, so that it can run apart. This crate must never import
//! the use cases, a store or an edge.

mod accept;
mod arena;
mod bind;
mod datagrams;
mod descriptors;
mod doors;
mod driver;
mod mailbox;
mod outbox;
mod places;
mod relay;
mod report;
mod source;
mod stream;
mod streams;

pub use bind::{BindError, RelayBinding, RelayOptions, RelaySockets};
pub use relay::{Relay, RelayParts, StreamRefused};
