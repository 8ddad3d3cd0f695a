//! A client against answers made by hand.

use callbox_domain::testing::CountingRandom;

use super::*;
use crate::message::{Integrity, LongTermKey};

const REALM: &str = "callbox";
const PASSWORD: &str = "secret";

/// The nonces of a server that offers algorithms, and of one that is older.
const NEW: &str = "obMatJos2gAAAone";
const OLD: &str = "one";

/// MD5, then SHA-256.
const ALGORITHMS: [u8; 8] = [0, 1, 0, 0, 0, 2, 0, 0];

fn client() -> TurnClient {
    let password = Secret::new(PASSWORD.to_owned());
    TurnClient::new("ann", password, Arc::new(CountingRandom::default()), Transport::Udp)
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect(text)
}

/// The beginning of an answer to this request.
fn answer(request: &[u8], class: Class) -> Builder {
    let request = Message::parse(request).expect("good");
    Builder::new(class, request.method(), request.transaction_id())
}

fn challenge(request: &[u8], code: u16, nonce: &str) -> Builder {
    answer(request, Class::Error).error(code, "").text(attribute::REALM, REALM).text(attribute::NONCE, nonce)
}

fn signed(answer: Builder) -> Vec<u8> {
    answer.sign(Integrity::Sha256, LongTermKey::sha256("ann", REALM, PASSWORD).bytes()).finish()
}

/// The request that follows a challenge.
fn again(event: Result<Event<'_>, ClientError>) -> Vec<u8> {
    match event {
        Ok(Event::Challenged(request)) => request,
        other => panic!("no challenge: {other:?}"),
    }
}

/// A client that knows how to sign.
fn challenged() -> TurnClient {
    let mut client = client();
    let request = client.allocate(Family::V4);
    let refusal =
        challenge(&request, 401, NEW).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
    let request = again(client.handle(&refusal));
    let done = signed(allocated(&request));
    assert!(matches!(client.handle(&done), Ok(Event::Allocated { .. })));
    client
}

fn allocated(request: &[u8]) -> Builder {
    answer(request, Class::Success)
        .xor_address(attribute::XOR_RELAYED_ADDRESS, address("198.51.100.1:50000"))
        .xor_address(attribute::XOR_RELAYED_ADDRESS, address("[2001:db8::1]:50001"))
        .xor_address(attribute::XOR_MAPPED_ADDRESS, address("192.0.2.1:4000"))
        .attribute(attribute::LIFETIME, &600_u32.to_be_bytes())
}

#[test]
fn a_binding_tells_the_address_that_the_server_sees() {
    let mut client = client();
    let request = client.bind();
    let message = Message::parse(&request).expect("good");
    assert_eq!((message.class(), message.method()), (Class::Request, Method::Binding));
    let mapped = address("[2001:db8::7]:4000");
    let bytes = answer(&request, Class::Success).xor_address(attribute::XOR_MAPPED_ADDRESS, mapped).finish();
    assert_eq!(client.handle(&bytes), Ok(Event::Mapped(mapped)));
    assert_eq!(client.handle(&bytes), Err(ClientError::Unexpected), "once is enough");
}

#[test]
fn an_allocation_is_asked_for_again_with_the_stronger_code() {
    let mut client = client();
    let first = client.allocate(Family::Both);
    assert_eq!(Message::parse(&first).expect("good").integrity(), None);
    let refusal = challenge(&first, 401, NEW).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
    let second = again(client.handle(&refusal));
    let message = Message::parse(&second).expect("good");
    assert_ne!(message.transaction_id(), Message::parse(&first).expect("good").transaction_id());
    assert_eq!(message.text(attribute::USERNAME), Some("ann"));
    assert_eq!(message.text(attribute::REALM), Some(REALM));
    assert_eq!(message.text(attribute::NONCE), Some(NEW));
    assert_eq!(message.attribute(attribute::PASSWORD_ALGORITHMS), Some(&ALGORITHMS[..]));
    assert_eq!(message.attribute(attribute::PASSWORD_ALGORITHM), Some(&[0, 2, 0, 0][..]));
    assert_eq!(message.attribute(attribute::REQUESTED_TRANSPORT), Some(&[17, 0, 0, 0][..]));
    assert_eq!(message.attribute(attribute::ADDITIONAL_ADDRESS_FAMILY), Some(&[2, 0, 0, 0][..]));
    assert!(message.verify(Integrity::Sha256, LongTermKey::sha256("ann", REALM, PASSWORD).bytes()));
    let expected = Event::Allocated {
        relayed: vec![address("198.51.100.1:50000"), address("[2001:db8::1]:50001")],
        mapped: address("192.0.2.1:4000"),
        lifetime: Duration::from_mins(10),
    };
    assert_eq!(client.handle(&signed(allocated(&second))), Ok(expected));
}

#[test]
fn an_older_server_gets_the_older_code() {
    // Something after MD5 that only looks like SHA-256: it is a parameter.
    let md5_with_parameter = [0, 1, 0, 4, 0, 2, 0, 0];
    for (mut client, nonce, algorithms) in [
        (client(), OLD, None),
        (client(), NEW, Some(md5_with_parameter)),
        (client().sha1_only(), NEW, None),
        (client().sha1_only(), NEW, Some(ALGORITHMS)),
    ] {
        let mut refusal = challenge(&client.allocate(Family::V6), 401, nonce);
        if let Some(algorithms) = algorithms {
            refusal = refusal.attribute(attribute::PASSWORD_ALGORITHMS, &algorithms);
        }
        let request = again(client.handle(&refusal.finish()));
        let message = Message::parse(&request).expect("good");
        let key = LongTermKey::md5("ann", REALM, PASSWORD);
        assert!(message.verify(Integrity::Sha1, key.bytes()));
        assert_eq!(message.integrity(), Some(Integrity::Sha1));
        assert_eq!(message.attribute(attribute::PASSWORD_ALGORITHM), None);
        assert_eq!(message.attribute(attribute::REQUESTED_ADDRESS_FAMILY), Some(&[2, 0, 0, 0][..]));
        let done = allocated(&request).sign(Integrity::Sha1, key.bytes()).finish();
        assert!(matches!(client.handle(&done), Ok(Event::Allocated { .. })));
    }
}

#[test]
fn nobody_on_the_way_takes_the_stronger_code_away() {
    let mut client = client();
    let request = client.allocate(Family::V4);
    assert_eq!(client.handle(&challenge(&request, 401, NEW).finish()), Err(ClientError::BidDown));
    let honest =
        challenge(&request, 401, NEW).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
    again(client.handle(&honest));
}

#[test]
fn every_request_says_what_it_is_for() {
    let mut client = challenged();
    let peer = address("203.0.113.5:7000");
    let requests = [
        (
            client.refresh(Duration::from_mins(2)),
            Method::Refresh,
            Event::Refreshed { lifetime: Duration::from_mins(1) },
        ),
        (client.permit(peer), Method::CreatePermission, Event::Permitted),
        (client.bind_channel(0x4001, peer), Method::ChannelBind, Event::ChannelBound),
    ];
    let messages = requests.each_ref().map(|(bytes, ..)| Message::parse(bytes).expect("good"));
    assert_eq!(messages[0].attribute(attribute::LIFETIME), Some(&[0, 0, 0, 120][..]));
    assert_eq!(messages[1].xor_address(attribute::XOR_PEER_ADDRESS), Some(peer));
    assert_eq!(messages[2].xor_address(attribute::XOR_PEER_ADDRESS), Some(peer));
    assert_eq!(messages[2].attribute(attribute::CHANNEL_NUMBER), Some(&[0x40, 0x01, 0, 0][..]));
    // Answered in another order than they were asked in.
    for (request, method, expected) in requests.iter().rev() {
        let message = Message::parse(request).expect("good");
        assert_eq!((message.method(), message.integrity()), (*method, Some(Integrity::Sha256)));
        let done = answer(request, Class::Success).attribute(attribute::LIFETIME, &[0, 0, 0, 60]);
        assert_eq!(client.handle(&signed(done)).as_ref(), Ok(expected));
    }
}

#[test]
fn an_answer_without_the_password_is_dropped_and_the_right_one_awaited() {
    let mut client = challenged();
    let request = client.permit(address("203.0.113.5:7000"));
    let done = || answer(&request, Class::Success);
    let weaker = done().sign(Integrity::Sha1, LongTermKey::md5("ann", REALM, PASSWORD).bytes()).finish();
    let guessed = done().sign(Integrity::Sha256, LongTermKey::sha256("ann", REALM, "guess").bytes()).finish();
    let refused = answer(&request, Class::Error).error(403, "").finish();
    for forged in [done().finish(), weaker, guessed, refused] {
        assert_eq!(client.handle(&forged), Err(ClientError::Forged));
    }
    assert_eq!(client.handle(&signed(done())), Ok(Event::Permitted));
}

#[test]
fn a_stale_nonce_is_replaced_but_not_for_ever() {
    let mut client = challenged();
    let mut request = client.permit(address("203.0.113.5:7000"));
    for nonce in ["obMatJos2gAAAtwo", "obMatJos2gAAAthree"] {
        let stale =
            challenge(&request, 438, nonce).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
        request = again(client.handle(&stale));
        assert_eq!(Message::parse(&request).expect("good").text(attribute::NONCE), Some(nonce));
    }
    let stale = challenge(&request, 438, NEW).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
    assert_eq!(client.handle(&stale), Ok(Event::Refused { code: 438, reason: String::new() }));
}

#[test]
fn a_refusal_has_its_code_and_reason() {
    let mut client = challenged();
    let request = client.permit(address("127.0.0.1:7000"));
    let refused = signed(answer(&request, Class::Error).error(403, "Forbidden"));
    let expected = Event::Refused { code: 403, reason: "Forbidden".to_owned() };
    assert_eq!(client.handle(&refused), Ok(expected));
    // A wrong credential: asking a third time would change nothing.
    let request = client.refresh(Duration::ZERO);
    let refused =
        challenge(&request, 401, NEW).attribute(attribute::PASSWORD_ALGORITHMS, &ALGORITHMS).finish();
    assert_eq!(client.handle(&refused), Ok(Event::Refused { code: 401, reason: String::new() }));
}

#[test]
fn an_answer_that_lacks_something_is_none() {
    let mut client = client();
    let request = client.allocate(Family::V4);
    let long = "r".repeat(764);
    for incomplete in [
        answer(&request, Class::Error),
        answer(&request, Class::Error).error(401, ""),
        answer(&request, Class::Error).error(401, "").text(attribute::REALM, REALM),
        answer(&request, Class::Error)
            .error(401, "")
            .text(attribute::REALM, &long)
            .text(attribute::NONCE, OLD),
        answer(&request, Class::Success),
        allocated(&request).attribute(attribute::XOR_RELAYED_ADDRESS, b""),
    ] {
        assert_eq!(client.handle(&incomplete.finish()), Err(ClientError::Incomplete));
    }
    for other in [Method::Refresh, Method::Binding] {
        let id = Message::parse(&request).expect("good").transaction_id();
        let bytes = Builder::new(Class::Success, other, id).finish();
        assert_eq!(client.handle(&bytes), Err(ClientError::Unexpected));
    }
    assert_eq!(client.handle(&request), Err(ClientError::Unexpected), "a request is no answer");
}

#[test]
fn data_goes_both_ways() {
    let mut client = client();
    let peer = address("203.0.113.5:7000");
    let sent = client.send(peer, b"hello");
    let message = Message::parse(&sent).expect("good");
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::Send));
    assert_eq!(message.xor_address(attribute::XOR_PEER_ADDRESS), Some(peer));
    assert_eq!(message.attribute(attribute::DATA), Some(&b"hello"[..]));
    let received = Builder::new(Class::Indication, Method::Data, TransactionId([9; 12]))
        .xor_address(attribute::XOR_PEER_ADDRESS, peer)
        .attribute(attribute::DATA, b"hello")
        .finish();
    assert_eq!(client.handle(&received), Ok(Event::Data { peer, bytes: b"hello" }));
    assert_eq!(client.send_on_channel(0x4001, b"hello"), b"\x40\x01\x00\x05hello");
    client.transport = Transport::Stream;
    let sent = client.send_on_channel(0x4001, b"hello");
    assert_eq!(sent, b"\x40\x01\x00\x05hello\0\0\0");
    assert_eq!(client.handle(&sent), Ok(Event::ChannelData { channel: 0x4001, bytes: b"hello" }));
    assert_eq!(client.handle(&sent[..8]), Err(ParseError::Length.into()));
    assert_eq!(client.handle(b""), Err(ParseError::NotStun.into()));
}

#[test]
fn requests_that_nobody_answers_are_forgotten() {
    let mut client = client();
    let first = client.bind();
    for _ in 0..PENDING_MAX {
        client.bind();
    }
    assert_eq!(client.pending.len(), PENDING_MAX);
    assert_eq!(client.handle(&answer(&first, Class::Success).finish()), Err(ClientError::Unexpected));
    assert_eq!(format!("{client:?}"), "TurnClient { username: \"ann\", .. }");
}
