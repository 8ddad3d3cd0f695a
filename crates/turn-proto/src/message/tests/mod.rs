//! Messages against each other.

mod properties;
mod rules;
mod vectors;

use super::*;

const ID: TransactionId = TransactionId(*b"transaction!");

const PEER: &str = "[2001:db8::17]:4000";

fn peer() -> SocketAddr {
    PEER.parse().expect("an address")
}

#[test]
fn a_message_is_read_as_it_was_written() {
    let key = LongTermKey::md5("ann", "callbox", "secret");
    let bytes = Builder::new(Class::Error, Method::CreatePermission, ID)
        .text(attribute::REALM, "callbox")
        .text(attribute::REALM, "another")
        .xor_address(attribute::XOR_PEER_ADDRESS, peer())
        .error(438, "Stale Nonce")
        .sign(Integrity::Sha1, key.bytes())
        .sign(Integrity::Sha256, key.bytes())
        .fingerprint()
        .finish();
    let message = Message::parse(&bytes).expect("good");
    assert_eq!((message.class(), message.method()), (Class::Error, Method::CreatePermission));
    assert_eq!(message.transaction_id(), ID);
    assert_eq!(message.text(attribute::REALM), Some("callbox"), "the first counts");
    assert_eq!(message.xor_address(attribute::XOR_PEER_ADDRESS), Some(peer()));
    assert_eq!(message.error(), Some((438, "Stale Nonce".into())));
    assert_eq!(message.integrity(), Some(Integrity::Sha256));
    assert!(message.verify(Integrity::Sha1, key.bytes()));
    assert!(message.verify(Integrity::Sha256, key.bytes()));
    assert!(!message.verify(Integrity::Sha256, b"another"));
    assert_eq!(message.attributes().count(), 4);
}

#[test]
fn a_data_indication_is_written_around_its_payload() {
    for peer in [peer(), "192.0.2.7:9".parse().expect("an address")] {
        let mut buffer = [0xaa; 100];
        buffer[60..65].copy_from_slice(b"hello");
        let range = write_data_indication_head(&mut buffer, 60..65, peer, ID);
        assert!(60 - range.start <= crate::HEADROOM);
        let expected = Builder::new(Class::Indication, Method::Data, ID)
            .xor_address(attribute::XOR_PEER_ADDRESS, peer)
            .attribute(attribute::DATA, b"hello")
            .finish();
        assert_eq!(buffer[range.clone()], expected);
        assert!(buffer[..range.start].iter().chain(&buffer[range.end..]).all(|byte| *byte == 0xaa));
    }
}

#[test]
fn channel_data_is_written_around_its_payload() {
    let mut buffer = [0xaa; 20];
    buffer[8..13].copy_from_slice(b"hello");
    assert_eq!(write_channel_head(&mut buffer, 8..13, 0x4001, false), 4..13);
    assert_eq!(&buffer[4..13], b"\x40\x01\x00\x05hello");
    assert_eq!(buffer[13], 0xaa, "a datagram is not padded");
    assert_eq!(channel_data(&buffer[4..13]), Some((0x4001, 4..9)));
    assert_eq!(write_channel_head(&mut buffer, 8..13, 0x4fff, true), 4..16);
    assert_eq!(&buffer[4..17], b"\x4f\xff\x00\x05hello\0\0\0\xaa");
    assert_eq!(channel_data(&buffer[4..16]), Some((0x4fff, 4..9)));
    assert_eq!(channel_data(&buffer[4..12]), None, "it is cut short");
    assert_eq!(channel_data(b"\x80\x00\x00\x00"), None, "a reserved number");
    assert_eq!(channel_data(b"\x40\x00\x00\x00"), Some((0x4000, 4..4)));
}
