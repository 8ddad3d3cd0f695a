//! Whole conversations of clients, peers and a server, without sockets.

mod allocations;
mod authentication;
mod ends;
mod fuzz;
mod relaying;
pub mod world;
