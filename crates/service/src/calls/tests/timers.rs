use std::sync::atomic::Ordering;

use callbox_call_proto::timers::{
    BOTH_GONE, CALLER_GONE, CONNECT_DEFAULT, LEG_GONE, LONGEST_DEFAULT, REACH_DEFAULT, RING_DEFAULT,
};
use callbox_domain::{CallEndCause, Clock};
use callbox_wire::call::CallCause;
use futures_executor::block_on;

use super::super::{EndReason, MediaReport};
use super::world::{MOMENT, Tab, World, seconds};

const CALL: &str = "call-0001";

fn pair(world: &World) -> (Tab, Tab) {
    (world.tab("ann", "ann-tab1"), world.tab("bob", "bob-tab1"))
}

#[test]
fn a_call_that_rings_nowhere_is_unreachable() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.pass_nearly(REACH_DEFAULT);
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    let told = world.ended(&ann);
    assert_eq!(told, world.ended(&bob));
    assert_eq!((told.cause, told.ended_by), (CallCause::Unreachable, None));
    assert_eq!(told.sentence, CallEndCause::Unreachable.sentence());
}

#[test]
fn a_call_that_rings_too_long_has_no_answer() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.pass(seconds(5));
    world.ring(&bob, CALL).expect("rings");
    world.pass_nearly(RING_DEFAULT);
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::NoAnswer);
}

#[test]
fn a_caller_chooses_how_long_it_rings_inside_the_apps_limit() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    for (call, asked, rings) in [("call-0001", 3, 3), ("call-0002", 100, 60), ("call-0003", 0, 1)] {
        world.start_for(&ann, call, "bob", Some(seconds(asked))).expect("started");
        world.ring(&bob, call).expect("rings");
        world.heard(&ann);
        world.pass_nearly(seconds(rings));
        assert!(world.names(&ann).is_empty(), "{asked}");
        world.pass(MOMENT);
        assert_eq!(world.ended(&ann).cause, CallCause::NoAnswer, "{asked}");
    }
}

#[test]
fn a_call_without_media_ends_after_a_while() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.accepted(&ann, &bob, CALL);
    world.report(&ann, CALL, MediaReport::Connected).expect("reported");
    world.pass_nearly(CONNECT_DEFAULT);
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::ConnectTimeout);
}

#[test]
fn a_connected_call_lasts_as_long_as_calls_may() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.pass(CONNECT_DEFAULT);
    world.pass_nearly(LONGEST_DEFAULT.saturating_sub(CONNECT_DEFAULT));
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::ServerEnded);
}

#[test]
fn a_caller_who_is_gone_before_the_answer_has_given_up() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.ring(&bob, CALL).expect("rings");
    world.close(&ann);
    world.pass_nearly(CALLER_GONE);
    world.open(&ann);
    world.pass(seconds(2));
    assert_eq!(world.live_calls(&bob).len(), 1, "back in time");
    world.close(&ann);
    world.pass(CALLER_GONE);
    assert_eq!(world.cause(&ann, &bob), CallCause::Canceled);
}

#[test]
fn a_lost_socket_ends_a_call_only_if_its_media_is_gone_too() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.close(&bob);
    world.pass(LEG_GONE * 2);
    assert_eq!(world.live_calls(&ann).len(), 1, "ann still hears bob");
    world.report(&ann, CALL, MediaReport::Interrupted).expect("reported");
    world.pass_nearly(LEG_GONE);
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::ConnectionLost);
}

#[test]
fn a_call_whose_legs_are_both_gone_ends() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.close(&ann);
    world.close(&bob);
    world.pass_nearly(BOTH_GONE);
    assert_eq!(world.live_calls(&ann).len(), 1);
    world.pass(MOMENT);
    assert_eq!(world.cause(&ann, &bob), CallCause::ConnectionLost);
}

#[test]
fn a_timer_that_the_store_does_not_take_comes_again() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.start(&ann, CALL, "bob").expect("started");
    world.store.is_down.store(true, Ordering::Relaxed);
    world.pass(REACH_DEFAULT);
    world.pass(seconds(1));
    assert!(world.names(&ann).is_empty());
    world.store.is_down.store(false, Ordering::Relaxed);
    world.pass(seconds(1));
    assert_eq!(world.cause(&ann, &bob), CallCause::Unreachable);
}

#[test]
fn a_loss_that_the_store_does_not_take_is_noticed_later() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    world.store.is_down.store(true, Ordering::Relaxed);
    world.close(&bob);
    world.store.is_down.store(false, Ordering::Relaxed);
    assert!(!world.kinds(CALL).contains(&"connection_lost".to_owned()));
    world.pass(seconds(1));
    assert_eq!(world.kinds(CALL).last().map(String::as_str), Some("connection_lost"));

    world.store.is_down.store(true, Ordering::Relaxed);
    block_on(world.service.session_left_calls(
        bob.caller.app_id(),
        &bob.caller.user_id,
        &bob.caller.session_id,
    ));
    world.store.is_down.store(false, Ordering::Relaxed);
    block_on(world.service.sign_out(&bob.caller)).expect("signed out");
    assert_eq!(world.cause(&ann, &bob), CallCause::SessionEnded);
}

#[test]
fn a_leg_whose_session_is_too_old_ends_its_call() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.clock.advance(seconds(47 * 3600 + 1800));
    world.connected(&ann, &bob, CALL);
    world.clock.advance(seconds(1800));
    world.close(&ann);
    assert_eq!(world.cause(&ann, &bob), CallCause::SessionEnded);
}

#[test]
fn the_book_holds_one_deadline_for_each_call_and_none_once_it_is_over() {
    let world = World::new();
    let (ann, bob) = pair(&world);
    world.connected(&ann, &bob, CALL);
    for number in 0..100 {
        world.candidate(&ann, CALL, 0, &format!("candidate {number}")).expect("added");
    }
    let far = world.clock.now().plus(LONGEST_DEFAULT * 2);
    assert_eq!(world.service.calls.take_due(far).len(), 1);
    world.candidate(&ann, CALL, 0, "one more").expect("added");
    world.end(&ann, CALL, EndReason::HangUp).expect("hung up");
    assert!(world.service.calls.take_due(far).is_empty());
    assert!(world.service.calls.of_user(ann.caller.app_id(), &ann.caller.user_id).is_empty());
}
