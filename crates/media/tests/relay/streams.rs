//! Over TCP and TLS.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use callbox_turn_proto::client::{Event, TurnClient};
use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsAcceptor;

use crate::datagrams::{CHANNEL, channel_both_ways, indications_both_ways};
use crate::support::{World, connect, wait_until_closed};

#[test]
fn tcp_carries_packets_both_ways() {
    let world = World::new();
    channel_both_ways(&world, &mut world.over_tcp());
    indications_both_ways(&world, &mut world.over_tcp());
}

#[test]
fn tls_carries_packets_both_ways() {
    let world = World::new();
    channel_both_ways(&world, &mut world.over_tls());
    indications_both_ways(&world, &mut world.over_tls());
}

#[test]
fn clients_over_different_transports_reach_each_other() {
    let world = World::new();
    let (mut ann, mut ben) = (world.over_tls(), world.over_udp());
    let (to_ann, to_ben) = (ann.allocate(), ben.allocate());
    assert_eq!(ann.ask(|turn| turn.bind_channel(CHANNEL, to_ben)), Event::ChannelBound);
    assert_eq!(ben.ask(|turn| turn.bind_channel(CHANNEL, to_ann)), Event::ChannelBound);
    for bytes in [&b"hello"[..], &[7; 1_200]] {
        let packet = ann.turn.send_on_channel(CHANNEL, bytes);
        ann.send(&packet);
        assert_eq!(ben.hear(), Event::ChannelData { channel: CHANNEL, bytes });
        let packet = ben.turn.send_on_channel(CHANNEL, bytes);
        ben.send(&packet);
        assert_eq!(ann.hear(), Event::ChannelData { channel: CHANNEL, bytes });
    }
}

#[test]
fn frames_that_come_in_pieces_or_together_are_told_apart() {
    let world = World::new();
    let peer = world.peer();
    let mut client = world.over_tcp();
    let relayed = client.allocate();
    assert_eq!(client.ask(|turn| turn.bind_channel(CHANNEL, peer.address())), Event::ChannelBound);
    // More frames than are handled before anything is sent, and no more than a socket holds.
    let contents: Vec<Vec<u8>> = (0..140).map(|length| vec![7; length]).collect();
    let frames: Vec<u8> =
        contents.iter().flat_map(|bytes| client.turn.send_on_channel(CHANNEL, bytes)).collect();
    for piece in frames.chunks(123) {
        client.send(piece);
    }
    for bytes in contents {
        assert_eq!(peer.hear(), (bytes, relayed));
    }
}

#[test]
fn an_allocation_ends_with_its_stream() {
    let world = World::new();
    let peer = world.peer();
    for mut client in [world.over_tcp(), world.over_tls()] {
        let relayed = client.allocate();
        client.permit(peer.address());
        drop(client);
        wait_until_closed(relayed);
    }
}

#[test]
fn what_is_no_turn_is_closed() {
    let world = World::new();
    let too_long = [&[0x40, 0x01], &5_000u16.to_be_bytes()[..], &[0; 5_000]].concat();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 100], &too_long] {
        let mut client = world.over_tcp();
        client.allocate();
        client.send(garbage);
        client.expect_closed();
        let mut client = world.over_tls();
        client.send(garbage);
        client.expect_closed();
    }
    let mut no_tls = connect(world.tls);
    no_tls.write_all(&[0; 100]).expect("open");
    let mut alert = Vec::new();
    no_tls.read_to_end(&mut alert).expect("closed");
    assert_eq!(alert.first(), Some(&21), "an alert (RFC 8446, section 5.1)");
}

#[test]
fn a_stream_without_an_allocation_is_closed_after_a_while() {
    let world = World::new();
    let (mut idle, mut busy) = (world.over_tcp(), world.over_tls());
    assert!(matches!(idle.ask(TurnClient::bind), Event::Mapped(_)));
    busy.allocate();
    world.clock.advance(Duration::from_secs(31));
    idle.expect_closed();
    assert!(matches!(busy.ask(TurnClient::bind), Event::Mapped(_)), "it has an allocation");
}

#[test]
fn a_slow_reader_gets_its_answers_and_only_so_much_media() {
    let world = World::new();
    let peer = world.peer();
    let stream = connect(world.plain);
    SockRef::from(&stream).set_recv_buffer_size(16 << 10).expect("possible");
    let mut slow = world.over_stream(Box::new(stream));
    let relayed = slow.allocate();
    assert_eq!(slow.ask(|turn| turn.bind_channel(CHANNEL, peer.address())), Event::ChannelBound);
    let mut other = world.over_udp();
    for _ in 0..PACKETS_SENT / 50 {
        for _ in 0..50 {
            peer.send(relayed, &[7; 1_000]);
        }
        // Others are served meanwhile; and nothing is sent faster than it is handled.
        assert!(matches!(other.ask(TurnClient::bind), Event::Mapped(_)));
    }
    let refresh = slow.turn.refresh(Duration::from_mins(10));
    slow.send(&refresh);
    assert!(matches!(other.ask(TurnClient::bind), Event::Mapped(_)));
    let mut packets = 0;
    loop {
        match slow.hear() {
            Event::ChannelData { bytes, .. } => {
                assert_eq!(bytes, [7; 1_000], "dropped packets are dropped whole");
                packets += 1;
            }
            Event::Refreshed { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    // What the systems of both hold, and the queue.
    assert!((100..PACKETS_SENT / 4).contains(&packets), "{packets} packets waited");
    // And it goes on.
    peer.send(relayed, b"fresh");
    while slow.hear() != (Event::ChannelData { channel: CHANNEL, bytes: b"fresh" }) {}
}

/// Eight times what a slow reader should be able to hold up.
const PACKETS_SENT: usize = 10_000;

#[test]
fn a_stream_that_was_recognised_elsewhere_is_taken_with_its_early_bytes() {
    let world = World::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("free");
    let mut stream = connect(listener.local_addr().expect("bound"));
    let (accepted, address) = listener.accept().expect("connected");
    let request = TurnClient::bind(&mut world.over_udp().turn);
    // It answers to both, the one before that was cut anywhere and the one behind.
    stream.write_all(&request[7..]).expect("open");
    accepted.set_nonblocking(true).expect("possible");
    world.runtime.block_on(async {
        let accepted = tokio::net::TcpStream::from_std(accepted).expect("a runtime");
        let early = request[..7].to_vec();
        world.relay.take_stream(accepted, None, address, early).await.expect("room");
    });
    let mut client = world.over_stream(Box::new(stream));
    let first = client.next_frame().expect("an answer");
    assert_eq!(first[..2], [0x01, 0x01], "a Binding success");
    assert_eq!(client.ask(TurnClient::bind), Event::Mapped(address));
}

#[test]
fn tls_that_was_recognised_elsewhere_is_taken_with_what_waits_in_it() {
    let world = World::new();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("free");
    let mut stream = world.handshake(connect(listener.local_addr().expect("bound")));
    let (accepted, address) = listener.accept().expect("connected");
    accepted.set_nonblocking(true).expect("possible");
    let acceptor = TlsAcceptor::from(world.server_tls.clone());
    let accepted = world.runtime.spawn(async move {
        let accepted = tokio::net::TcpStream::from_std(accepted).expect("a runtime");
        let mut accepted = acceptor.accept(accepted).await.expect("TLS");
        // The rest of the record waits in the connection, and no event will tell of it.
        let mut early = vec![0];
        accepted.read_exact(&mut early).await.expect("open");
        (accepted, early)
    });
    let request = TurnClient::bind(&mut world.over_udp().turn);
    stream.write_all(&request).expect("open");
    world.runtime.block_on(async {
        let (accepted, early) = accepted.await.expect("no panic");
        let (socket, tls) = accepted.into_inner();
        world.relay.take_stream(socket, Some(tls), address, early).await.expect("room");
    });
    let mut client = world.over_stream(Box::new(stream));
    let first = client.next_frame().expect("an answer");
    assert_eq!(first[..2], [0x01, 0x01], "a Binding success");
    channel_both_ways(&world, &mut client);
}
