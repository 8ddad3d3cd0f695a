//! Fuzz functions for what strangers send: each takes any bytes and must neither panic nor let in what nobody signed. Here
//! they run over a corpus and seeded mutations of it; a coverage-guided fuzzer can call the same functions.

use std::sync::Arc;
use std::time::Duration;

use callbox_domain::testing::{self, CountingRandom};
use callbox_domain::{Secret, Timestamp};
use proptest::prelude::*;

use crate::client::{Event, Family, Transport, TurnClient};
use crate::frames::{Frame, next_frame};
use crate::message::{
    Builder, Class, HEADER_BYTES, Integrity, LongTermKey, Message, Method, TransactionId, attribute,
    channel_data,
};
use crate::nonce::{NonceState, Nonces};
use crate::{Client, Now, PACKET_BYTES_MAX, Via};

/// A message: whether it is signed with [`KEY`]. What is read of it can be written again, and on a stream it is a frame.
fn message(bytes: &[u8]) -> bool {
    let Ok(message) = Message::parse(bytes) else { return false };
    let mut again = Builder::new(message.class(), message.method(), message.transaction_id());
    for (kind, value) in message.attributes() {
        again = again.attribute(kind, value);
        message.text(kind);
        message.xor_address(kind);
        assert!(message.attribute(kind).is_some());
    }
    let again = again.finish();
    let again = Message::parse(&again).expect("it was read before");
    assert!(again.attributes().eq(message.attributes()));
    assert_eq!(again.error(), message.error());
    message.unknown_required(&[]);
    if bytes.len() <= PACKET_BYTES_MAX {
        assert_eq!(next_frame(bytes), Frame::Whole(bytes.len()));
    }
    message.verify(Integrity::Sha1, KEY) || message.verify(Integrity::Sha256, KEY)
}

/// A stream: a whole frame is one of the two kinds, and no part of it is whole or broken.
fn frame(bytes: &[u8]) {
    let Frame::Whole(length) = next_frame(bytes) else { return };
    let whole = &bytes[..length];
    assert!((4..=PACKET_BYTES_MAX).contains(&length) && length.is_multiple_of(4));
    assert!(channel_data(whole).is_some() || length >= HEADER_BYTES);
    for cut in 0..length {
        assert_eq!(next_frame(&whole[..cut]), Frame::Incomplete);
    }
}

/// `ChannelData`: its payload is inside.
fn channel(bytes: &[u8]) {
    if let Some((_, payload)) = channel_data(bytes) {
        assert!(payload.start == 4 && payload.end <= bytes.len());
    }
}

/// A nonce: whether it is the one that was made.
fn nonce(bytes: &[u8]) -> bool {
    let (nonces, now, client) = nonces();
    nonces.check(now, client, bytes) != NonceState::NotOurs
}

/// An answer to a client that asked for an allocation, before it was challenged and after: whether it believes that it has
/// one.
fn answer(bytes: &[u8]) -> bool {
    let (mut stranger, first) = client();
    let believed = matches!(stranger.handle(bytes), Ok(Event::Allocated { .. }));
    assert!(!believed || bytes[8..HEADER_BYTES] == first[8..HEADER_BYTES]);
    let (mut known, ..) = challenged_client();
    matches!(known.handle(bytes), Ok(Event::Allocated { .. }))
}

/// Runs `check` over each of the corpus and its mutations, which are tried as they are, and as messages whose headers tell
/// their length.
pub fn mutate(corpus: &[&[u8]], mut check: impl FnMut(&[u8])) {
    for seed in corpus {
        check(seed);
    }
    testing::mutate(corpus, |input| {
        check(input);
        check(&as_message(input));
    });
}

/// The same bytes with a header that fits.
fn as_message(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().max(HEADER_BYTES).next_multiple_of(4), 0);
    bytes[0] &= 0x3f;
    let length = u16::try_from(bytes.len() - HEADER_BYTES).expect("short");
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    bytes
}

fn signed(integrity: Integrity) -> Vec<u8> {
    Builder::new(Class::Request, Method::CreatePermission, TransactionId([3; 12]))
        .xor_address(attribute::XOR_PEER_ADDRESS, "192.0.2.1:4000".parse().expect("an address"))
        .text(attribute::USERNAME, "ann")
        .error(420, "no")
        .sign(integrity, KEY)
        .finish()
}

fn nonces() -> (Nonces, Now, Client) {
    let now = Now { elapsed: Duration::from_mins(1), wall: Timestamp::from_millis(0) };
    let client = Client { via: Via::Udp(0), address: "192.0.2.1:4000".parse().expect("an address") };
    (Nonces::new([7; 32]), now, client)
}

/// A client, and its request for an allocation.
fn client() -> (TurnClient, Vec<u8>) {
    let (random, password) = (Arc::new(CountingRandom::default()), Secret::new("secret".to_owned()));
    let mut client = TurnClient::new("ann", password, random, Transport::Udp);
    let request = client.allocate(Family::V4);
    (client, request)
}

fn challenge() -> Vec<u8> {
    let (_, request) = client();
    let id = Message::parse(&request).expect("good").transaction_id();
    Builder::new(Class::Error, Method::Allocate, id)
        .error(401, "")
        .text(attribute::REALM, "callbox")
        .attribute(attribute::NONCE, b"obMatJos2gAAA")
        .attribute(attribute::PASSWORD_ALGORITHMS, &[0, 1, 0, 0, 0, 2, 0, 0])
        .finish()
}

/// A client that signed its request, and the answer that it waits for.
fn challenged_client() -> (TurnClient, Vec<u8>) {
    let (mut client, _) = client();
    let challenge = challenge();
    let Ok(Event::Challenged(request)) = client.handle(&challenge) else { panic!("a good challenge") };
    let id = Message::parse(&request).expect("good").transaction_id();
    let address = "192.0.2.1:4000".parse().expect("an address");
    let answer = Builder::new(Class::Success, Method::Allocate, id)
        .xor_address(attribute::XOR_RELAYED_ADDRESS, address)
        .xor_address(attribute::XOR_MAPPED_ADDRESS, address)
        .attribute(attribute::LIFETIME, &[0, 0, 2, 88])
        .sign(Integrity::Sha256, LongTermKey::sha256("ann", "callbox", "secret").bytes())
        .finish();
    (client, answer)
}

/// Whether both say the same but for what stands after the code of `signed`.
fn says_the_same(input: &[u8], signed: &[u8]) -> bool {
    // The length in the header counts what does not matter too.
    input.len() >= signed.len() && input[..2] == signed[..2] && input[4..signed.len()] == signed[4..]
}

const KEY: &[u8] = b"key";

#[test]
fn mutated_messages_pass_for_nobodys() {
    for good in [signed(Integrity::Sha1), signed(Integrity::Sha256)] {
        assert!(message(&good));
        mutate(&[&good], |input| {
            assert!(!message(input) || says_the_same(input, &good), "{input:x?}");
        });
    }
    let plain = Builder::new(Class::Request, Method::Binding, TransactionId([1; 12])).fingerprint().finish();
    mutate(&[&plain, &challenge(), b""], |input| assert!(!message(input), "{input:x?}"));
}

#[test]
fn mutated_streams_and_channels_stay_within_their_bytes() {
    let data = b"\x40\x01\x00\x05hello\0\0\0\x40\x02\x00\x00";
    let two = [&signed(Integrity::Sha1)[..], data].concat();
    mutate(&[data, &two, b"\x4f\xff\xff\xff", b""], |input| {
        frame(input);
        channel(input);
    });
}

#[test]
fn mutated_nonces_are_not_ours() {
    let (nonces, now, client) = nonces();
    let good = nonces.make(now, client);
    assert!(nonce(&good));
    mutate(&[&good, b"obMatJos2gAAA", b""], |input| {
        assert!(!nonce(input) || input == good, "{}", String::from_utf8_lossy(input));
    });
}

#[test]
fn mutated_answers_convince_no_client() {
    let (_, good) = challenged_client();
    assert!(answer(&good));
    mutate(&[&good, &challenge(), data_indication().as_slice(), b"\x40\x00\x00\x01a"], |input| {
        assert!(!answer(input) || says_the_same(input, &good), "{input:x?}");
    });
}

fn data_indication() -> Vec<u8> {
    Builder::new(Class::Indication, Method::Data, TransactionId([1; 12]))
        .xor_address(attribute::XOR_PEER_ADDRESS, "[2001:db8::1]:4000".parse().expect("an address"))
        .attribute(attribute::DATA, b"hello")
        .finish()
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for bytes in [&bytes, &as_message(&bytes)] {
            prop_assert!(!message(bytes));
            frame(bytes);
            channel(bytes);
            prop_assert!(!nonce(bytes));
            prop_assert!(!answer(bytes));
        }
    }
}
