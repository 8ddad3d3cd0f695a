//! Who is let in, and what strangers are told.

use std::time::Duration;

use callbox_domain::Timestamp;
use proptest::prelude::*;

use super::world::*;
use crate::credential::{Credential, CredentialKey};
use crate::message::{Builder, Class, Integrity, Message, Method, TransactionId, attribute};
use crate::{Client, Now, Via};

fn stranger(address: &str) -> Client {
    Client { via: Via::Udp(0), address: socket(address) }
}

fn unsigned(method: Method) -> Vec<u8> {
    Builder::new(Class::Request, method, TransactionId([9; 12])).finish()
}

#[test]
fn who_shows_no_credential_is_asked_for_one_in_96_bytes() {
    let mut world = World::new();
    for method in [Method::Allocate, Method::Refresh, Method::CreatePermission, Method::ChannelBind] {
        let done = world.send(stranger("9.9.9.9:4000"), &unsigned(method));
        let answer = Answer::only(&done);
        assert_eq!(answer.error, Some(401));
        assert_eq!(answer.message.len(), 96);
        assert_eq!(answer.bytes(attribute::REALM).expect("a realm"), b"callbox");
        assert_eq!(answer.bytes(attribute::NONCE).expect("a nonce").len(), 32);
        assert_eq!(
            answer.bytes(attribute::PASSWORD_ALGORITHMS).expect("algorithms"),
            [0, 1, 0, 0, 0, 2, 0, 0]
        );
        assert_eq!(answer.bytes(attribute::SOFTWARE), None);
    }
}

#[test]
fn every_way_to_sign_is_understood_and_answered_alike() {
    let mut world = World::new();
    for (number, (integrity, with_sha256)) in [
        (Integrity::Sha1, false),
        (Integrity::Sha1, true),
        (Integrity::Sha256, false),
        (Integrity::Sha256, true),
    ]
    .into_iter()
    .enumerate()
    {
        let ann = world.user(&format!("9.9.9.{number}:4000"), "ses_ann", "");
        let ann = User { integrity, with_sha256, ..ann };
        let answer = world.allocate(&ann);
        assert_eq!(answer.error, None);
        assert_eq!(Message::parse(&answer.message).expect("a message").integrity(), Some(integrity));
        assert_eq!(world.refresh(&ann, 600).error, None);
    }
}

#[test]
fn a_request_that_lacks_what_must_go_with_a_signature_is_a_bad_one() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let all = [
        (attribute::USERNAME, ann.username.as_bytes()),
        (attribute::REALM, &b"callbox"[..]),
        (attribute::NONCE, &ann.nonce),
    ];
    for missing in 0..3 {
        let mut request = udp(Builder::new(Class::Request, Method::Allocate, TransactionId([1; 12])));
        for (_, (kind, value)) in all.iter().enumerate().filter(|(place, _)| *place != missing) {
            request = request.attribute(*kind, value);
        }
        let done = world.send(ann.client, &request.sign(Integrity::Sha1, ann.key().bytes()).finish());
        let answer = Answer::only(&done);
        assert_eq!(answer.error, Some(400), "without {missing}");
        assert!(answer.message.len() <= 96);
    }
}

#[test]
fn an_offer_that_was_tampered_with_is_noticed() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let offer = attribute::PASSWORD_ALGORITHMS;
    let choice = attribute::PASSWORD_ALGORITHM;
    let both = [0, 1, 0, 0, 0, 2, 0, 0];
    for attributes in [
        &[(offer, &both[..])][..],
        &[(choice, &[0, 1, 0, 0])],
        &[(offer, &both[..4]), (choice, &[0, 1, 0, 0])],
        &[(offer, &both), (choice, &[0, 3, 0, 0])],
        &[(offer, &both), (choice, &[0, 1, 0, 1, 0, 0, 0, 0])],
    ] {
        let id = world.transaction();
        let request = ann.request(id, Method::Allocate, |request| {
            attributes.iter().fold(udp(request), |request, (kind, value)| request.attribute(*kind, value))
        });
        let done = world.send(ann.client, &request);
        assert_eq!(Answer::only(&done).error, Some(400), "{attributes:?}");
    }
    let md5 = |request| udp(request).attribute(offer, &both).attribute(choice, &[0, 1, 0, 0]);
    assert_eq!(world.ask(&ann, Method::Allocate, md5).error, None);
}

#[test]
fn wrong_foreign_and_other_peoples_credentials_are_refused() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let foreign = Credential::new(world.now.wall, "ses_ann", "").password(&CredentialKey::new([8; 32]));
    let bob = world.user("9.9.9.9:4000", "ses_bob", "");
    for user in [
        User { password: "wrong".to_owned(), ..ann.clone() },
        User { password: foreign.into_exposed(), ..ann.clone() },
        User { username: bob.username.clone(), ..ann.clone() },
        User { username: "ann".to_owned(), ..ann.clone() },
        User { username: format!("0{}", ann.username), ..ann.clone() },
        User { username: String::new(), ..ann.clone() },
    ] {
        let answer = world.allocate(&user);
        assert_eq!((answer.error, answer.message.len()), (Some(401), 96), "{}", user.username);
    }
    assert_eq!(world.open.len(), 0);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.allocate(&ann).error, None);
    assert_eq!(world.refresh(&bob, 600).error, Some(441), "bob has a credential, but this is ann's");
    assert_eq!(world.refresh(&bob, 0).error, Some(441));
    assert_eq!(world.permit(&bob, &["1.1.1.1:0"]).error, Some(441));
    assert_eq!(world.bind(&bob, 0x4000, "1.1.1.1:7").error, Some(441));
}

#[test]
fn a_nonce_grows_stale_and_is_of_one_client() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.ask(&ann, Method::Allocate, |request| lifetime(udp(request), 3_600)).error, None);
    world.advance(Duration::from_secs(601));
    let answer = world.refresh(&ann, 3_600);
    assert_eq!((answer.error, answer.message.len()), (Some(438), 96));
    let ann = User { nonce: answer.bytes(attribute::NONCE).expect("a nonce"), ..ann };
    assert_eq!(world.refresh(&ann, 3_600).error, None);
    let elsewhere = User { client: stranger("9.9.9.9:4001"), ..ann };
    assert_eq!(world.refresh(&elsewhere, 3_600).error, Some(438));
    let wrong = User { password: "wrong".to_owned(), ..elsewhere };
    assert_eq!(world.refresh(&wrong, 3_600).error, Some(401), "both are wrong");
}

#[test]
fn a_credential_opens_allocations_until_it_expires_and_they_live_on() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let late = world.user("9.9.9.9:4001", "ses_ann", "");
    assert_eq!(world.allocate(&ann).error, None);
    world.advance(Duration::from_secs(599));
    assert_eq!(world.refresh(&ann, 3_600).error, None);
    let at_the_last_moment = User { client: late.client, ..late.clone() };
    assert_eq!(world.allocate(&at_the_last_moment).error, None);
    assert_eq!(world.refresh(&at_the_last_moment, 0).error, None);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.allocate(&late).error, Some(401));
    world.advance(Duration::from_mins(30));
    let ann = User { nonce: world.server_nonce(ann.client), ..ann };
    assert_eq!(world.refresh(&ann, 3_600).error, None);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
}

#[test]
fn a_credential_from_before_the_start_is_refused() {
    let mut world = World::new();
    let now = world.now;
    world.now = Now { wall: Timestamp::from_millis(now.wall.as_millis() - 1_000), ..now };
    let early = world.user("9.9.9.9:4000", "ses_ann", "");
    world.now = now;
    // The clock was never behind the start where an allocation was asked for.
    assert_eq!(world.allocate(&early).error, Some(401));
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.allocate(&ann).error, None);
}

#[test]
fn binding_needs_no_credential_and_a_signature_is_not_looked_at() {
    let mut world = World::new();
    for (address, length) in [("9.9.9.9:4000", 40), ("[2606:4700::1]:4000", 52)] {
        let answer = Answer::only(&world.send(stranger(address), &unsigned(Method::Binding)));
        assert_eq!(answer.address(attribute::XOR_MAPPED_ADDRESS), socket(address));
        assert_eq!(answer.message.len(), length);
    }
    let signed = Builder::new(Class::Request, Method::Binding, TransactionId([9; 12]))
        .text(attribute::USERNAME, "somebody")
        .sign(Integrity::Sha1, b"any")
        .fingerprint()
        .finish();
    assert_eq!(Answer::only(&world.send(stranger("9.9.9.9:4000"), &signed)).error, None);
    let strange = Builder::new(Class::Request, Method::Binding, TransactionId([9; 12])).attribute(3, &[0; 4]);
    let answer = Answer::only(&world.send(stranger("9.9.9.9:4000"), &strange.finish()));
    assert_eq!(answer.error, Some(420));
    assert_eq!(answer.bytes(attribute::UNKNOWN_ATTRIBUTES).expect("a list"), [0, 3]);
    assert_eq!(world.server.figures().bindings, 3);
    let indication = Builder::new(Class::Indication, Method::Binding, TransactionId([9; 12]));
    assert_eq!(world.send(stranger("9.9.9.9:4000"), &indication.finish()), []);
}

#[test]
fn strangers_are_answered_so_often_and_whoever_is_known_always() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    world.allocated(&ann);
    world.advance(Duration::from_secs(1));
    let answered = |world: &mut World, client: Client, request: &[u8]| {
        (0..100).filter(|_| !world.send(client, request).is_empty()).count()
    };
    let before = world.server.figures().unauthorized;
    assert_eq!(answered(&mut world, stranger("9.9.9.9:5000"), &unsigned(Method::Allocate)), 10);
    assert_eq!(world.server.figures().unauthorized, before + 100);
    assert_eq!(world.server.figures().answers_withheld, 90);
    assert_eq!(
        answered(&mut world, stranger("9.9.9.9:5001"), &unsigned(Method::Binding)),
        0,
        "the same host"
    );
    assert_eq!(answered(&mut world, stranger("9.9.9.8:5001"), &unsigned(Method::Binding)), 10);
    assert_eq!(answered(&mut world, ann.client, &unsigned(Method::Binding)), 100, "it has an allocation");
    let stream = Client { via: Via::Tcp(1), address: socket("9.9.9.9:5002") };
    assert_eq!(answered(&mut world, stream, &unsigned(Method::Allocate)), 100, "nobody forges a stream");
    assert_eq!(world.refresh(&ann, 600).error, None);
}

/// Attributes as a stranger may send them.
fn attributes() -> impl Strategy<Value = Vec<(u16, Vec<u8>)>> {
    let kind = prop_oneof![0_u16..0x30, 0x8000_u16..0x8030, any::<u16>()];
    prop::collection::vec((kind, prop::collection::vec(any::<u8>(), 0..40)), 0..40)
}

proptest! {
    #[test]
    fn no_answer_to_a_stranger_is_longer_than_96_bytes(
        attributes in attributes(),
        method in 0_u16..12,
        v6 in any::<bool>(),
        signed in any::<bool>(),
    ) {
        let methods = [Method::Binding, Method::Allocate, Method::Refresh, Method::CreatePermission, Method::ChannelBind];
        let method = methods.get(usize::from(method)).copied().unwrap_or(Method::Other(method));
        let mut request = Builder::new(Class::Request, method, TransactionId([3; 12]));
        for (kind, value) in &attributes {
            request = request.attribute(*kind, value);
        }
        if signed {
            request = request.sign(Integrity::Sha1, b"guessed").fingerprint();
        }
        let mut world = World::new();
        let client = stranger(if v6 { "[2606:4700::1]:4000" } else { "9.9.9.9:4000" });
        let done = world.send(client, &request.finish());
        prop_assert!(done.len() <= 1);
        for done in done {
            let Done::ToClient(to, bytes) = done else { panic!("{done:?}") };
            prop_assert_eq!(to, client);
            prop_assert!(bytes.len() <= 96, "{} bytes", bytes.len());
        }
        prop_assert_eq!(world.server.deadline(), None);
    }
}
