//! Whole conversations of clients, peers and a server, without sockets.

mod allocations;
mod authentication;
mod ends;
mod fuzz;
mod model;
mod relaying;
mod with_client;
pub mod world;
