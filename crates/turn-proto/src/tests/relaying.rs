//! What goes through, and what does not.

use std::num::NonZeroU32;
use std::time::Duration;

use callbox_domain::address::is_public;
use proptest::prelude::*;

use super::world::*;
use crate::message::{Builder, Class, Message, Method, TAILROOM, TransactionId, attribute};
use crate::{Bytes, HEADROOM, Input, Output, Packet, RelayPort, Via};

/// The peer and the data of a Data indication.
#[track_caller]
fn read_data(bytes: &[u8]) -> (std::net::SocketAddr, Vec<u8>) {
    let message = Message::parse(bytes).expect("a message");
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::Data));
    let peer = message.xor_address(attribute::XOR_PEER_ADDRESS).expect("a peer");
    (peer, message.attribute(attribute::DATA).expect("data").to_vec())
}

#[test]
fn packets_go_both_ways_over_indications_and_channels() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    let relay = world.allocated(&ann);
    let peer = socket("1.1.1.1:7000");
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    for data in [&b""[..], b"h", b"hello", &[7; 1_200]] {
        assert_eq!(world.indicate(&ann, "1.1.1.1:7000", data), [Done::ToPeer(relay, peer, data.to_vec())]);
        let done = world.peer_sends(relay, peer, data);
        let [Done::ToClient(client, bytes)] = &done[..] else { panic!("{done:?}") };
        assert_eq!(*client, ann.client);
        assert_eq!(read_data(bytes), (peer, data.to_vec()));
    }
    assert_eq!(world.bind(&ann, 0x4fff, "1.1.1.1:7000").error, None);
    for data in [&b""[..], b"h", b"hello", &[7; 1_200]] {
        assert_eq!(world.send_channel(&ann, 0x4fff, data), [Done::ToPeer(relay, peer, data.to_vec())]);
        let done = world.peer_sends(relay, peer, data);
        assert_eq!(done, [Done::ToClient(ann.client, channel_data(0x4fff, data))], "without padding");
    }
    let done = world.peer_sends(relay, socket("1.1.1.1:7001"), b"from another port");
    assert!(matches!(&done[..], [Done::ToClient(_, bytes)] if read_data(bytes).0.port() == 7_001));
    let figures = world.server.figures();
    assert_eq!((figures.packets_to_peers, figures.bytes_to_peers), (8, 2 * 1_206));
    assert_eq!((figures.packets_to_clients, figures.bytes_to_clients), (9, 2 * 1_206 + 17));
    assert_eq!((figures.packets_in_memory, figures.packets_refused), (0, 0));
    assert_eq!(figures.permissions, 2);
}

#[test]
fn over_a_stream_channel_data_is_padded_both_ways() {
    let mut world = World::new();
    let ann = world.user_via(Via::Tcp(1), "9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    let peer = socket("1.1.1.1:7000");
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    assert_eq!(world.send_channel(&ann, 0x4000, b"hello"), [Done::ToPeer(relay, peer, b"hello".to_vec())]);
    let done = world.peer_sends(relay, peer, b"hello");
    assert_eq!(done, [Done::ToClient(ann.client, b"\x40\x00\x00\x05hello\0\0\0".to_vec())]);
}

#[test]
fn nothing_is_copied() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    let peer = socket("1.1.1.1:7000");
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    let mut buffer = [&[0; HEADROOM][..], &channel_data(0x4000, b"hello"), &[0; TAILROOM]].concat();
    let range = HEADROOM..HEADROOM + 9;
    let packet = Packet { buffer: &mut buffer, range };
    world.server.handle(world.now, Input::FromClient { client: ann.client, packet });
    let bytes = Bytes::InBuffer(HEADROOM + 4..HEADROOM + 9);
    assert_eq!(world.server.next_output(), Some(Output::ToPeer { relay, peer, bytes }));
    let packet = Packet { buffer: &mut buffer, range: HEADROOM..HEADROOM + 9 };
    world.server.handle(world.now, Input::FromPeer { relay, peer, packet });
    let bytes = Bytes::InBuffer(HEADROOM - 4..HEADROOM + 9);
    assert_eq!(world.server.next_output(), Some(Output::ToClient { client: ann.client, bytes }));
}

#[test]
fn without_a_permission_nothing_passes_either_way() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    let peer = socket("1.1.1.1:7000");
    assert_eq!(world.indicate(&ann, "1.1.1.1:7000", b"hello"), []);
    assert_eq!(world.send_channel(&ann, 0x4000, b"hello"), []);
    assert_eq!(world.peer_sends(relay, peer, b"hello"), []);
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    assert_eq!(world.peer_sends(relay, socket("1.1.1.2:7000"), b"hello"), []);
    world.advance(Duration::from_mins(5));
    assert_eq!(world.indicate(&ann, "1.1.1.1:7000", b"hello"), []);
    assert_eq!(world.send_channel(&ann, 0x4000, b"hello"), [], "the channel lives, its permission does not");
    assert_eq!(world.peer_sends(relay, peer, b"hello"), []);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    assert_eq!(world.send_channel(&ann, 0x4000, b"hello").len(), 1);
    assert_eq!(world.server.figures().packets_refused, 7);
    let bob = world.user("9.9.9.9:4001", "ses_bob", "");
    assert_eq!(world.send_channel(&bob, 0x4000, b"hello"), [], "without an allocation");
    assert_eq!(world.indicate(&bob, "1.1.1.1:7000", b"hello"), []);
    assert_eq!(world.peer_sends(RelayPort { address: 0, port: 1 }, peer, b"hello"), []);
    assert_eq!(world.server.figures().packets_refused, 10);
}

#[test]
fn peers_that_are_not_allowed_are_refused_and_all_with_them() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    let denied = ["127.0.0.1", "0.0.0.0", "10.0.0.1", "169.254.169.254", "198.41.0.4", "224.0.0.1"];
    for address in denied {
        let peer = format!("{address}:7000");
        assert_eq!(world.permit(&ann, &["1.1.1.1:0", &peer]).error, Some(403), "{peer}");
        assert_eq!(world.bind(&ann, 0x4000, &peer).error, Some(403), "{peer}");
        assert_eq!(world.indicate(&ann, &peer, b"hello"), [], "{peer}");
        let mapped = format!("[::ffff:{address}]:7000");
        assert_eq!(world.permit(&ann, &[&mapped]).error, Some(403), "{mapped}");
        assert_eq!(world.bind(&ann, 0x4000, &mapped).error, Some(403), "{mapped}");
    }
    assert_eq!(world.indicate(&ann, "1.1.1.1:7000", b"hello"), [], "none of the list is permitted");
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:0").error, Some(403), "no port");
    assert_eq!(world.server.figures().peers_refused, 25);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    assert_eq!(world.indicate(&ann, "1.1.1.1:0", b"hello"), [], "no port");
    assert_eq!(world.permit(&ann, &["[2606:4700::1]:0"]).error, Some(443));
    assert_eq!(world.bind(&ann, 0x4000, "[2606:4700::1]:7000").error, Some(443));
    let done = world.indicate(&ann, "[::ffff:1.1.1.1]:7000", b"hello");
    assert_eq!(done, [Done::ToPeer(relay, socket("1.1.1.1:7000"), b"hello".to_vec())], "by its real name");
}

#[test]
fn requests_without_what_they_are_about_are_bad_ones() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    world.allocated(&ann);
    assert_eq!(world.permit(&ann, &[]).error, Some(400));
    let cut = |request: Builder| request.attribute(attribute::XOR_PEER_ADDRESS, &[0, 1, 2]);
    assert_eq!(world.ask(&ann, Method::CreatePermission, cut).error, Some(400));
    let only_peer = |request| peer(request, "1.1.1.1:7000");
    assert_eq!(world.ask(&ann, Method::ChannelBind, only_peer).error, Some(400));
    assert_eq!(world.ask(&ann, Method::ChannelBind, |request| channel(request, 0x4000)).error, Some(400));
    for number in [0, 0x3fff, 0x8000, 0xffff] {
        assert_eq!(world.bind(&ann, number, "1.1.1.1:7000").error, Some(400), "{number:x}");
    }
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None, "again");
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7001").error, Some(400), "another peer");
    assert_eq!(world.bind(&ann, 0x4001, "1.1.1.1:7000").error, Some(400), "another number");
    let many: Vec<String> = (0..129).map(|number| format!("1.1.2.{number}:0")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.permit(&ann, &many).error, Some(508));
    assert_eq!(world.permit(&ann, &many[..127]).error, None);
    assert_eq!(world.permit(&ann, &many[127..]).error, Some(508));
    assert_eq!(world.server.figures().permissions, 129);
}

#[test]
fn indications_that_are_not_understood_are_dropped() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    world.allocated(&ann);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    let indication = || Builder::new(Class::Indication, Method::Send, TransactionId([1; 12]));
    let data = |request: Builder| request.attribute(attribute::DATA, b"hello");
    let dropped = [
        data(indication()),
        peer(indication(), "1.1.1.1:7000"),
        data(peer(indication(), "1.1.1.1:7000")).attribute(attribute::DONT_FRAGMENT, &[]),
        data(indication().attribute(attribute::XOR_PEER_ADDRESS, &[0, 1])),
    ];
    for indication in dropped {
        assert_eq!(world.send(ann.client, &indication.finish()), []);
    }
    let optional = data(peer(indication(), "1.1.1.1:7000")).text(attribute::SOFTWARE, "x").fingerprint();
    assert_eq!(world.send(ann.client, &optional.finish()).len(), 1);
}

#[test]
fn what_one_client_sends_to_another_stays_in_memory() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    let bob = world.user_via(Via::Tls(1), "9.9.9.8:4000", "ses_bob", "1.call");
    let (ann_relay, bob_relay) = (world.allocated(&ann), world.allocated(&bob));
    let [at_ann, at_bob] = [ann_relay, bob_relay].map(|relay| format!("{RELAY_V4}:{}", relay.port));
    assert_eq!(world.permit(&ann, &[&at_bob]).error, None);
    assert_eq!(world.indicate(&ann, &at_bob, b"hello"), [], "bob has not permitted it");
    assert_eq!(world.server.figures().packets_in_memory, 0);
    assert_eq!(world.permit(&bob, &[&at_ann]).error, None);
    let done = world.indicate(&ann, &at_bob, b"hello");
    let [Done::ToClient(client, bytes)] = &done[..] else { panic!("{done:?}") };
    assert_eq!((*client, read_data(bytes)), (bob.client, (socket(&at_ann), b"hello".to_vec())));
    assert_eq!(world.bind(&bob, 0x4001, &at_ann).error, None);
    assert_eq!(world.bind(&ann, 0x4002, &at_bob).error, None);
    let done = world.send_channel(&ann, 0x4002, b"hello");
    assert_eq!(done, [Done::ToClient(bob.client, b"\x40\x01\x00\x05hello\0\0\0".to_vec())]);
    let done = world.send_channel(&bob, 0x4001, b"hello");
    assert_eq!(done, [Done::ToClient(ann.client, channel_data(0x4002, b"hello"))]);
    let figures = world.server.figures();
    assert_eq!((figures.packets_in_memory, figures.packets_to_peers, figures.packets_to_clients), (3, 3, 3));
    assert_eq!(world.peer_sends(bob_relay, socket(&at_ann), b"forged"), [], "it would have come in memory");
    let is_closed = |port: &u16| *port != ann_relay.port && *port != bob_relay.port;
    let closed = format!("{RELAY_V4}:{}", (50_000..=50_099).find(is_closed).expect("a port"));
    assert_eq!(world.indicate(&ann, &closed, b"hello"), [], "no port of anybody");
    assert_eq!(world.indicate(&ann, &format!("{RELAY_V4}:22"), b"hello"), [], "no relay port");
    assert_eq!(world.refresh(&bob, 0).error, None);
    assert_eq!(world.send_channel(&ann, 0x4002, b"hello"), [], "bob is gone");
}

#[test]
fn networks_that_are_allowed_are_reached_even_on_this_machine_but_open_ports_in_memory() {
    let mut world = World::with(|settings| {
        settings.relay_addresses[0].public = ip("127.0.0.1");
        settings.own_addresses = vec![ip("127.0.0.1")];
        settings.allow_peers = vec!["127.0.0.0/8".parse().expect("a network")];
    });
    let ann = world.user("127.0.0.1:4000", "ses_ann", "");
    let bob = world.user("127.0.0.1:4001", "ses_bob", "");
    let (relay, at_bob) = (world.allocated(&ann), world.allocated(&bob));
    assert_eq!(world.permit(&ann, &["127.0.0.1:0"]).error, None);
    assert_eq!(world.permit(&bob, &["127.0.0.1:0"]).error, None);
    let peer = socket("127.0.0.1:7000");
    assert_eq!(
        world.indicate(&ann, "127.0.0.1:7000", b"hello"),
        [Done::ToPeer(relay, peer, b"hello".to_vec())]
    );
    assert_eq!(world.peer_sends(relay, peer, b"hello").len(), 1);
    let done = world.indicate(&ann, &format!("127.0.0.1:{}", at_bob.port), b"hello");
    assert!(matches!(&done[..], [Done::ToClient(client, _)] if *client == bob.client), "{done:?}");
}

#[test]
fn an_allocation_relays_no_more_than_its_share() {
    let mut world = World::with(|settings| {
        settings.limits.bytes_per_second = NonZeroU32::new(10_000).expect("not zero");
    });
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    let mut passed = 0;
    for _ in 0..100 {
        passed += world.send_channel(&ann, 0x4000, &[0; 500]).len();
        passed += world.peer_sends(relay, socket("1.1.1.1:7000"), &[0; 500]).len();
    }
    assert_eq!(passed, 21, "of a second, and the one on the edge");
    assert_eq!(world.server.figures().packets_over_bandwidth, 179);
    world.advance(Duration::from_secs(1));
    assert_eq!(world.send_channel(&ann, 0x4000, &[0; 500]).len(), 1);
}

#[test]
fn a_buffer_without_room_before_or_after_the_packet_harms_nobody() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, None);
    let peer = socket("1.1.1.1:7000");
    let range = |range: std::ops::Range<usize>| range;
    for (length, range) in [(5, range(0..5)), (HEADROOM + 5, HEADROOM..HEADROOM + 5), (5, range(3..9))] {
        let mut buffer = vec![0; length];
        let packet = Packet { buffer: &mut buffer, range };
        world.server.handle(world.now, Input::FromPeer { relay, peer, packet });
        assert_eq!(world.server.next_output(), None);
    }
}

/// Whatever peer a client names: nothing leaves for an address that is not public.
fn nothing_leaves_for_what_is_not_public(address: std::net::IpAddr, port: u16) {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let both = |request| udp(request).attribute(attribute::ADDITIONAL_ADDRESS_FAMILY, &[2, 0, 0, 0]);
    assert_eq!(world.ask(&ann, Method::Allocate, both).error, None);
    let to = std::net::SocketAddr::new(address, port).to_string();
    let permitted = world.permit(&ann, &[&to]).error;
    let bound = world.bind(&ann, 0x4000, &to).error;
    let sent = [world.indicate(&ann, &to, b"hello"), world.send_channel(&ann, 0x4000, b"hello")].concat();
    if is_public(address) && address != ip("198.41.0.4") && address != ip(RELAY_V4) && port != 0 {
        assert_eq!((permitted, bound, sent.len()), (None, None, 2), "{to}");
    } else {
        assert_eq!(sent, [], "{to}");
        assert!(port == 0 || permitted == Some(403) && bound == Some(403), "{to}");
    }
}

proptest! {
    #[test]
    fn nothing_leaves_for_an_address_of_ipv4_that_is_not_public(bits in any::<u32>(), port in 0_u16..3) {
        nothing_leaves_for_what_is_not_public(std::net::Ipv4Addr::from_bits(bits).into(), port);
    }

    #[test]
    fn nothing_leaves_for_an_address_of_ipv6_that_is_not_public(
        bits in any::<u128>(),
        prefix in prop::sample::select(vec![0_u128, 0x64_ff9b << 96, 0x2002 << 112, 0x2001 << 112, 0xffff << 32, 0x2600 << 112]),
        kept in prop::sample::select(vec![0_u32, 96, 80, 32]),
    ) {
        // The last bits at random behind a prefix that means something.
        let bits = if kept == 0 { bits } else { prefix | bits >> kept };
        nothing_leaves_for_what_is_not_public(std::net::Ipv6Addr::from_bits(bits).into(), 7_000);
    }
}
