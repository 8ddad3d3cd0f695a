//! STUN and TURN: a server that answers Binding requests (RFC 8489) and relays UDP for its clients (RFC 8656).
//!
//! Pure: packets, what became of relay ports, and time come in by [`Server::handle`]; what to send and which ports to open
//! come out by [`Server::next_output`], and the moment at which to come back by [`Server::deadline`]. A packet is relayed
//! inside the buffer that it came in: headers are written before it, and nothing is copied. What one client of this server
//! sends to another never leaves memory.
//!
//! This crate must never import a runtime, a socket, a clock or a random generator.

mod allocation;
mod allocations;
mod bandwidth;
pub mod client;
pub mod credential;
mod figures;
pub mod frames;
#[cfg(test)]
mod fuzz;
mod input;
pub mod message;
pub mod nonce;
mod output;
mod peers;
mod ports;
mod quotas;
mod revoked;
mod server;
mod settings;
pub mod throttle;

#[cfg(test)]
mod tests;

pub use figures::Figures;
pub use input::{Client, Input, Now, Packet, Revoked, Via};
pub use message::TAILROOM;
pub use output::{Bytes, Output, RelayPort};
pub use server::Server;
pub use settings::{Limits, RelayAddress, Settings};

/// What may be written before a packet: a Data indication's header, its peer address of IPv6, and the head of its data.
pub const HEADROOM: usize = 20 + 24 + 4;

/// Nothing longer is taken from a client or a peer: the most that a UDP datagram of IPv4 holds, less the headroom.
pub const PACKET_BYTES_MAX: usize = 65_507 - HEADROOM;
