use std::net::{SocketAddr, UdpSocket as StdSocket};
use std::time::Duration;

use super::*;
use crate::arena::{Arena, PACKET_BYTES_MAX};

type Receive<'a> = &'a mut dyn FnMut(&UdpSocket, bool, &mut Arena, &mut Vec<Arrived>) -> bool;
type Send<'a> = &'a dyn Fn(&UdpSocket, &[Datagram<'_>], &mut Unsent);

/// Runs a test with every implementation that this system has.
fn with_each(test: impl Fn(Receive<'_>, Send<'_>)) {
    let mut receiver = portable::Receiver::new();
    test(
        &mut |socket, of_v6, arena, arrived| receiver.receive(socket, of_v6, arena.free(), arrived),
        &|socket, datagrams, unsent| portable::send(socket, datagrams.iter().copied(), unsent),
    );
    let mut receiver = Receiver::new();
    test(
        &mut |socket, of_v6, arena, arrived| receiver.receive(socket, of_v6, arena.free(), arrived),
        &|socket, datagrams, unsent| send(socket, datagrams.iter().copied(), unsent),
    );
}

fn bound(address: &str) -> Option<(UdpSocket, SocketAddr)> {
    let socket = UdpSocket::bind(address.parse().expect("an address")).ok()?;
    let address = socket.local_addr().expect("bound");
    Some((socket, address))
}

/// Waits until something can be received.
fn wait(socket: &mut UdpSocket) {
    let mut poll = mio::Poll::new().expect("a poll");
    poll.registry().register(socket, mio::Token(0), mio::Interest::READABLE).expect("registers");
    let mut events = mio::Events::with_capacity(1);
    poll.poll(&mut events, Some(Duration::from_secs(10))).expect("polls");
    poll.registry().deregister(socket).expect("registered");
    assert!(!events.is_empty(), "nothing came");
}

#[test]
fn many_datagrams_come_in_order_and_in_batches() {
    with_each(|receive, send| {
        let (mut here, to) = bound("127.0.0.1:0").expect("free");
        let (there, from) = bound("127.0.0.1:0").expect("free");
        let contents: Vec<Vec<u8>> = (0..100u8).map(|number| vec![number; usize::from(number)]).collect();
        let datagrams: Vec<_> = contents.iter().map(|bytes| Datagram { to, bytes }).collect();
        let mut unsent = Unsent::default();
        send(&there, &datagrams, &mut unsent);
        assert_eq!(unsent, Unsent::default());

        let mut received = Vec::new();
        while received.len() < contents.len() {
            wait(&mut here);
            let (mut arena, mut arrived) = (Arena::new(), Vec::new());
            let is_drained = receive(&here, false, &mut arena, &mut arrived);
            assert!(is_drained || arrived.len() == BATCH);
            for (slot, datagram) in arena.take(arrived.len()).zip(&arrived) {
                assert_eq!(datagram.from, from);
                received.push(arena.packet(slot, datagram.length.expect("short")).bytes().to_vec());
            }
        }
        assert_eq!(received, contents);
        let mut arrived = Vec::new();
        assert!(receive(&here, false, &mut Arena::new(), &mut arrived));
        assert!(arrived.is_empty());
    });
}

#[test]
fn addresses_of_both_families_come_through_one_receiver() {
    with_each(|receive, send| {
        for family in ["127.0.0.1:0", "[::1]:0", "127.0.0.1:0", "[::1]:0"] {
            // A machine may have no IPv6.
            let Some((mut here, to)) = bound(family) else { continue };
            let (there, from) = bound(family).expect("free");
            send(&there, &[Datagram { to, bytes: b"hello" }], &mut Unsent::default());
            wait(&mut here);
            let mut arrived = Vec::new();
            assert!(receive(&here, to.is_ipv6(), &mut Arena::new(), &mut arrived) || arrived.len() == 1);
            assert_eq!(arrived.iter().map(|datagram| datagram.from).collect::<Vec<_>>(), [from]);
        }
    });
}

#[test]
fn a_datagram_that_does_not_fit_is_told_apart() {
    with_each(|receive, _| {
        let (mut here, to) = bound("127.0.0.1:0").expect("free");
        let there = StdSocket::bind("127.0.0.1:0").expect("free");
        for length in [PACKET_BYTES_MAX + 1, PACKET_BYTES_MAX - 1] {
            there.send_to(&vec![7; length], to).expect("sent");
        }
        let mut lengths = Vec::new();
        while lengths.len() < 2 {
            wait(&mut here);
            let mut arrived = Vec::new();
            receive(&here, false, &mut Arena::new(), &mut arrived);
            lengths.extend(arrived.iter().map(|datagram| datagram.length));
        }
        assert_eq!(lengths, [None, Some(PACKET_BYTES_MAX - 1)]);
    });
}

#[test]
fn what_cannot_be_sent_does_not_hold_up_the_rest() {
    with_each(|receive, send| {
        let (mut here, to) = bound("127.0.0.1:0").expect("free");
        let (there, _) = bound("127.0.0.1:0").expect("free");
        // Nothing can be sent to port 0.
        let nowhere = SocketAddr::new(to.ip(), 0);
        let datagrams = [nowhere, to, nowhere, nowhere, to].map(|to| Datagram { to, bytes: b"hello" });
        let mut unsent = Unsent::default();
        send(&there, &datagrams, &mut unsent);
        assert_eq!(unsent, Unsent { buffer_full: 0, unreachable: 3 });
        let mut arrived = Vec::new();
        while arrived.len() < 2 {
            wait(&mut here);
            receive(&here, false, &mut Arena::new(), &mut arrived);
        }
        assert_eq!(arrived.len(), 2);
    });
}
