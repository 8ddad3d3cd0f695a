//! What a server wants done.

use std::net::SocketAddr;
use std::ops::Range;

use crate::Client;

/// A UDP port of one of the server's relay addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayPort {
    /// Which of [`Settings::relay_addresses`](crate::Settings::relay_addresses).
    pub address: u16,
    /// The port there.
    pub port: u16,
}

/// One thing to do. Outputs of a packet must be taken before the buffer that it came in is used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a UDP socket, and say what became of it.
    OpenRelay(RelayPort),
    /// Close it.
    CloseRelay(RelayPort),
    /// Send to a client: a datagram, or so many bytes on its stream.
    ToClient {
        /// To whom.
        client: Client,
        /// What.
        bytes: Bytes,
    },
    /// Send a datagram from a relay port.
    ToPeer {
        /// From which.
        relay: RelayPort,
        /// To whom.
        peer: SocketAddr,
        /// What.
        bytes: Bytes,
    },
    /// Close a client's stream: what came on it is no TURN, or it has no business here any more. Nothing more that comes on it
    /// is handed in but [`Input::ClientGone`](crate::Input::ClientGone).
    Disconnect(Client),
}

/// Bytes to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    /// This part of the buffer in which the last packet came.
    InBuffer(Range<usize>),
    /// Bytes of their own.
    Own(Vec<u8>),
}
