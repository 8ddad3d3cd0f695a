//! What the rest of the server says to the relay, and hears of it.

use std::net::TcpStream;
use std::sync::atomic::Ordering;

use callbox_domain::{AppId, CallId, SessionId};
use callbox_media_control::{CallSubject, MediaControl};
use callbox_turn_proto::client::{Event, Family, TurnClient};

use crate::support::{CALL, Client, SESSION, World, wait_until_closed};

#[test]
fn ending_a_session_ends_its_allocations_and_refuses_new_ones() {
    let world = World::new();
    let session = SessionId::new(SESSION).expect("good");
    nothing_is_left_after(&world, || world.relay.end_session(&session));
}

#[test]
fn ending_a_call_ends_its_allocations_and_refuses_new_ones() {
    let world = World::new();
    let call = CallSubject::new(AppId(1), &CallId::new(&CALL[2..]).expect("good"));
    assert_eq!(call.as_str(), CALL);
    nothing_is_left_after(&world, || world.relay.end_call(&call));
}

#[test]
fn what_ends_another_session_or_call_changes_nothing() {
    let world = World::new();
    let peer = world.peer();
    let mut client = world.over_udp();
    let relayed = client.allocate();
    client.permit(peer.address());
    world.relay.end_session(&SessionId::new("ses_another0123456789abcdefg").expect("good"));
    world.relay.end_call(&CallSubject::new(AppId(2), &CallId::new(&CALL[2..]).expect("good")));
    // Both are obeyed before anything that comes later.
    assert!(matches!(world.over_udp().ask(TurnClient::bind), Event::Mapped(_)));
    peer.send(relayed, b"hello");
    assert_eq!(client.hear(), Event::Data { peer: peer.address(), bytes: b"hello" });
}

#[test]
fn dropped_allocations_can_be_opened_again() {
    let world = World::new();
    let peer = world.peer();
    for mut client in [world.over_udp(), world.over_tcp()] {
        let relayed = client.allocate();
        world.relay.drop_allocations();
        wait_until_closed(relayed);
        let relayed = client.allocate();
        client.permit(peer.address());
        peer.send(relayed, b"hello");
        assert_eq!(client.hear(), Event::Data { peer: peer.address(), bytes: b"hello" });
    }
}

#[test]
fn a_stop_closes_everything_and_is_told() {
    let world = World::new();
    assert_eq!(world.relay.health(), Ok(()));
    let mut clients = [world.over_udp(), world.over_tcp(), world.over_tls()];
    let relayed = clients.each_mut().map(Client::allocate);
    world.relay.stop();
    assert_eq!(world.relay.health(), Err("the relay was stopped".to_owned()));
    relayed.into_iter().for_each(wait_until_closed);
    let [_, mut over_tcp, mut over_tls] = clients;
    over_tcp.expect_closed();
    over_tls.expect_closed();
    world.relay.stop();
    world.relay.end_session(&SessionId::new(SESSION).expect("good"));
    let accepting = || TcpStream::connect(world.plain).is_ok();
    while accepting() {
        std::thread::yield_now();
    }
}

#[test]
fn a_thread_that_panics_is_noticed() {
    let world = World::new();
    let mut client = world.over_tcp();
    client.allocate();
    world.broken.store(true, Ordering::Relaxed);
    client.expect_closed();
    // Sockets are closed a moment before it is told.
    while world.relay.health().is_ok() {
        std::thread::yield_now();
    }
    assert_eq!(
        world.relay.health(),
        Err("the relay failed, and no call is relayed: a panic: this clock is broken".to_owned())
    );
    // Nobody waits for a thread that is not there.
    world.relay.end_session(&SessionId::new(SESSION).expect("good"));
    world.relay.stop();
}

fn nothing_is_left_after(world: &World, end: impl FnOnce()) {
    let mut clients = [world.over_udp(), world.over_tcp(), world.over_tls()];
    let relayed = clients.each_mut().map(Client::allocate);
    end();
    relayed.into_iter().for_each(wait_until_closed);
    for mut client in [world.over_udp(), world.over_tcp(), world.over_tls()] {
        let answer = client.ask(|turn| turn.allocate(Family::V4));
        assert!(matches!(answer, Event::Refused { code: 401, .. }), "{answer:?}");
    }
    let [_, mut over_tcp, mut over_tls] = clients;
    over_tcp.expect_closed();
    over_tls.expect_closed();
}
