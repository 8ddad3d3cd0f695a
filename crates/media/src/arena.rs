//! Where packets are while they are relayed.

use std::ops::Range;

use callbox_turn_proto::message::TAILROOM;
use callbox_turn_proto::{HEADROOM, Packet};

/// Slots of a fixed size, filled one after the other and all emptied at once, when everything that came of their packets is sent.
#[derive(Debug)]
pub(crate) struct Arena {
    bytes: Box<[u8]>,
    used: usize,
}

impl Arena {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; SLOTS * SLOT_BYTES].into_boxed_slice(), used: 0 }
    }

    /// Where packets go in the slots that are free.
    pub(crate) fn free(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let slots = self.bytes[self.used * SLOT_BYTES..].chunks_exact_mut(SLOT_BYTES);
        slots.map(|slot| &mut slot[HEADROOM..HEADROOM + PACKET_BYTES_MAX])
    }

    /// Takes the first `count` of the free slots, and says which that is.
    pub(crate) fn take(&mut self, count: usize) -> Range<usize> {
        let first = self.used;
        self.used = (first + count).min(SLOTS);
        first..self.used
    }

    /// Takes a slot for a copy of `bytes`, which must fit.
    pub(crate) fn keep(&mut self, bytes: &[u8]) -> usize {
        let space = self.free().next().expect("whoever fills the last slot empties them all");
        space[..bytes.len()].copy_from_slice(bytes);
        self.take(1).start
    }

    pub(crate) fn is_full(&self) -> bool {
        self.used == SLOTS
    }

    /// A packet of so many bytes in a slot.
    pub(crate) fn packet(&mut self, slot: usize, length: usize) -> Packet<'_> {
        let buffer = &mut self.bytes[slot * SLOT_BYTES..][..SLOT_BYTES];
        Packet { buffer, range: HEADROOM..HEADROOM + length }
    }

    /// What is in a part of a slot.
    pub(crate) fn bytes(&self, slot: usize, range: Range<usize>) -> &[u8] {
        &self.bytes[slot * SLOT_BYTES..][..SLOT_BYTES][range]
    }

    /// Frees every slot.
    pub(crate) fn clear(&mut self) {
        self.used = 0;
    }
}

/// So many packets are handled before what came of them is sent.
const SLOTS: usize = 128;

/// A slot with the room before and after its packet. Media keeps to the 1,500 bytes that networks carry in one piece; what is
/// longer than a slot is dropped and counted.
const SLOT_BYTES: usize = 4_096;

/// The longest packet, and the longest frame on a stream.
pub(crate) const PACKET_BYTES_MAX: usize = SLOT_BYTES - HEADROOM - TAILROOM;
