//! What clients send to peers, and peers to clients. Nothing is allocated and nothing copied here: heads are taken off the
//! packet or written before it, in the buffer that it came in.

use std::net::SocketAddr;
use std::ops::Range;

use super::Server;
use crate::allocation::{Family, Slot};
use crate::message::{Message, TransactionId, attribute, channel_data};
use crate::message::{write_channel_head, write_data_indication_head};
use crate::{Bytes, Client, HEADROOM, Now, Output, PACKET_BYTES_MAX, Packet, RelayPort};

/// Where a packet to a peer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Out of the machine.
    Out,
    /// To the client that has this port.
    InMemory(Slot),
}

impl Server {
    /// A client sends over one of its channels.
    pub(super) fn channel_sent(&mut self, now: Now, client: Client, packet: Packet<'_>) {
        let Some((number, data)) = channel_data(packet.bytes()) else { return self.disconnect(client) };
        let start = packet.range.start;
        let found = self
            .allocations
            .of(&client)
            .and_then(|slot| Some((slot, self.allocations.get(slot)?.peer_of(now.elapsed, number)?)));
        match found {
            Some((slot, peer)) => {
                self.send_to_peer(now, slot, peer, start + data.start..start + data.end, packet);
            }
            None => self.figures.packets_refused += 1,
        }
    }

    /// A client sends to a peer that it names.
    pub(super) fn indication_sent(
        &mut self,
        now: Now,
        client: Client,
        peer: SocketAddr,
        data: Range<usize>,
        packet: Packet<'_>,
    ) {
        match self.allocations.of(&client) {
            Some(slot) => self.send_to_peer(now, slot, normalised(peer), data, packet),
            None => self.figures.packets_refused += 1,
        }
    }

    /// A peer sends to a relay port.
    pub(super) fn peer_sent(&mut self, now: Now, relay: RelayPort, peer: SocketAddr, packet: Packet<'_>) {
        let (peer, data) = (normalised(peer), packet.range.clone());
        // What a relay port of this server sends to another never meets the network, so this would be forged.
        let is_forged = self.peers.relay_at(peer.ip()).is_some() && !self.peers.may_be_sent_to(peer.ip());
        match self.ports.owner(relay) {
            Some(slot) if !is_forged => drop(self.send_to_client(now, slot, peer, data, packet)),
            _ => self.figures.packets_refused += 1,
        }
    }

    /// Sends what lies in `data` to a peer, if it is allowed to go there.
    fn send_to_peer(
        &mut self,
        now: Now,
        slot: Slot,
        peer: SocketAddr,
        data: Range<usize>,
        packet: Packet<'_>,
    ) {
        let bytes = data.len();
        let way = self.way_to(peer);
        let Some(allocation) = self.allocations.get_mut(slot) else { return };
        let permitted = allocation.is_permitted(now.elapsed, peer.ip());
        let (Some(way), Some(relay), true) = (way, allocation.relay(Family::of(peer.ip())), permitted) else {
            self.figures.packets_refused += 1;
            return;
        };
        if !allocation.bandwidth.admit(now.elapsed, bytes, self.limits.bytes_per_second) {
            self.figures.packets_over_bandwidth += 1;
            return;
        }
        match way {
            Way::Out => {
                let bytes = Bytes::InBuffer(data);
                self.outputs.push_back(Output::ToPeer { relay, peer, bytes });
            }
            Way::InMemory(other) => {
                let from = self.address_of(relay);
                if !self.send_to_client(now, other, from, data, packet) {
                    return;
                }
                self.figures.packets_in_memory += 1;
            }
        }
        self.figures.packets_to_peers += 1;
        self.figures.bytes_to_peers += count(bytes);
    }

    /// Sends what lies in `data` to a client, if it wants to hear that peer; says whether it does.
    fn send_to_client(
        &mut self,
        now: Now,
        slot: Slot,
        peer: SocketAddr,
        data: Range<usize>,
        packet: Packet<'_>,
    ) -> bool {
        let bytes = data.len();
        let Some(allocation) = self.allocations.get_mut(slot) else { return false };
        let room = data.start >= HEADROOM && data.start + bytes.next_multiple_of(4) <= packet.buffer.len();
        if !room || bytes > PACKET_BYTES_MAX || !allocation.is_permitted(now.elapsed, peer.ip()) {
            self.figures.packets_refused += 1;
            return false;
        }
        if !allocation.bandwidth.admit(now.elapsed, bytes, self.limits.bytes_per_second) {
            self.figures.packets_over_bandwidth += 1;
            return false;
        }
        let client = allocation.client;
        let framed = if let Some(channel) = allocation.channel_of(now.elapsed, peer) {
            write_channel_head(packet.buffer, data, channel, client.via.is_stream())
        } else {
            self.indications = self.indications.wrapping_add(1);
            let id = *self.indications.to_be_bytes().last_chunk().expect("16 bytes");
            write_data_indication_head(packet.buffer, data, peer, TransactionId(id))
        };
        self.outputs.push_back(Output::ToClient { client, bytes: Bytes::InBuffer(framed) });
        self.figures.packets_to_clients += 1;
        self.figures.bytes_to_clients += count(bytes);
        true
    }

    /// How a packet gets to a peer; `None` where it must not go.
    fn way_to(&self, peer: SocketAddr) -> Option<Way> {
        if peer.port() == 0 {
            return None;
        }
        let relay = |address| RelayPort { address, port: peer.port() };
        let open = self.peers.relay_at(peer.ip()).and_then(|address| self.ports.owner(relay(address)));
        match open {
            Some(slot) => Some(Way::InMemory(slot)),
            None => self.peers.may_be_sent_to(peer.ip()).then_some(Way::Out),
        }
    }

    /// A relay port as peers see it.
    pub(super) fn address_of(&self, relay: RelayPort) -> SocketAddr {
        let address = self.relay_addresses[usize::from(relay.address)].public;
        SocketAddr::new(address.to_canonical(), relay.port)
    }
}

/// The peer of a Send indication, and where in the buffer what it is to get lies. What is not understood but must be makes
/// nothing of it (RFC 8489, section 6.3.2).
pub(super) fn read_send(message: &Message<'_>, packet: &Packet<'_>) -> Option<(SocketAddr, Range<usize>)> {
    if !message.unknown_required(&[attribute::XOR_PEER_ADDRESS, attribute::DATA]).is_empty() {
        return None;
    }
    let peer = message.xor_address(attribute::XOR_PEER_ADDRESS)?;
    let data = message.range_of(attribute::DATA)?;
    let start = packet.range.start;
    Some((peer, start + data.start..start + data.end))
}

/// A peer by the name that permissions have.
pub(super) fn normalised(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
