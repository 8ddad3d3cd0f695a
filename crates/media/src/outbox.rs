//! Datagrams that wait for the end of a round, to go out with few calls.

use std::net::SocketAddr;
use std::ops::Range;

use callbox_turn_proto::Bytes;

use crate::arena::Arena;
use crate::datagrams::{self, Datagram, Unsent};
use crate::doors::{Door, Doors};

/// Datagrams in the order in which they are to go.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    through: Door,
    to: SocketAddr,
    bytes: Content,
}

/// Bytes that live until the end of a round.
#[derive(Debug)]
pub(crate) enum Content {
    /// A part of a slot.
    InSlot(usize, Range<usize>),
    /// Bytes of their own.
    Own(Vec<u8>),
}

impl Content {
    /// What the server said of the packet in `slot`.
    pub(crate) fn of(bytes: Bytes, slot: Option<usize>) -> Self {
        match (bytes, slot) {
            (Bytes::InBuffer(range), Some(slot)) => Self::InSlot(slot, range),
            (Bytes::InBuffer(_), None) => {
                unreachable!("no packet, so no buffer that an output could speak of")
            }
            (Bytes::Own(bytes), _) => Self::Own(bytes),
        }
    }

    pub(crate) fn bytes<'a>(&'a self, arena: &'a Arena) -> &'a [u8] {
        match self {
            Self::InSlot(slot, range) => arena.bytes(*slot, range.clone()),
            Self::Own(bytes) => bytes,
        }
    }
}

impl Outbox {
    pub(crate) fn push(&mut self, through: Door, to: SocketAddr, bytes: Content) {
        self.0.push(Waiting { through, to, bytes });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sends everything, all of one socket together and in order.
    pub(crate) fn flush(&mut self, arena: &Arena, doors: &Doors, unsent: &mut Unsent) {
        self.0.sort_by_key(|waiting| waiting.through);
        for together in self.0.chunk_by(|one, next| one.through == next.through) {
            // A relay port may be closed by now.
            let Some(door) = doors.find(together[0].through) else { continue };
            let datagrams =
                together.iter().map(|waiting| Datagram { to: waiting.to, bytes: waiting.bytes.bytes(arena) });
            datagrams::send(&door.socket, datagrams, unsent);
        }
        self.0.clear();
    }
}
