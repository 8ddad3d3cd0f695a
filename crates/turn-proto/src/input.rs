//! What comes into a server.

use std::net::SocketAddr;
use std::ops::Range;
use std::time::Duration;

use callbox_domain::Timestamp;

use crate::RelayPort;

/// The present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Since some fixed moment; lifetimes go by it.
    pub elapsed: Duration,
    /// The wall clock; credentials go by it.
    pub wall: Timestamp,
}

/// A client, as the 5-tuple of RFC 8656 (section 3.2) tells it from others: its address, and where it reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Client {
    /// Where it reached the server.
    pub via: Via,
    /// Its own address. An IPv4 address is never wrapped into an IPv6 one.
    pub address: SocketAddr,
}

/// Where a client reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// A UDP listener, by its number.
    Udp(u32),
    /// A TCP connection, by its number, which is never used again.
    Tcp(u32),
    /// A connection of TLS over TCP, by its number, which is never used again.
    Tls(u32),
}

impl Via {
    /// Whether bytes come in order and nobody else can send them.
    pub fn is_stream(self) -> bool {
        !matches!(self, Self::Udp(_))
    }
}

/// A packet where the driver received it. At least [`HEADROOM`](crate::HEADROOM) bytes of the buffer lie before it, and
/// [`TAILROOM`](crate::TAILROOM) after a datagram; they may be written to. What follows a frame on a stream stays
/// as it is.
#[derive(Debug)]
pub struct Packet<'a> {
    /// The whole buffer.
    pub buffer: &'a mut [u8],
    /// Where in it the packet is.
    pub range: Range<usize>,
}

impl Packet<'_> {
    /// The packet itself.
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.range.clone()]
    }
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A client sent a datagram, or a frame on a stream: a STUN message, or `ChannelData` with its padding.
    FromClient {
        /// Who.
        client: Client,
        /// What.
        packet: Packet<'a>,
    },
    /// A peer sent a datagram to an open relay port.
    FromPeer {
        /// To which.
        relay: RelayPort,
        /// Who.
        peer: SocketAddr,
        /// What.
        packet: Packet<'a>,
    },
    /// The port that [`Output::OpenRelay`](crate::Output::OpenRelay) asked for is open.
    RelayOpened(RelayPort),
    /// It could not be opened: another program has it, or the system is out of sockets.
    RelayFailed(RelayPort),
    /// A client's stream is closed.
    ClientGone(Client),
    /// All allocations end, and their clients must allocate anew; nothing is remembered of them, and streams stay open.
    DropAllocations,
    /// Whoever this speaks of has no right to relay any more.
    Revoked(Revoked<'a>),
    /// Nothing but the time.
    Tick,
}

/// Who lost the right to relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked<'a> {
    /// Everyone with credentials of this session.
    Session(&'a str),
    /// Everyone with credentials for this call.
    Call(&'a str),
}
