//! Telling frames on a stream apart (RFC 8656, section 12.5): a STUN message says its length in its header, and `ChannelData`
//! is padded to a multiple of 4.

use crate::PACKET_BYTES_MAX;
use crate::message::{CHANNELS, HEADER_BYTES, MAGIC_COOKIE};

/// What stands at the beginning of the bytes of a stream that were not used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The beginning of a frame, or nothing.
    Incomplete,
    /// A frame of so many bytes, padding included.
    Whole(usize),
    /// No frame, or a longer one than anybody needs. What follows cannot be told apart any more.
    Broken,
}

/// Looks at the beginning of `bytes`.
pub fn next_frame(bytes: &[u8]) -> Frame {
    let Some([kind_high, kind_low, length_high, length_low]) = bytes.first_chunk() else {
        return match bytes.first() {
            Some(first) if !begins_frame(*first) => Frame::Broken,
            _ => Frame::Incomplete,
        };
    };
    let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
    let frame_bytes = if CHANNELS.contains(&u16::from_be_bytes([*kind_high, *kind_low])) {
        4 + length.next_multiple_of(4)
    } else if kind_high >> 6 == 0 && length.is_multiple_of(4) && cookie_may_follow(&bytes[4..]) {
        HEADER_BYTES + length
    } else {
        return Frame::Broken;
    };
    if frame_bytes > PACKET_BYTES_MAX {
        Frame::Broken
    } else if frame_bytes > bytes.len() {
        Frame::Incomplete
    } else {
        Frame::Whole(frame_bytes)
    }
}

/// Whether the first byte on a port that TURN shares with HTTP comes from a client of TURN. That begins with a request, the
/// methods of which fit into the second byte; `ChannelData` comes later. The first byte of HTTP is never 0.
pub fn looks_like_turn(first_byte: u8) -> bool {
    first_byte == 0
}

/// Whether the first byte can be one of a STUN message or of `ChannelData`.
fn begins_frame(first: u8) -> bool {
    let [first_channel, last_channel] =
        [CHANNELS.start(), CHANNELS.end()].map(|channel| channel.to_be_bytes()[0]);
    first >> 6 == 0 || (first_channel..=last_channel).contains(&first)
}

/// Whether as much of the cookie as is there is right: a stream that is no TURN is noticed early.
fn cookie_may_follow(after_length: &[u8]) -> bool {
    MAGIC_COOKIE.to_be_bytes().starts_with(&after_length[..after_length.len().min(4)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Builder, Class, Message, Method, TransactionId, attribute};

    fn binding() -> Vec<u8> {
        Builder::new(Class::Request, Method::Binding, TransactionId([1; 12]))
            .text(attribute::SOFTWARE, "callbox")
            .finish()
    }

    #[test]
    fn frames_are_told_apart_wherever_the_stream_is_cut() {
        let mut stream = binding();
        stream.extend_from_slice(b"\x40\x01\x00\x05hello\0\0\0");
        stream.extend_from_slice(b"\x4f\xff\x00\x00");
        stream.extend_from_slice(&binding());
        let expected = [binding().len(), 12, 4, binding().len()];
        let mut rest = &stream[..];
        for length in expected {
            for cut in 0..length {
                assert_eq!(next_frame(&rest[..cut]), Frame::Incomplete, "{cut} of {length}");
            }
            assert_eq!(next_frame(&rest[..length]), Frame::Whole(length));
            assert_eq!(next_frame(rest), Frame::Whole(length), "with what follows");
            rest = &rest[length..];
        }
        assert_eq!(next_frame(rest), Frame::Incomplete);
    }

    #[test]
    fn what_is_no_frame_is_noticed_as_soon_as_it_can_be() {
        for bytes in [
            b"\x80".as_slice(),
            b"\xff",
            b"\x16\x03\x01\x02\x00\x01",
            b"\x00\x01\x00\x03",
            b"\x00\x01\x00\x00\x22",
            b"\x00\x01\x00\x00\x21\x12\xa4\x43",
        ] {
            assert_eq!(next_frame(bytes), Frame::Broken, "{bytes:x?}");
        }
    }

    #[test]
    fn longer_frames_than_a_packet_are_refused_by_their_length() {
        let most = u16::try_from(PACKET_BYTES_MAX - 4).expect("fits") / 4 * 4;
        let channel = |length: u16| [&[0x40, 0x00], &length.to_be_bytes()[..]].concat();
        assert_eq!(next_frame(&channel(most)), Frame::Incomplete);
        assert_eq!(next_frame(&channel(most + 1)), Frame::Broken);
        assert_eq!(next_frame(&channel(u16::MAX)), Frame::Broken);
        let most = u16::try_from(PACKET_BYTES_MAX - HEADER_BYTES).expect("fits") / 4 * 4;
        let message = |length: u16| [&[0x00, 0x16], &length.to_be_bytes()[..]].concat();
        assert_eq!(next_frame(&message(most)), Frame::Incomplete);
        assert_eq!(next_frame(&message(most + 4)), Frame::Broken);
    }

    #[test]
    fn turn_and_http_are_told_apart_by_one_byte() {
        assert!(looks_like_turn(binding()[0]));
        // A method, a line that HTTP lets a client begin with (RFC 9112, section 2.2), and a TLS handshake.
        for first in [b'G', b'P', b'O', b'A', b'\r', b'\n', 0x16] {
            assert!(!looks_like_turn(first), "{first}");
        }
    }

    #[test]
    fn a_whole_frame_of_stun_is_a_message() {
        assert_eq!(next_frame(&binding()), Frame::Whole(binding().len()));
        assert!(Message::parse(&binding()).is_ok());
    }
}
