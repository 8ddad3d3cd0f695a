//! Moves media: the sockets of the relay, and the thread that drives [`callbox_turn_proto::Server`].
//!
//! The rest of the server speaks to it through `media-control` only, so that it can run apart. This crate must never import
//! the use cases, a store or an edge.
