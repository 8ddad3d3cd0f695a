//! How allocations end. Whatever ends one, its ports are closed and its share of the quotas is free.

use std::num::NonZeroU32;
use std::time::Duration;

use super::world::*;
use crate::message::Method;
use crate::{Input, Output, Revoked, Via};

/// A world in which a session may have one allocation.
fn strict() -> World {
    World::with(|settings| settings.limits.allocations_per_session = NonZeroU32::MIN)
}

#[track_caller]
fn assert_nothing_is_left(world: &World) {
    assert!(world.open.is_empty(), "{:?}", world.open);
    assert_eq!(world.server.deadline(), None);
    let figures = world.server.figures();
    assert_eq!((figures.allocations, figures.permissions), (0, 0));
}

#[test]
fn an_allocation_ends_with_its_lifetime() {
    let mut world = strict();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    world.advance(Duration::from_millis(599_999));
    assert_eq!(world.open.len(), 1);
    world.advance(Duration::from_millis(1));
    assert_eq!(world.done.last(), Some(&Done::Closed(relay)));
    assert_nothing_is_left(&world);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.allocate(&ann).error, None);
}

#[test]
fn nothing_is_relayed_after_the_lifetime_even_if_nobody_said_that_time_passed() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    world.advance(Duration::from_mins(9));
    assert_eq!(world.bind(&ann, 0x4000, "1.1.1.1:7000").error, None);
    world.now.elapsed += Duration::from_mins(1);
    assert_eq!(world.send_channel(&ann, 0x4000, b"late"), [Done::Closed(relay)]);
    assert_nothing_is_left(&world);
}

#[test]
fn a_refresh_moves_the_end_and_one_of_no_time_is_the_end() {
    let mut world = strict();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let relay = world.allocated(&ann);
    assert_eq!(world.permit(&ann, &["1.1.1.1:0", "1.1.1.2:0"]).error, None);
    assert_eq!(world.server.figures().permissions, 2);
    world.advance(Duration::from_mins(9));
    assert_eq!(world.refresh(&ann, 1_200).error, None);
    assert_eq!(world.server.figures().permissions, 0, "what has expired is swept");
    world.advance(Duration::from_mins(19));
    let ann = User { nonce: world.server_nonce(ann.client), ..ann };
    assert_eq!(world.refresh(&ann, 0).error, None, "the credential has expired, and that does not matter");
    assert!(world.done.contains(&Done::Closed(relay)));
    assert_nothing_is_left(&world);
    assert_eq!(world.refresh(&ann, 0).error, None, "once more, for an answer that was lost");
    assert_eq!(world.refresh(&ann, 600).error, Some(437));
}

#[test]
fn whoever_gives_up_before_the_port_is_open_leaves_nothing() {
    let mut world = strict();
    world.is_prompt = false;
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let id = world.transaction();
    world.send(ann.client, &ann.request(id, Method::Allocate, udp));
    assert_eq!(world.refresh(&ann, 0).error, None);
    let before = world.done.len();
    world.open_ports();
    let done = world.done[before..].to_vec();
    assert!(matches!(done[..], [Done::Closed(_)]), "{done:?}");
    assert_nothing_is_left(&world);
    world.is_prompt = true;
    assert_eq!(world.allocate(&ann).error, None);
}

#[test]
fn an_allocation_ends_with_its_stream() {
    let mut world = strict();
    let ann = world.user_via(Via::Tls(3), "9.9.9.9:4000", "ses_ann", "");
    world.allocated(&ann);
    world.handle(Input::ClientGone(ann.client), &[]);
    assert_nothing_is_left(&world);
    let ann = world.user_via(Via::Tls(4), "9.9.9.9:4000", "ses_ann", "");
    assert_eq!(world.allocate(&ann).error, None);
}

#[test]
fn a_session_that_ends_takes_its_allocations_along_and_gets_no_more() {
    let mut world = World::new();
    let by_stream = world.user_via(Via::Tcp(1), "9.9.9.9:4000", "ses_ann", "1.call");
    let by_udp = world.user("9.9.9.9:4001", "ses_ann", "");
    let bob = world.user("9.9.9.9:4002", "ses_bob", "1.call");
    for user in [&by_stream, &by_udp, &bob] {
        world.allocated(user);
    }
    let before = world.done.len();
    world.handle(Input::Revoked(Revoked::Session("ses_ann")), &[]);
    let done = &world.done[before..];
    assert_eq!(done.iter().filter(|done| matches!(done, Done::Closed(_))).count(), 2);
    assert!(done.contains(&Done::Disconnected(by_stream.client)));
    assert_eq!(done.len(), 3, "{done:?}");
    assert_eq!(world.server.figures().allocations, 1);
    assert_eq!(world.allocate(&by_udp).error, Some(401));
    assert_eq!(world.permit(&by_udp, &["1.1.1.1:0"]).error, Some(437));
    assert_eq!(world.permit(&bob, &["1.1.1.1:0"]).error, None);
    world.advance(Duration::from_mins(15));
    let again = world.user("9.9.9.9:4003", "ses_ann", "");
    assert_eq!(world.allocate(&again).error, Some(401), "even with a credential made later");
}

#[test]
fn a_call_that_ends_takes_the_allocations_of_both_sides_along() {
    let mut world = World::new();
    let ann = world.user("9.9.9.9:4000", "ses_ann", "1.call");
    let bob = world.user("9.9.9.9:4001", "ses_bob", "1.call");
    let elsewhere = world.user("9.9.9.9:4002", "ses_ann", "1.other");
    for user in [&ann, &bob, &elsewhere] {
        world.allocated(user);
    }
    world.handle(Input::Revoked(Revoked::Call("1.call")), &[]);
    assert_eq!(world.open.len(), 1);
    assert_eq!(world.allocate(&ann).error, Some(401));
    assert_eq!(world.allocate(&bob).error, Some(401));
    assert_eq!(world.refresh(&elsewhere, 600).error, None);
}

#[test]
fn what_is_being_opened_ends_with_its_session_too() {
    let mut world = World::new();
    world.is_prompt = false;
    let ann = world.user_via(Via::Tcp(1), "9.9.9.9:4000", "ses_ann", "");
    let id = world.transaction();
    world.send(ann.client, &ann.request(id, Method::Allocate, udp));
    world.handle(Input::Revoked(Revoked::Session("ses_ann")), &[]);
    assert_eq!(world.done.last(), Some(&Done::Disconnected(ann.client)));
    world.open_ports();
    assert_nothing_is_left(&world);
}

#[test]
fn all_allocations_can_be_dropped_and_opened_again_at_once() {
    let mut world = strict();
    let ann = world.user_via(Via::Tcp(1), "9.9.9.9:4000", "ses_ann", "");
    let bob = world.user("9.9.9.9:4001", "ses_bob", "");
    world.allocated(&ann);
    world.allocated(&bob);
    world.handle(Input::DropAllocations, &[]);
    assert_nothing_is_left(&world);
    assert!(!world.done.contains(&Done::Disconnected(ann.client)));
    assert_eq!(world.permit(&ann, &["1.1.1.1:0"]).error, Some(437));
    assert_eq!(world.allocate(&ann).error, None);
    assert_eq!(world.allocate(&bob).error, None);
}

#[test]
fn a_port_is_not_given_out_again_while_it_is_not_told_to_be_closed() {
    let mut world = World::with(|settings| settings.ports = 50_000..=50_000);
    let ann = world.user("9.9.9.9:4000", "ses_ann", "");
    let bob = world.user("9.9.9.9:4001", "ses_bob", "");
    let relay = world.allocated(&ann);
    // Nothing is taken out between the two.
    world.server.handle(world.now, Input::DropAllocations);
    let id = world.transaction();
    let mut request = [&[0; crate::HEADROOM], &bob.request(id, Method::Allocate, udp)[..]].concat();
    let range = crate::HEADROOM..request.len();
    let packet = crate::Packet { buffer: &mut request, range };
    world.server.handle(world.now, Input::FromClient { client: bob.client, packet });
    assert_eq!(world.server.next_output(), Some(Output::CloseRelay(relay)));
    world.open.remove(&relay);
    assert!(
        matches!(world.server.next_output(), Some(Output::ToClient { client, .. }) if client == bob.client)
    );
    assert_eq!(world.server.next_output(), None);
    assert_eq!(world.allocate(&bob).error, None, "508 before, for the port was not yet closed");
}

#[test]
fn a_stream_of_something_else_is_closed_with_what_it_has_and_a_datagram_is_ignored() {
    let mut world = World::new();
    let ann = world.user_via(Via::Tcp(1), "9.9.9.9:4000", "ses_ann", "");
    let bob = world.user("9.9.9.9:4001", "ses_bob", "");
    let relay = world.allocated(&ann);
    world.allocated(&bob);
    for garbage in [&b"GET / HTTP/1.1"[..], b"\xff", b"\x00\x01", b"\x50\x00\x00\x00"] {
        assert_eq!(world.send(bob.client, garbage), []);
    }
    let done = world.send(ann.client, b"GET / HTTP/1.1");
    assert_eq!(done, [Done::Closed(relay), Done::Disconnected(ann.client)]);
    assert_eq!(world.open.len(), 1);
}
