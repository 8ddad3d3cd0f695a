//! Fuzz functions for what strangers hand in: each takes any bytes, and must neither panic nor let anybody do what nobody
//! signed. Here they run over a corpus and seeded mutations of it; a coverage-guided fuzzer can call the same functions.

use super::world::*;
use crate::fuzz::mutate;
use crate::message::{Builder, Class, Message, Method, TransactionId, attribute};
use crate::{RelayPort, Via};

/// A packet of a client: it opens nothing and closes nothing, unless the client signed it. What comes after a signature does
/// not count and may be anything.
fn from_client(world: &mut World, user: &User, bytes: &[u8]) {
    let client = user.client;
    if Message::parse(bytes).is_ok_and(|message| message.verify(user.integrity, user.key().bytes())) {
        world.send(client, bytes);
        return;
    }
    let before = (world.open.clone(), world.server.figures().permissions);
    let done = world.send(client, bytes);
    let after = (world.open.clone(), world.server.figures().permissions);
    if !done.contains(&Done::Disconnected(client)) {
        assert_eq!(before, after, "{bytes:x?}");
    }
    assert!(done.len() <= 2, "{done:?}");
    for done in done {
        assert!(!matches!(done, Done::Opened(_)), "{bytes:x?}");
    }
}

/// A packet of a peer: it goes to one client or nowhere, and what goes is what came.
fn from_peer(world: &mut World, relay: RelayPort, bytes: &[u8]) {
    let done = world.peer_sends(relay, socket("1.1.1.1:7000"), bytes);
    assert!(done.len() <= 1, "{done:?}");
    for done in done {
        let Done::ToClient(_, sent) = done else { panic!("{done:?}") };
        assert!(sent.windows(bytes.len().max(1)).any(|part| part == bytes) || bytes.is_empty());
    }
}

/// What a client sends in its life, signed where that is due.
fn corpus(user: &User) -> Vec<Vec<u8>> {
    let id = TransactionId([5; 12]);
    let send = peer(Builder::new(Class::Indication, Method::Send, id), "1.1.1.1:7000");
    vec![
        Vec::new(),
        user.request(id, Method::Allocate, |request| family(lifetime(udp(request), 600), 1)),
        user.request(id, Method::Refresh, |request| lifetime(request, 0)),
        user.request(id, Method::CreatePermission, |request| peer(request, "1.1.1.9:7000")),
        user.request(id, Method::ChannelBind, |request| channel(peer(request, "1.1.1.9:7000"), 0x4003)),
        Builder::new(Class::Request, Method::Binding, id).fingerprint().finish(),
        send.attribute(attribute::DATA, b"hello").finish(),
        channel_data(0x4000, b"hello"),
        channel_data(0x4000, b"four"),
    ]
}

fn slices(corpus: &[Vec<u8>]) -> Vec<&[u8]> {
    corpus.iter().map(Vec::as_slice).collect()
}

#[test]
fn mutated_packets_of_clients_change_nothing() {
    for via in [Via::Udp(0), Via::Tcp(1)] {
        let mut world = World::new();
        let ann = world.user_via(via, "9.9.9.9:4000", "ses_ann", "");
        mutate(&slices(&corpus(&ann)), |input| {
            // Some inputs rightly end it.
            if world.open.is_empty() {
                world.allocated(&ann);
                assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
            }
            from_client(&mut world, &ann, input);
            world.done.clear();
        });
    }
}

#[test]
fn mutated_packets_of_strangers_leave_nothing() {
    let mut world = World::new();
    let bob = world.user("9.9.9.8:4000", "ses_bob", "");
    let stranger = User { password: "guessed".to_owned(), ..bob };
    mutate(&slices(&corpus(&stranger)), |input| {
        let done = world.send(stranger.client, input);
        assert!(matches!(&done[..], [] | [Done::ToClient(..)]), "{done:?}");
        assert_eq!(world.server.deadline(), None);
        world.done.clear();
    });
}

#[test]
fn mutated_packets_of_peers_are_relayed_as_they_are() {
    let mut world = World::with(|settings| settings.limits.bytes_per_second = std::num::NonZeroU32::MAX);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.permit(&ann, &["1.1.1.1:7000"]).error, None);
    mutate(&slices(&corpus(&ann)), |input| {
        from_peer(&mut world, relay, input);
        world.done.clear();
    });
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    mutate(&slices(&corpus(&ann)), |input| {
        from_peer(&mut world, relay, input);
        world.done.clear();
    });
}
