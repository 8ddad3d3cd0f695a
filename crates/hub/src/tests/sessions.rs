//! Sessions that end or are renewed while they have connections.

use std::time::Duration;

use callbox_wire::{CloseCode, ErrorCode};

use super::{LIFE, World};

#[test]
fn a_session_that_ends_closes_its_socket_and_no_other() {
    let world = World::new();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (first, second) = (world.connect(&one.token), world.connect(&two.token));
    world.wait(world.service().sign_out(&world.caller(&one.token)));
    assert_eq!(world.closed(&first), Some(CloseCode::SessionEnded));
    assert_eq!(world.closed(&second), None);
    assert_eq!(CloseCode::SessionEnded.number(), 4401);
}

#[test]
fn a_session_whose_end_the_bus_forgot_is_found_on_the_list() {
    let world = World::deaf();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (first, second) = (world.connect(&one.token), world.connect(&two.token));
    let from = world.wait(world.service().newest_ended_session());
    world.wait(world.service().sign_out(&world.caller(&one.token)));
    assert_eq!(world.closed(&first), None, "nobody told");
    let to = world.runtime.block_on(world.hub().sweep(from));
    assert_eq!((world.closed(&first), world.closed(&second)), (Some(CloseCode::SessionEnded), None));
    assert_eq!(world.runtime.block_on(world.hub().sweep(to)), to, "read once");
    world.wait(world.service().sign_out(&world.caller(&two.token)));
    assert!(world.runtime.block_on(world.hub().sweep(to)) > to);
    assert_eq!(world.closed(&second), Some(CloseCode::SessionEnded));
}

#[test]
fn a_session_that_ended_during_the_hello_is_not_welcome() {
    let world = World::deaf();
    let signed_in = world.sign_in();
    let caller = world.caller(&signed_in.token);
    world.wait(world.service().sign_out(&caller));
    let (_, welcomed) = world.welcome(&signed_in.token, caller);
    assert_eq!(welcomed, Err(CloseCode::SessionEnded));
}

#[test]
fn a_renewed_session_keeps_its_socket() {
    let world = World::new();
    let [one, two] = [(); 2].map(|()| world.sign_in());
    let (renewed, other) = (world.connect(&one.token), world.connect(&two.token));
    world.clock.advance(LIFE / 2);
    let hour = Some(Duration::from_hours(1));
    let caller = world.caller(&one.token);
    world.wait(world.service().renew_session(&caller, None, hour));
    world.clock.advance(LIFE / 2);
    // At the end of a session its client says hello again, and learns from the answer what has become of it.
    assert_eq!((world.closed(&renewed), world.closed(&other)), (None, Some(CloseCode::TryAgain)));
    assert_eq!(world.refusal(&two.token), Some(ErrorCode::SessionEnded));
}

#[test]
fn a_session_renewed_during_the_hello_keeps_its_socket() {
    let world = World::deaf();
    let signed_in = world.sign_in();
    let stale = world.caller(&signed_in.token);
    world.wait(world.service().renew_session(&stale, None, Some(Duration::from_hours(1))));
    let (connection, welcomed) = world.welcome(&signed_in.token, stale);
    assert_eq!(welcomed, Ok(()));
    world.clock.advance(LIFE);
    assert_eq!(world.closed(&connection), None);
}

#[test]
fn the_newer_of_two_sockets_with_one_name_stays_whichever_said_hello_first() {
    let world = World::new();
    let token = world.sign_in().token;
    let [first, second] = [(); 2].map(|()| world.hub().add());
    assert_eq!(world.welcome_on(&first, &token, world.caller(&token)), Ok(()));
    let third = world.connect(&token);
    assert_eq!(world.closed(&first), Some(CloseCode::Replaced));
    assert_eq!(world.welcome_on(&second, &token, world.caller(&token)), Err(CloseCode::Replaced));
    assert_eq!(world.closed(&third), None);
}
