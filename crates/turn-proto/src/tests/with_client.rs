//! The client of this crate and the server understand each other.

use std::net::SocketAddr;
use std::time::Duration;

use callbox_domain::Secret;

use super::world::*;
use crate::client::{Event, Family, Transport, TurnClient};
use crate::credential::Credential;
use crate::{Client, RelayPort, Via};

/// A client, and what it heard last.
struct Caller {
    client: Client,
    turn: TurnClient,
}

impl Caller {
    fn new(world: &World, via: Via, address: &str, sha1_only: bool) -> Self {
        let credential = Credential::new(world.now.wall, "ses_ann", "1.call");
        let password = Secret::new(credential.password(&world.key).into_exposed());
        let transport = if via.is_stream() { Transport::Stream } else { Transport::Udp };
        let seed = u64::from(socket(address).port());
        let turn = TurnClient::new(credential.username(), password, Seeded::new(seed), transport);
        let turn = if sha1_only { turn.sha1_only() } else { turn };
        Self { client: Client { via, address: socket(address) }, turn }
    }

    /// Sends a request, and once more when it is asked who it is; the last answer.
    fn ask(&mut self, world: &mut World, request: &[u8]) -> Event<'static> {
        let mut request = request.to_vec();
        for _ in 0..3 {
            let before = world.done.len();
            world.send(self.client, &request);
            let message = Answer::only(&world.done[before..]).message;
            match self.turn.handle(&message).expect("an answer") {
                Event::Challenged(again) => request = again,
                Event::Data { .. } | Event::ChannelData { .. } => panic!("no answer"),
                Event::Mapped(address) => return Event::Mapped(address),
                Event::Allocated { relayed, mapped, lifetime } => {
                    return Event::Allocated { relayed, mapped, lifetime };
                }
                Event::Refreshed { lifetime } => return Event::Refreshed { lifetime },
                Event::Permitted => return Event::Permitted,
                Event::ChannelBound => return Event::ChannelBound,
                Event::Refused { code, reason } => return Event::Refused { code, reason },
            }
        }
        panic!("asked three times who it is");
    }
}

fn relay_of(relayed: SocketAddr) -> RelayPort {
    RelayPort { address: u16::from(relayed.is_ipv6()), port: relayed.port() }
}

fn converse(via: Via, sha1_only: bool) {
    let mut world = World::new();
    let mut ann = Caller::new(&world, via, "9.9.9.9:4000", sha1_only);
    let request = ann.turn.bind();
    assert_eq!(ann.ask(&mut world, &request), Event::Mapped(ann.client.address));
    let request = ann.turn.allocate(Family::Both);
    let Event::Allocated { relayed, mapped, lifetime } = ann.ask(&mut world, &request) else {
        panic!("refused")
    };
    assert_eq!((mapped, lifetime), (ann.client.address, Duration::from_mins(10)));
    for (relayed, peer) in relayed.iter().zip(["1.1.1.1:7000", "[2606:4700::1111]:7000"]) {
        let (relay, peer) = (relay_of(*relayed), socket(peer));
        let request = ann.turn.permit(peer);
        assert_eq!(ann.ask(&mut world, &request), Event::Permitted);
        let sent = ann.turn.send(peer, b"hello");
        assert_eq!(world.send(ann.client, &sent), [Done::ToPeer(relay, peer, b"hello".to_vec())]);
        let done = world.peer_sends(relay, peer, b"world");
        let [Done::ToClient(_, bytes)] = &done[..] else { panic!("{done:?}") };
        assert_eq!(ann.turn.handle(bytes), Ok(Event::Data { peer, bytes: b"world" }));

        let channel = 0x4000 + relay.address;
        let request = ann.turn.bind_channel(channel, peer);
        assert_eq!(ann.ask(&mut world, &request), Event::ChannelBound);
        let sent = ann.turn.send_on_channel(channel, b"hello");
        assert_eq!(world.send(ann.client, &sent), [Done::ToPeer(relay, peer, b"hello".to_vec())]);
        let done = world.peer_sends(relay, peer, b"world");
        let [Done::ToClient(_, bytes)] = &done[..] else { panic!("{done:?}") };
        assert_eq!(ann.turn.handle(bytes), Ok(Event::ChannelData { channel, bytes: b"world" }));
    }
    let request = ann.turn.permit(socket("127.0.0.1:80"));
    let answer = ann.ask(&mut world, &request);
    assert!(matches!(answer, Event::Refused { code: 403, .. }), "{answer:?}");
    world.advance(Duration::from_secs(590));
    let request = ann.turn.refresh(Duration::from_mins(20));
    assert_eq!(ann.ask(&mut world, &request), Event::Refreshed { lifetime: Duration::from_mins(20) });
    world.advance(Duration::from_mins(19));
    let request = ann.turn.refresh(Duration::ZERO);
    let answer = ann.ask(&mut world, &request);
    assert_eq!(
        answer,
        Event::Refreshed { lifetime: Duration::ZERO },
        "with the fresh nonce that it was given"
    );
    assert!(world.open.is_empty());
}

#[test]
fn whole_conversations_go_through_over_every_transport_and_with_every_signature() {
    for via in [Via::Udp(0), Via::Tcp(1), Via::Tls(2)] {
        for sha1_only in [false, true] {
            converse(via, sha1_only);
        }
    }
}
