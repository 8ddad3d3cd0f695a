//! Fuzz functions for what strangers hand in: each takes any bytes, and must neither panic nor let anybody do what nobody
//! signed. Here they run over a corpus and seeded mutations of it; a coverage-guided fuzzer can call the same functions.

use callbox_domain::Random as _;

use super::world::*;
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

/// Runs `check` over mutations of each of the corpus: bytes changed, removed, repeated and put in.
fn mutate(corpus: &[Vec<u8>], mut check: impl FnMut(&[u8])) {
    let random = Seeded::new(2_026);
    let number = |below: usize| {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        usize::try_from(u32::from_le_bytes(bytes)).expect("a word") % below.max(1)
    };
    for seed in corpus {
        for _ in 0..MUTATIONS {
            let mut input = seed.clone();
            for _ in 0..=number(4) {
                let place = number(input.len());
                let byte = u8::try_from(number(256)).expect("a byte");
                match number(4) {
                    0 if !input.is_empty() => input[place] = byte,
                    1 if !input.is_empty() => drop(input.remove(place)),
                    2 => input.insert(place, byte),
                    _ => input.extend_from_within(..place),
                }
            }
            if input != *seed {
                check(&input);
            }
        }
    }
}

const MUTATIONS: usize = 1_000;

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

#[test]
fn mutated_packets_of_clients_change_nothing() {
    for via in [Via::Udp(0), Via::Tcp(1)] {
        let mut world = World::new();
        let ann = world.user_via(via, "9.9.9.9:4000", "ses_ann", "");
        let bob = world.user_via(Via::Udp(0), "9.9.9.8:4000", "ses_bob", "");
        world.allocated(&ann);
        assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
        mutate(&corpus(&ann), |input| {
            from_client(&mut world, &ann, input);
            if world.open.is_empty() {
                world.allocated(&ann);
                assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
            }
            world.done.clear();
        });
        mutate(&corpus(&bob), |input| {
            from_client(&mut world, &bob, input);
            world.done.clear();
        });
    }
}

#[test]
fn mutated_packets_of_peers_are_relayed_as_they_are() {
    let mut world = World::with(|settings| settings.limits.bytes_per_second = std::num::NonZeroU32::MAX);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.permit(&ann, &["1.1.1.1:7000"]).error, None);
    mutate(&corpus(&ann), |input| {
        from_peer(&mut world, relay, input);
        world.done.clear();
    });
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    mutate(&corpus(&ann), |input| {
        from_peer(&mut world, relay, input);
        world.done.clear();
    });
}
