//! Over UDP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use callbox_media::RelayBinding;
use callbox_turn_proto::client::{Event, Family, TurnClient};

use crate::support::{Client, Peer, World};

#[test]
fn a_client_learns_its_address() {
    let world = World::new();
    let mut client = world.over_udp();
    let Event::Mapped(address) = client.ask(TurnClient::bind) else { panic!("no address") };
    assert_eq!(Some(address), client.local_address());
}

#[test]
fn a_channel_carries_packets_both_ways() {
    let world = World::new();
    channel_both_ways(&world, &mut world.over_udp());
}

#[test]
fn indications_carry_packets_both_ways() {
    let world = World::new();
    indications_both_ways(&world, &mut world.over_udp());
}

#[test]
fn ipv6_is_relayed_as_well() {
    if !has_ipv6() {
        return;
    }
    let world = World::at(Ipv6Addr::LOCALHOST.into());
    channel_both_ways(&world, &mut world.over_udp());
    indications_both_ways(&world, &mut world.over_udp());
}

#[test]
fn a_client_may_have_addresses_of_both_families() {
    if !has_ipv6() {
        return;
    }
    let here = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
    let world =
        World::with(here[0], here.map(|address| RelayBinding { public: address, bind: address }).into());
    let mut client = world.over_udp();
    let Event::Allocated { relayed, .. } = client.ask(|turn| turn.allocate(Family::Both)) else {
        panic!("no allocation")
    };
    assert_eq!(relayed.iter().map(SocketAddr::ip).collect::<Vec<_>>(), here);
    for relayed in relayed {
        let peer = Peer::at(relayed.ip());
        client.permit(peer.address());
        peer.send(relayed, b"hello");
        assert_eq!(client.hear(), Event::Data { peer: peer.address(), bytes: b"hello" });
        let well = client.turn.send(peer.address(), b"well");
        client.send(&well);
        assert_eq!(peer.hear(), (b"well".to_vec(), relayed));
    }
}

#[test]
fn behind_a_nat_the_public_address_is_told_and_the_private_one_is_bound() {
    let (public, bind) = (IpAddr::from([203, 0, 113, 7]), Ipv4Addr::LOCALHOST.into());
    let world = World::with(bind, vec![RelayBinding { public, bind }]);
    let peer = world.peer();
    let mut client = world.over_udp();
    let relayed = client.allocate();
    assert_eq!(relayed.ip(), public);
    client.permit(peer.address());
    // As the NAT would send it on.
    peer.send(SocketAddr::new(bind, relayed.port()), b"hello");
    assert_eq!(client.hear(), Event::Data { peer: peer.address(), bytes: b"hello" });
}

#[test]
fn clients_of_one_relay_reach_each_other() {
    let world = World::new();
    let (mut ann, mut ben) = (world.over_udp(), world.over_udp());
    let (to_ann, to_ben) = (ann.allocate(), ben.allocate());
    ann.permit(to_ben);
    assert_eq!(ben.ask(|turn| turn.bind_channel(CHANNEL, to_ann)), Event::ChannelBound);
    let hello = ann.turn.send(to_ben, b"hello");
    ann.send(&hello);
    assert_eq!(ben.hear(), Event::ChannelData { channel: CHANNEL, bytes: b"hello" });
    let well = ben.turn.send_on_channel(CHANNEL, b"well");
    ben.send(&well);
    assert_eq!(ann.hear(), Event::Data { peer: to_ben, bytes: b"well" });
}

// Elsewhere loopback has one address only, and permissions are given by address.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_without_permission_is_not_heard() {
    let world = World::new();
    let (friend, stranger) = (world.peer(), Peer::at("127.0.0.2".parse().expect("an address")));
    let mut client = world.over_udp();
    let relayed = client.allocate();
    client.permit(friend.address());
    stranger.send(relayed, b"let me in");
    friend.send(relayed, b"hello");
    assert_eq!(client.hear(), Event::Data { peer: friend.address(), bytes: b"hello" });
}

#[test]
fn a_burst_arrives_whole_and_in_order() {
    let world = World::new();
    let peer = world.peer();
    let mut client = world.over_udp();
    let relayed = client.allocate();
    assert_eq!(client.ask(|turn| turn.bind_channel(CHANNEL, peer.address())), Event::ChannelBound);
    for number in 0..100u8 {
        let packet = client.turn.send_on_channel(CHANNEL, &[number; 200]);
        client.send(&packet);
    }
    for number in 0..100u8 {
        assert_eq!(peer.hear(), (vec![number; 200], relayed));
    }
    for number in 0..100u8 {
        peer.send(relayed, &[number; 200]);
    }
    for number in 0..100u8 {
        assert_eq!(client.hear(), Event::ChannelData { channel: CHANNEL, bytes: &[number; 200] });
    }
}

/// Whether this machine has IPv6.
fn has_ipv6() -> bool {
    UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// A channel of a client.
pub const CHANNEL: u16 = 0x4001;

pub fn channel_both_ways(world: &World, client: &mut Client) {
    let peer = world.peer();
    let relayed = client.allocate();
    assert_eq!(client.ask(|turn| turn.bind_channel(CHANNEL, peer.address())), Event::ChannelBound);
    for bytes in [&b"hello"[..], &[7; 1_200], b""] {
        let packet = client.turn.send_on_channel(CHANNEL, bytes);
        client.send(&packet);
        assert_eq!(peer.hear(), (bytes.to_vec(), relayed));
        peer.send(relayed, bytes);
        assert_eq!(client.hear(), Event::ChannelData { channel: CHANNEL, bytes });
    }
}

pub fn indications_both_ways(world: &World, client: &mut Client) {
    let peer = world.peer();
    let relayed = client.allocate();
    client.permit(peer.address());
    for bytes in [&b"hello"[..], &[7; 1_200], b""] {
        let packet = client.turn.send(peer.address(), bytes);
        client.send(&packet);
        assert_eq!(peer.hear(), (bytes.to_vec(), relayed));
        peer.send(relayed, bytes);
        assert_eq!(client.hear(), Event::Data { peer: peer.address(), bytes });
    }
}
