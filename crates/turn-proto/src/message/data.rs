//! What carries a peer's bytes: Data indications (RFC 8656, section 11.6) and `ChannelData` (section 12.4). Heads are
//! written into the buffer before the bytes, which stay where they were received.

use std::net::SocketAddr;
use std::ops::{Range, RangeInclusive};

use super::attribute::{self, xor_address_value};
use super::{Class, HEADER_BYTES, MAGIC_COOKIE, Method, TransactionId, message_type};

/// Makes a Data indication of the payload: writes its head before the payload and zeros after it, and says where the whole
/// is.
///
/// # Panics
///
/// Where the buffer has less than [`HEADROOM`](crate::HEADROOM) bytes before the payload or less than [`TAILROOM`] after it,
/// and where the payload is longer than [`PACKET_BYTES_MAX`](crate::PACKET_BYTES_MAX).
pub fn write_data_indication_head(
    buffer: &mut [u8],
    payload: Range<usize>,
    peer: SocketAddr,
    transaction_id: TransactionId,
) -> Range<usize> {
    let (address, address_bytes) = xor_address_value(peer, &transaction_id);
    let head_bytes = HEADER_BYTES + 4 + address_bytes + 4;
    let end = pad(buffer, &payload);
    let start = payload.start - head_bytes;
    let length = end - start - HEADER_BYTES;
    let head = &mut buffer[start..payload.start];
    head[..2].copy_from_slice(&message_type(Class::Indication, Method::Data).to_be_bytes());
    head[2..4].copy_from_slice(&sixteen_bits(length));
    head[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    head[8..HEADER_BYTES].copy_from_slice(&transaction_id.0);
    let attributes = &mut head[HEADER_BYTES..];
    attributes[..2].copy_from_slice(&attribute::XOR_PEER_ADDRESS.to_be_bytes());
    attributes[2..4].copy_from_slice(&sixteen_bits(address_bytes));
    attributes[4..4 + address_bytes].copy_from_slice(&address[..address_bytes]);
    let data = &mut attributes[4 + address_bytes..];
    data[..2].copy_from_slice(&attribute::DATA.to_be_bytes());
    data[2..].copy_from_slice(&sixteen_bits(payload.len()));
    start..end
}

/// Reads `ChannelData`: the channel, and where its payload is. What stands after the payload is padding.
pub fn channel_data(bytes: &[u8]) -> Option<(u16, Range<usize>)> {
    let [channel_high, channel_low, length_high, length_low, rest @ ..] = bytes else { return None };
    let channel = u16::from_be_bytes([*channel_high, *channel_low]);
    let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
    (CHANNELS.contains(&channel) && length <= rest.len())
        .then_some((channel, CHANNEL_HEAD_BYTES..CHANNEL_HEAD_BYTES + length))
}

/// Makes `ChannelData` of the payload: writes its head before the payload and, with `padded`, zeros after it, as streams
/// need them; says where the whole is.
///
/// # Panics
///
/// Where the buffer has less than [`HEADROOM`](crate::HEADROOM) bytes before the payload or, with `padded`, less than
/// [`TAILROOM`] after it, and where the payload is longer than [`PACKET_BYTES_MAX`](crate::PACKET_BYTES_MAX).
pub fn write_channel_head(
    buffer: &mut [u8],
    payload: Range<usize>,
    channel: u16,
    padded: bool,
) -> Range<usize> {
    let end = if padded { pad(buffer, &payload) } else { payload.end };
    let start = payload.start - CHANNEL_HEAD_BYTES;
    let head = &mut buffer[start..payload.start];
    head[..2].copy_from_slice(&channel.to_be_bytes());
    head[2..].copy_from_slice(&sixteen_bits(payload.len()));
    start..end
}

/// Writes zeros after the payload until its length is a multiple of 4, and says where they end.
fn pad(buffer: &mut [u8], payload: &Range<usize>) -> usize {
    let end = payload.start + payload.len().next_multiple_of(4);
    buffer[payload.end..end].fill(0);
    end
}

fn sixteen_bits(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("a packet within a datagram").to_be_bytes()
}

/// What may be written after a packet: zeros, until its length is a multiple of 4.
pub const TAILROOM: usize = 3;

/// The numbers that a channel may have. RFC 8656 (section 12) ends them at 0x4fff; clients of RFC 5766 (section 11), coturn's
/// among them, go on to here, and nothing else on these ports begins so.
pub const CHANNELS: RangeInclusive<u16> = 0x4000..=0x7fff;

/// The length of what stands before the payload.
const CHANNEL_HEAD_BYTES: usize = 4;
