//! The relay with real sockets, as clients and peers see it.

mod control;
mod datagrams;
mod streams;
mod support;
