//! What holds for any message.

use proptest::prelude::*;

use super::*;

fn any_class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Request), Just(Class::Indication), Just(Class::Success), Just(Class::Error)]
}

fn any_integrity() -> impl Strategy<Value = Integrity> {
    prop_oneof![Just(Integrity::Sha1), Just(Integrity::Sha256)]
}

/// Attributes of kinds that have no meaning for the message itself.
fn any_attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let kind = any::<u16>().prop_filter("one with a meaning of its own", |kind| {
        ![attribute::MESSAGE_INTEGRITY, attribute::MESSAGE_INTEGRITY_SHA256, attribute::FINGERPRINT]
            .contains(kind)
    });
    prop::collection::vec((kind, prop::collection::vec(any::<u8>(), 0..40)), 0..8)
}

fn build(class: Class, method: Method, id: [u8; 12], attributes: &[(u16, Vec<u8>)]) -> Builder {
    let empty = Builder::new(class, method, TransactionId(id));
    attributes.iter().fold(empty, |builder, (kind, value)| builder.attribute(*kind, value))
}

proptest! {
    #[test]
    fn every_message_is_read_as_it_was_written(
        class in any_class(),
        bits in 0_u16..0x1000,
        id in any::<[u8; 12]>(),
        attributes in any_attributes(),
        integrity in prop::option::of(any_integrity()),
        fingerprint in any::<bool>(),
    ) {
        let method = class_and_method(message_type(class, Method::Other(bits))).1;
        let mut builder = build(class, method, id, &attributes);
        if let Some(integrity) = integrity {
            builder = builder.sign(integrity, b"key");
        }
        if fingerprint {
            builder = builder.fingerprint();
        }
        let bytes = builder.finish();
        let message = Message::parse(&bytes).expect("good");
        prop_assert_eq!((message.class(), message.method()), (class, method));
        prop_assert_eq!(message.transaction_id(), TransactionId(id));
        let read: Vec<_> = message.attributes().map(|(kind, value)| (kind, value.to_vec())).collect();
        for (kind, _) in &attributes {
            let range = message.range_of(*kind).expect("it is there");
            prop_assert_eq!(Some(&bytes[range]), message.attribute(*kind));
        }
        prop_assert_eq!(message.range_of(attribute::FINGERPRINT), None);
        prop_assert_eq!(read, attributes);
        prop_assert_eq!(message.integrity(), integrity);
        prop_assert!(integrity.is_none_or(|integrity| message.verify(integrity, b"key")));
    }

    #[test]
    fn every_type_is_a_class_and_a_method(bits in 0_u16..0x4000) {
        let (class, method) = class_and_method(bits);
        prop_assert_eq!(message_type(class, method), bits);
    }

    #[test]
    fn every_address_is_read_as_it_was_written(address in any::<SocketAddr>(), id in any::<[u8; 12]>()) {
        let plain = SocketAddr::new(address.ip(), address.port());
        let bytes = build(Class::Success, Method::Binding, id, &[])
            .xor_address(attribute::XOR_MAPPED_ADDRESS, address)
            .finish();
        let message = Message::parse(&bytes).expect("good");
        prop_assert_eq!(message.xor_address(attribute::XOR_MAPPED_ADDRESS), Some(plain));
    }

    #[test]
    fn no_other_byte_passes_for_what_was_signed(
        attributes in any_attributes(),
        integrity in any_integrity(),
        place in any::<prop::sample::Index>(),
        change in 1_u8..,
    ) {
        let mut bytes =
            build(Class::Request, Method::Refresh, ID.0, &attributes).sign(integrity, b"key").finish();
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        let passes = Message::parse(&bytes).is_ok_and(|message| message.verify(integrity, b"key"));
        prop_assert!(!passes, "byte {} of {}", place, bytes.len());
    }

    #[test]
    fn every_payload_is_wrapped_where_it_lies(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        peer in any::<SocketAddr>(),
        channel in CHANNELS,
        padded in any::<bool>(),
    ) {
        let range = crate::HEADROOM..crate::HEADROOM + payload.len();
        let mut buffer = vec![0xaa; range.end + TAILROOM];
        buffer[range.clone()].copy_from_slice(&payload);
        let mut other = buffer.clone();
        let whole = write_data_indication_head(&mut buffer, range.clone(), peer, ID);
        let message = Message::parse(&buffer[whole]).expect("good");
        prop_assert_eq!(message.attribute(attribute::DATA), Some(&payload[..]));
        let plain = SocketAddr::new(peer.ip(), peer.port());
        prop_assert_eq!(message.xor_address(attribute::XOR_PEER_ADDRESS), Some(plain));
        let whole = write_channel_head(&mut other, range, channel, padded);
        prop_assert!(!padded || whole.len().is_multiple_of(4));
        let frame = &other[whole];
        let (read, inside) = channel_data(frame).expect("good");
        prop_assert_eq!((read, &frame[inside]), (channel, &payload[..]));
    }
}
